import type { Clock } from '@fastim/core';
import type { Identity } from '../cluster/contract.ts';
import type { AccessOutcome, AccessVerifier } from '../logic/access-verifier.ts';
import type { Logger } from '../observe/logger.ts';
import type { SessionRecord, SessionStore } from '../storage/session-store.ts';
import { StorageError } from '../storage/storage.ts';
import { hashToken } from './tokens.ts';

type SessionLookups = Pick<SessionStore, 'byAccessHash' | 'touch'>;

interface CachedSession {
  hash: string;
  identity: Identity;
  expiresMs: number;
}

const MAX_CACHED = 20_000;
const TOUCH_EVERY_MS = 10 * 60_000;

/**
 * Checks access tokens. What it knows of live sessions is cached until `forget`, which everyone who ends or rotates a
 * session calls after the store has it: from then on the old token is refused. A lookup that was under way at that
 * moment is answered, but not cached.
 */
export class SessionAccess implements AccessVerifier {
  readonly #sessions: SessionLookups;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #byHash = new Map<string, CachedSession>();
  readonly #bySession = new Map<bigint, CachedSession>();
  #forgotten = 0;

  constructor(options: { sessions: SessionLookups; clock: Clock; logger: Logger }) {
    this.#sessions = options.sessions;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /** Never rejects. */
  async verify(accessToken: string): Promise<AccessOutcome> {
    const hash = hashToken(accessToken);
    if (!hash) return { outcome: 'unauthenticated' };
    const key = Buffer.from(hash).toString('base64');
    const cached = this.#byHash.get(key);
    if (cached) return this.#judge(cached);
    const forgottenBefore = this.#forgotten;
    let session: SessionRecord | undefined;
    try {
      session = await this.#sessions.byAccessHash(hash);
    } catch (error) {
      const kind = error instanceof StorageError ? error.kind : 'other';
      this.#logger.error({ err: error, kind }, 'an access token could not be looked up');
      return { outcome: 'unavailable' };
    }
    if (!session) return { outcome: 'unauthenticated' };
    if (session.endedMs !== undefined) return { outcome: 'ended' };
    const found: CachedSession = {
      hash: key,
      identity: {
        userId: session.userId,
        deviceId: session.deviceId,
        sessionId: session.sessionId,
        epoch: session.epoch,
      },
      expiresMs: session.accessExpiresMs,
    };
    if (this.#forgotten === forgottenBefore) this.#remember(found);
    this.#touch(session);
    return this.#judge(found);
  }

  /** To be called once the store knows that the session ended or has other tokens. */
  forget(sessionId: bigint): void {
    this.#forgotten += 1;
    const cached = this.#bySession.get(sessionId);
    if (!cached) return;
    this.#bySession.delete(sessionId);
    this.#byHash.delete(cached.hash);
  }

  #judge(session: CachedSession): AccessOutcome {
    if (session.expiresMs <= this.#clock.now()) {
      this.#drop(session);
      return { outcome: 'unauthenticated' };
    }
    return { outcome: 'granted', identity: session.identity, expiresAtMs: session.expiresMs };
  }

  #remember(session: CachedSession): void {
    const before = this.#bySession.get(session.identity.sessionId);
    if (before) this.#drop(before);
    this.#byHash.set(session.hash, session);
    this.#bySession.set(session.identity.sessionId, session);
    if (this.#byHash.size > MAX_CACHED) {
      const oldest = this.#byHash.values().next().value;
      if (oldest) this.#drop(oldest);
    }
  }

  #drop(session: CachedSession): void {
    if (this.#byHash.get(session.hash) === session) this.#byHash.delete(session.hash);
    if (this.#bySession.get(session.identity.sessionId) === session) {
      this.#bySession.delete(session.identity.sessionId);
    }
  }

  /** "Last seen" is for people to look at: coarse, and never worth failing a request for. */
  #touch(session: SessionRecord): void {
    const now = this.#clock.now();
    if (now - session.lastSeenMs < TOUCH_EVERY_MS) return;
    this.#sessions.touch(session.sessionId, now).catch((error: unknown) => {
      this.#logger.debug({ err: error }, 'last seen was not written');
    });
  }
}
