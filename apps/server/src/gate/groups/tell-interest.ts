import type { LogicPort } from '../../cluster/contract.ts';
import { INTEREST_KEPT_MS } from '../gate-limits.ts';

/** Groups named in one packet. */
const CHUNK = 4_096;
const none: readonly bigint[] = [];

/**
 * Tells logic in which groups somebody is here: at the end of the turn in which the first one comes, so before the answer
 * to his LOGIN leaves. That nobody is left is told when a packet comes for nobody, and not at once: most are back soon.
 */
export class TellInterest {
  readonly #gateId: string;
  readonly #logic: Pick<LogicPort, 'interested'>;
  readonly #now: () => number;
  /** What logic believes to be followed here; since when it is not, if so. */
  readonly #told = new Map<bigint, number | undefined>();
  #coming: bigint[] = [];

  constructor(parts: { gateId: string; logic: Pick<LogicPort, 'interested'>; now: () => number }) {
    this.#gateId = parts.gateId;
    this.#logic = parts.logic;
    this.#now = parts.now;
  }

  /** The group has its first follower. */
  came(conversationId: bigint): void {
    const isKnown = this.#told.has(conversationId);
    this.#told.set(conversationId, undefined);
    if (!isKnown && this.#coming.push(conversationId) === 1) queueMicrotask(this.#flush);
  }

  /** The last follower is gone. */
  went(conversationId: bigint): void {
    this.#told.set(conversationId, this.#now());
  }

  /** A packet came of a group that nobody here follows. */
  packetForNobody(conversationId: bigint): void {
    const since = this.#told.get(conversationId);
    if (since !== undefined && this.#now() - since < INTEREST_KEPT_MS) return;
    this.#told.delete(conversationId);
    this.#logic.interested(this.#gateId, { on: none, off: [conversationId], whole: false });
  }

  readonly #flush = (): void => {
    const on = this.#coming;
    this.#coming = [];
    for (let from = 0; from < on.length; from += CHUNK) {
      this.#logic.interested(this.#gateId, { on: on.slice(from, from + CHUNK), off: none, whole: false });
    }
  };
}
