import type { Clock } from '@fastim/core';
import type { Logger } from 'pino';
import type { LogicPort } from '../cluster/contract.ts';
import type { SessionStore } from '../storage/session-store.ts';

export interface SessionActivityOptions {
  readonly sessions: Pick<SessionStore, 'touch'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A session that is active is written down this often. */
const TOUCH_EVERY_MS = 60_000;
/** What falls due in this time is written together: the store commits it as one. */
const GATHER_MS = 1_000;

/**
 * Keeps "last seen" of the sessions that have connections: at log-in, at most once a minute while frames come, and at
 * the end of a connection. For people to look at; a failed write is logged and nothing else comes of it.
 */
export class SessionActivity {
  readonly #options: SessionActivityOptions;
  readonly #touchedAt = new Map<bigint, number>();
  #due = new Set<bigint>();
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(options: SessionActivityOptions) {
    this.#options = options;
  }

  /** Stands before logic and watches what gates hand in. */
  watching(logic: LogicPort): LogicPort {
    return {
      uplink: (packet) => {
        if (packet.identity) this.seen(packet.identity.sessionId);
        logic.uplink(packet);
      },
      connectionClosed: (connection, identity) => {
        if (identity) this.left(identity.sessionId);
        logic.connectionClosed(connection, identity);
      },
      interestStale: (gateId, conversationId, userIds) => logic.interestStale(gateId, conversationId, userIds),
      interested: (gateId, change) => logic.interested(gateId, change),
    };
  }

  seen(sessionId: bigint): void {
    const touchedAt = this.#touchedAt.get(sessionId);
    const now = this.#options.clock.now();
    // A clock that went back says nothing about the time since.
    if (touchedAt !== undefined && now >= touchedAt && now - touchedAt < TOUCH_EVERY_MS) return;
    this.#touchedAt.set(sessionId, now);
    this.#add(sessionId);
  }

  left(sessionId: bigint): void {
    this.#touchedAt.delete(sessionId);
    this.#add(sessionId);
  }

  /** Writes what is due; nothing is written after it. Idempotent. */
  async stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#stopped = true;
    await this.#write();
  }

  #add(sessionId: bigint): void {
    if (this.#stopped) return;
    this.#due.add(sessionId);
    this.#cancel ??= this.#options.clock.setTimer(GATHER_MS, () => {
      this.#cancel = undefined;
      void this.#write();
    });
  }

  async #write(): Promise<void> {
    const { sessions, clock, logger } = this.#options;
    const due = this.#due;
    if (due.size === 0) return;
    this.#due = new Set();
    const now = clock.now();
    const results = await Promise.allSettled([...due].map((sessionId) => sessions.touch(sessionId, now)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) logger.warn({ err: failed.reason }, 'last seen was not written');
  }
}
