import { type Clock, DedupeWindow } from '@fastim/core';
import { CloseCode, type ErrorName, loginRequest, loginResponse, MAX_DATA_AFTER_LOGIN } from '@fastim/protocol';
import type { Logger } from 'pino';
import type { ConnectionRef, Identity, UplinkPacket } from '../cluster/contract.ts';
import type { GateConfig } from '../config.ts';
import type { OwnRoutes } from '../routing/own-routes.ts';
import type { Route, RouteTable } from '../routing/route-table.ts';
import type { SendToGate } from '../routing/send-to-gate.ts';
import type { ConversationStore } from '../storage/conversation-store.ts';
import type { AccessOutcome, AccessVerifier } from './access-verifier.ts';
import type { Answer } from './answer.ts';
import type { Windows } from './events/check-message.ts';
import type { FollowGroups } from './groups/follow-groups.ts';
import type { KnownRemovals } from './groups/known-removals.ts';
import { ENDED_SESSIONS_REMEMBERED, MAX_ACCESS_TOKEN_LENGTH, retryAfter } from './logic-limits.ts';
import type { LogicMetrics } from './logic-metrics.ts';

interface Group {
  readonly conversationId: bigint;
  readonly asOfSeq: number;
}

/** A connection whose token is being looked up. */
interface Attempt {
  readonly gateId: string;
  /** The connection, its gate or this node went away meanwhile. */
  gone: boolean;
}

/**
 * LOGIN: token → identity → route. The gate is told to bind, and which groups the connection follows, before the response
 * leaves: what a group stores after the client's first sync finds the connection there. A device has one connection: a
 * newer one of the same or a later session (epoch) takes over, one of an earlier session is turned away.
 */
export class LogIn {
  readonly #access: AccessVerifier;
  readonly #conversations: ConversationStore;
  readonly #routes: RouteTable;
  readonly #own: OwnRoutes;
  readonly #toGate: SendToGate;
  readonly #follow: FollowGroups;
  readonly #removals: KnownRemovals;
  readonly #answer: Answer;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metrics: LogicMetrics;
  readonly #gateConfig: GateConfig;
  readonly #windows: Windows;
  readonly #historyEpoch: bigint;
  /** Takes a route out with everything that hangs on it. */
  readonly #drop: (connection: ConnectionRef) => void;
  readonly #attempts = new Map<string, Attempt>();
  readonly #endedSessions = new DedupeWindow<bigint, number>(ENDED_SESSIONS_REMEMBERED);

  constructor(parts: {
    access: AccessVerifier;
    conversations: ConversationStore;
    routes: RouteTable;
    own: OwnRoutes;
    toGate: SendToGate;
    follow: FollowGroups;
    removals: KnownRemovals;
    answer: Answer;
    clock: Clock;
    logger: Logger;
    metrics: LogicMetrics;
    gateConfig: GateConfig;
    windows: Windows;
    historyEpoch: bigint;
    drop: (connection: ConnectionRef) => void;
  }) {
    this.#access = parts.access;
    this.#conversations = parts.conversations;
    this.#routes = parts.routes;
    this.#own = parts.own;
    this.#toGate = parts.toGate;
    this.#follow = parts.follow;
    this.#removals = parts.removals;
    this.#answer = parts.answer;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#metrics = parts.metrics;
    this.#gateConfig = parts.gateConfig;
    this.#windows = parts.windows;
    this.#historyEpoch = parts.historyEpoch;
    this.#drop = parts.drop;
  }

  async handle(packet: UplinkPacket): Promise<void> {
    const { connection } = packet;
    const key = keyOf(connection);
    if (this.#routes.find(connection) || this.#attempts.has(key)) {
      this.#refuse(packet, 'ALREADY_BOUND', 0);
      return;
    }
    const { accessToken, clientVersion } = loginRequest.decode(packet.data);
    const attempt: Attempt = { gateId: connection.gateId, gone: false };
    this.#attempts.set(key, attempt);
    try {
      const verified: AccessOutcome =
        accessToken.length === 0 || accessToken.length > MAX_ACCESS_TOKEN_LENGTH
          ? { outcome: 'unauthenticated' }
          : await this.#access.verify(accessToken);
      if (attempt.gone) return;
      if (verified.outcome === 'unauthenticated') this.#turnAway(packet, 'UNAUTHENTICATED', CloseCode.unauthenticated);
      else if (verified.outcome === 'ended') this.#turnAway(packet, 'SESSION_ENDED', CloseCode.loggedOut);
      else if (verified.outcome !== 'granted') {
        this.#refuse(packet, 'UNAVAILABLE', this.#answer.spread(retryAfter.unavailable));
      } else {
        const { userId } = verified.identity;
        const groups = await this.#groupsOf(userId);
        // Waits only where routes are kept outside this process.
        const others = await this.#routes.ofUser(userId);
        if (!attempt.gone) await this.#enter(packet, verified.identity, clientVersion, others, groups, attempt);
      }
    } finally {
      this.#attempts.delete(key);
    }
  }

  /** A log-in under way for this connection has nobody to answer to any more. */
  connectionClosed(connection: ConnectionRef): void {
    const attempt = this.#attempts.get(keyOf(connection));
    if (attempt) attempt.gone = true;
  }

  gateGone(gateId: string): void {
    for (const attempt of this.#attempts.values()) if (attempt.gateId === gateId) attempt.gone = true;
  }

  /** From now on no log-in of this session succeeds, not even one whose token was looked up a moment ago. */
  sessionEnded(sessionId: bigint, closeCode: number): void {
    this.#endedSessions.remember(sessionId, closeCode);
  }

  async #groupsOf(userId: bigint): Promise<Group[]> {
    const asOf = this.#removals.beforeRead();
    const groupIds = await this.#conversations.groupIdsOf(userId);
    return groupIds.map((conversationId) => ({ conversationId, asOfSeq: asOf(conversationId) }));
  }

  async #enter(
    packet: UplinkPacket,
    identity: Identity,
    clientVersion: string,
    others: readonly Route[],
    groups: readonly Group[],
    attempt: Attempt,
  ): Promise<void> {
    const closeCode = this.#endedSessions.get(identity.sessionId);
    if (closeCode !== undefined) {
      this.#turnAway(packet, 'SESSION_ENDED', closeCode);
      return;
    }
    const ofDevice = others.filter((route) => route.identity.deviceId === identity.deviceId);
    if (ofDevice.some((route) => route.identity.epoch > identity.epoch)) {
      this.#turnAway(packet, 'UNAUTHENTICATED', CloseCode.replaced, 'a newer session of this device is here');
      return;
    }
    if (others.length - ofDevice.length >= this.#gateConfig.connectionsPerUser) {
      const wait = this.#answer.spread(retryAfter.userFull);
      this.#turnAway(packet, 'RATE_LIMITED', CloseCode.rateLimited, 'too many devices are connected', wait);
      return;
    }
    for (const route of ofDevice) this.#replace(route);
    const { connection } = packet;
    const route: Route = { connection, identity };
    this.#routes.add(route);
    if (this.#routes.written && !(await this.#isKnown(packet, route, attempt))) return;
    this.#toGate.gate(connection.gateId)?.bind(connection.connectionId, identity);
    this.#own.add(route);
    this.#follow.all(route, groups);
    this.#metrics.logins.inc({ outcome: 'ok' });
    this.#logger.info(
      {
        logId: packet.logId,
        userId: identity.userId.toString(),
        deviceId: identity.deviceId,
        sessionId: identity.sessionId.toString(),
        epoch: identity.epoch,
        gateId: connection.gateId,
        connectionId: connection.connectionId,
        clientVersion: clientVersion.slice(0, 64),
      },
      'logged in',
    );
    this.#answer.with(
      packet,
      loginResponse.encode({
        status: undefined,
        userId: identity.userId,
        deviceId: identity.deviceId,
        epoch: identity.epoch,
        serverTimeMs: this.#clock.now(),
        heartbeatIntervalMs: this.#gateConfig.heartbeatIntervalMs,
        heartbeatTimeoutMs: this.#gateConfig.heartbeatTimeoutMs,
        maxDataLength: MAX_DATA_AFTER_LOGIN,
        historyEpoch: this.#historyEpoch,
        editWindowMs: this.#windows.editWindowMs,
        recallWindowMs: this.#windows.recallWindowMs,
      }),
    );
  }

  /**
   * Waits until other nodes see the route, and looks once more for another connection of the device: two nodes may have
   * let it in at the same time. False: the log-in is over.
   */
  async #isKnown(packet: UplinkPacket, route: Route, attempt: Attempt): Promise<boolean> {
    const { connection, identity } = route;
    const isGone = () => attempt.gone || this.#routes.find(connection) !== route;
    let others: readonly Route[];
    try {
      await this.#routes.written?.(connection);
      others = await this.#routes.ofUser(identity.userId);
    } catch (error) {
      if (isGone()) return false;
      this.#drop(connection);
      throw error;
    }
    if (isGone()) return false;
    for (const other of others) {
      if (other.identity.deviceId !== identity.deviceId || isSame(other.connection, connection)) continue;
      const { epoch } = other.identity;
      if (epoch > identity.epoch || (epoch === identity.epoch && keyOf(other.connection) > keyOf(connection))) {
        this.#drop(connection);
        const message = 'a newer connection of this device is here';
        this.#turnAway(packet, 'UNAUTHENTICATED', CloseCode.replaced, message);
        return false;
      }
      this.#replace(other);
    }
    return true;
  }

  #replace(route: Route): void {
    this.#drop(route.connection);
    this.#toGate.close(route.connection, CloseCode.replaced, 'this device connected anew');
  }

  #refuse(packet: UplinkPacket, reason: ErrorName, retryAfterMs: number, message?: string): void {
    this.#metrics.logins.inc({ outcome: reason });
    this.#answer.refuse(packet, { reason, message, retryAfterMs });
  }

  /** The answer, then the close, which says the same to a client that does not read answers. */
  #turnAway(packet: UplinkPacket, reason: ErrorName, closeCode: number, message?: string, retryAfterMs = 0): void {
    this.#refuse(packet, reason, retryAfterMs, message);
    this.#toGate.close(packet.connection, closeCode, message ?? reason, retryAfterMs);
  }
}

function keyOf({ gateId, connectionId }: ConnectionRef): string {
  return `${connectionId}@${gateId}`;
}

function isSame(one: ConnectionRef, other: ConnectionRef): boolean {
  return one.connectionId === other.connectionId && one.gateId === other.gateId;
}
