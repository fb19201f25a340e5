import type { Clock, Random } from '@fastim/core';
import { CloseCode, FastimError } from '@fastim/protocol';
import type { AuthConfig } from '../config.ts';
import type { Logger } from '../observe/logger.ts';
import type { SessionRecord, SessionStore } from '../storage/session-store.ts';
import type { AuthMetrics } from './auth-metrics.ts';
import type { SessionAccess } from './session-access.ts';
import { hashToken, makeToken } from './tokens.ts';

export interface Device {
  /** 32 lower-case hex digits, made once per installation. */
  deviceId: string;
  name: string;
}

/** A session with its tokens in the clear: shown to its device once and kept nowhere here. */
export interface IssuedSession {
  sessionId: bigint;
  deviceId: string;
  epoch: number;
  accessToken: string;
  accessExpiresMs: number;
  refreshToken: string;
  refreshExpiresMs: number;
}

export interface SessionServiceOptions {
  sessions: SessionStore;
  access: SessionAccess;
  clock: Clock;
  random: Random;
  logger: Logger;
  config: AuthConfig;
  metrics: AuthMetrics;
  makeId: () => bigint;
  /** Closes the session's connections on every gate. */
  endSession: (sessionId: bigint, closeCode: number) => void;
}

/**
 * Sessions and their tokens. A session that ends here is first ended in the store, then forgotten by the cache of
 * access tokens, then its connections are closed: when a call resolves, neither HTTP nor a gate takes the token again.
 */
export class SessionService {
  readonly #options: SessionServiceOptions;

  constructor(options: SessionServiceOptions) {
    this.#options = options;
  }

  /** A log-in. The device's earlier session of the same user ends. */
  async create(userId: bigint, device: Device): Promise<IssuedSession> {
    const { sessions, access, makeId } = this.#options;
    const earlier = (await sessions.ofUser(userId)).filter(
      (session) => session.deviceId === device.deviceId && session.endedMs === undefined,
    );
    const tokens = this.#makeTokens();
    const session = await sessions.create({
      sessionId: makeId(),
      userId,
      deviceId: device.deviceId,
      deviceName: device.name,
      ...tokens.stored,
      nowMs: tokens.nowMs,
    });
    for (const { sessionId } of earlier) {
      access.forget(sessionId);
      this.#options.endSession(sessionId, CloseCode.loggedOut);
    }
    return issued(session, tokens);
  }

  /**
   * New tokens for a refresh token; the old ones of the session stop working. Throws SESSION_ENDED for a token that is
   * unknown, past its time, of another device, or spent; a spent one (outside the grace time) ends the session.
   */
  async refresh(refreshToken: string, deviceId: string): Promise<IssuedSession> {
    const { sessions, access, config, logger } = this.#options;
    const oldRefreshHash = hashToken(refreshToken);
    if (!oldRefreshHash) throw new FastimError('SESSION_ENDED');
    const tokens = this.#makeTokens();
    const rotation = await sessions.rotate({
      oldRefreshHash,
      deviceId,
      ...tokens.stored,
      nowMs: tokens.nowMs,
      graceMs: config.refreshGraceMs,
    });
    if (rotation.outcome === 'unknown') throw new FastimError('SESSION_ENDED');
    const { session } = rotation;
    access.forget(session.sessionId);
    if (rotation.outcome === 'reused') {
      this.#options.metrics.refreshTokenReused();
      logger.warn(
        { sessionId: String(session.sessionId), userId: String(session.userId) },
        'a spent refresh token came back: the session was ended',
      );
      this.#options.endSession(session.sessionId, CloseCode.loggedOut);
      throw new FastimError('SESSION_ENDED');
    }
    return issued(session, tokens);
  }

  /** Those that have not ended, newest first. */
  ofUser(userId: bigint): Promise<SessionRecord[]> {
    return this.#options.sessions.ofUser(userId);
  }

  /** Ends a session of this user; idempotent. False: the user has no such session. */
  async endOwn(userId: bigint, sessionId: bigint): Promise<boolean> {
    const session = await this.#options.sessions.byId(sessionId);
    if (session?.userId !== userId) return false;
    await this.end(sessionId);
    return true;
  }

  /** Idempotent. */
  async end(sessionId: bigint): Promise<void> {
    await this.#options.sessions.end(sessionId, this.#options.clock.now());
    this.#options.access.forget(sessionId);
    this.#options.endSession(sessionId, CloseCode.loggedOut);
  }

  #makeTokens(): Tokens {
    const { random, clock, config } = this.#options;
    const nowMs = clock.now();
    const accessToken = makeToken(random);
    const refreshToken = makeToken(random);
    const accessHash = hashToken(accessToken);
    const refreshHash = hashToken(refreshToken);
    if (!accessHash || !refreshHash) throw new Error('the random source gave too few bytes');
    return {
      nowMs,
      accessToken,
      refreshToken,
      stored: {
        accessHash,
        accessExpiresMs: nowMs + config.accessTokenMs,
        refreshHash,
        refreshExpiresMs: nowMs + config.refreshTokenMs,
      },
    };
  }
}

interface Tokens {
  nowMs: number;
  accessToken: string;
  refreshToken: string;
  stored: { accessHash: Uint8Array; accessExpiresMs: number; refreshHash: Uint8Array; refreshExpiresMs: number };
}

function issued(session: SessionRecord, tokens: Tokens): IssuedSession {
  return {
    sessionId: session.sessionId,
    deviceId: session.deviceId,
    epoch: session.epoch,
    accessToken: tokens.accessToken,
    accessExpiresMs: session.accessExpiresMs,
    refreshToken: tokens.refreshToken,
    refreshExpiresMs: session.refreshExpiresMs,
  };
}
