import { type BackoffPolicy, backoffDelay } from './backoff.ts';

/**
 * What a client has sent or has to send and is not acknowledged (DESIGN 5.1, seed 2.0.3).
 *
 * Promises: within a conversation entries go out oldest first, and an entry never goes out before all older ones of its
 * conversation have gone out on this connection; after `connected` everything goes out again in order; an entry leaves
 * only by `settle`. A retry on timeout resends the entry and all younger ones of its conversation that are already
 * out, so the order on the wire is kept. The queue holds no bytes and no clock: the caller owns both.
 */
export interface AckQueueOptions {
  /** Entries on the wire and unacknowledged, over all conversations. */
  readonly window: number;
  /** Wait for the first acknowledgement; later waits back off from here. */
  readonly timeout: BackoffPolicy;
  /** Uniform over [0, 1). */
  readonly random: () => number;
}

interface Entry {
  readonly id: string;
  readonly lane: string;
  attempts: number;
  /** Time to send again; undefined: not on the wire of this connection. */
  resendAt: number | undefined;
  /** Held back by the server's advice until then. */
  notBefore: number;
}

export class AckQueue {
  readonly #options: AckQueueOptions;
  /** Per conversation, oldest first. Map keeps the order in which lanes got their oldest entry. */
  readonly #lanes = new Map<string, Entry[]>();
  readonly #entries = new Map<string, Entry>();
  #online = false;
  #inFlight = 0;

  constructor(options: AckQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** Times the entry has been put on a wire. */
  attempts(id: string): number {
    return this.#entries.get(id)?.attempts ?? 0;
  }

  /** Appends to the conversation's lane. An id already queued is left as it is. */
  add(id: string, conversation: string): void {
    if (this.#entries.has(id)) return;
    const entry: Entry = { id, lane: conversation, attempts: 0, resendAt: undefined, notBefore: 0 };
    this.#entries.set(id, entry);
    const lane = this.#lanes.get(conversation);
    if (lane) lane.push(entry);
    else this.#lanes.set(conversation, [entry]);
  }

  /** A new connection is logged in: nothing is on its wire yet. */
  connected(): void {
    this.#online = true;
    this.#recall();
  }

  /** The connection is gone; entries wait for the next one. */
  disconnected(): void {
    this.#online = false;
    this.#recall();
  }

  /** Acknowledged, refused for good or given up: the entry leaves. Returns whether it was there. */
  settle(id: string): boolean {
    const entry = this.#entries.get(id);
    if (!entry) return false;
    this.#entries.delete(id);
    if (entry.resendAt !== undefined) this.#inFlight -= 1;
    const lane = this.#lanes.get(entry.lane) ?? [];
    const rest = lane.filter((other) => other !== entry);
    if (rest.length > 0) this.#lanes.set(entry.lane, rest);
    else this.#lanes.delete(entry.lane);
    return true;
  }

  /** The server asked to come back later: the whole conversation waits, so that its order is kept. */
  postpone(id: string, now: number, delayMs: number): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.notBefore = now + delayMs;
    for (const other of this.#lanes.get(entry.lane) ?? []) {
      if (other.resendAt !== undefined) this.#inFlight -= 1;
      other.resendAt = undefined;
    }
  }

  /** The ids to put on the wire now, in this order; they count as sent. */
  takeDue(now: number): string[] {
    const due: string[] = [];
    if (!this.#online) return due;
    for (const lane of this.#lanes.values()) {
      const late = lane.findIndex((entry) => entry.resendAt !== undefined && entry.resendAt <= now);
      for (let index = 0; index < lane.length; index += 1) {
        const entry = lane[index]!;
        if (entry.notBefore > now) break;
        const resend = late >= 0 && index >= late && entry.resendAt !== undefined;
        if (entry.resendAt === undefined) {
          if (this.#inFlight >= this.#options.window) break;
          this.#inFlight += 1;
        } else if (!resend) {
          continue;
        }
        entry.resendAt = now + this.#patience(entry.attempts);
        entry.attempts += 1;
        due.push(entry.id);
      }
    }
    return due;
  }

  /** When takeDue has something new to say without any other event; undefined: not before one. */
  nextTimeout(): number | undefined {
    if (!this.#online) return undefined;
    let next: number | undefined;
    for (const lane of this.#lanes.values()) {
      const first = lane[0]!;
      if (first.resendAt === undefined && first.notBefore > 0) next = earlier(next, first.notBefore);
      for (const entry of lane) if (entry.resendAt !== undefined) next = earlier(next, entry.resendAt);
    }
    return next;
  }

  #patience(attempts: number): number {
    const { timeout, random } = this.#options;
    // At least the base: a resend that overtakes a slow answer only costs work.
    return timeout.baseMs + backoffDelay(timeout, attempts, random());
  }

  #recall(): void {
    for (const entry of this.#entries.values()) entry.resendAt = undefined;
    this.#inFlight = 0;
  }
}

function earlier(a: number | undefined, b: number): number {
  return a === undefined || b < a ? b : a;
}
