import { type BackoffPolicy, backoffDelay } from './backoff.ts';

/**
 * What a client has sent or has to send and is not acknowledged (DESIGN 5.1, seed 2.0.3).
 *
 * Promises:
 * - Within a conversation entries go out oldest first, and an entry never goes out before all older ones of its
 *   conversation have gone out on this connection. After `connected` everything goes out again in order.
 * - A retry on timeout resends all of its conversation that are out, from the oldest on. The oldest may be one that was
 *   refused and whose answer got lost: alone, a younger one would be taken before it.
 * - An entry leaves only by `settle`.
 * - Conversations take turns for the window: a long backlog in one does not hold up the others.
 * - A clock that is set back delays nothing by more than the longest wait of the policy.
 *
 * The queue holds no bytes and no clock: the caller owns both. Each call costs at most O(window + conversations that
 * wait for a delay), whatever the backlog.
 */
export interface AckQueueOptions {
  /** Entries on the wire and unacknowledged, over all conversations. */
  readonly window: number;
  /** Wait for the first acknowledgement; later waits back off from here. */
  readonly timeout: BackoffPolicy;
  /** Uniform over [0, 1). */
  readonly random: () => number;
}

/** A time to wait for, and when the wait began: a clock that stands before `since` was set back. */
interface Wait {
  readonly since: number;
  readonly until: number;
}

interface Entry {
  readonly id: string;
  readonly lane: Lane;
  older: Entry | undefined;
  younger: Entry | undefined;
  attempts: number;
  /** Until it is sent again; undefined: not on the wire of this connection. */
  resend: Wait | undefined;
  /** Held back by the server's advice. */
  postponed: Wait | undefined;
}

/** One conversation: a linked list, oldest first, whose entries before `unsent` are on the wire. */
interface Lane {
  readonly conversation: string;
  oldest: Entry | undefined;
  youngest: Entry | undefined;
  unsent: Entry | undefined;
}

export class AckQueue {
  readonly #options: AckQueueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #lanes = new Map<string, Lane>();
  /** On the wire, in the order of the last sending. */
  readonly #flying = new Set<Entry>();
  /** Lanes with something unsent, in the order of their turns. */
  readonly #turns = new Set<Lane>();
  /** Lanes out of `turns` until their first unsent entry's delay is over. */
  readonly #postponed = new Set<Lane>();
  #online = false;

  constructor(options: AckQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  get inFlight(): number {
    return this.#flying.size;
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
    let lane = this.#lanes.get(conversation);
    if (!lane) {
      lane = { conversation, oldest: undefined, youngest: undefined, unsent: undefined };
      this.#lanes.set(conversation, lane);
    }
    const older = lane.youngest;
    const entry: Entry = {
      id,
      lane,
      older,
      younger: undefined,
      attempts: 0,
      resend: undefined,
      postponed: undefined,
    };
    if (older) older.younger = entry;
    else lane.oldest = entry;
    lane.youngest = entry;
    lane.unsent ??= entry;
    this.#entries.set(id, entry);
    this.#place(lane);
  }

  /** A new connection is logged in: nothing is on its wire yet. */
  connected(): void {
    this.#online = true;
    this.#recallAll();
  }

  /** The connection is gone; entries wait for the next one. */
  disconnected(): void {
    this.#online = false;
    this.#recallAll();
  }

  /** Acknowledged, refused for good or given up: the entry leaves. Returns whether it was there. */
  settle(id: string): boolean {
    const entry = this.#entries.get(id);
    if (!entry) return false;
    const { lane, older, younger } = entry;
    this.#entries.delete(id);
    this.#flying.delete(entry);
    if (older) older.younger = younger;
    else lane.oldest = younger;
    if (younger) younger.older = older;
    else lane.youngest = older;
    if (lane.unsent === entry) lane.unsent = younger;
    this.#place(lane);
    if (!lane.oldest) this.#lanes.delete(lane.conversation);
    return true;
  }

  /** The server asked to come back later: the entry and all younger ones of its conversation wait. */
  postpone(id: string, now: number, delayMs: number): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.postponed = { since: now, until: now + delayMs };
    if (entry.resend) this.#recallFrom(entry);
    this.#place(entry.lane);
  }

  /** The ids to put on the wire now, in this order; they count as sent. */
  takeDue(now: number): string[] {
    const due: string[] = [];
    if (!this.#online) return due;
    this.#resendLate(now, due);
    for (const lane of this.#postponed) this.#release(lane, now);
    // A lane that has more goes to the end of `turns` and is met again in this same loop.
    for (const lane of this.#turns) {
      if (this.#flying.size >= this.#options.window) break;
      const entry = lane.unsent!;
      lane.unsent = entry.younger;
      this.#put(entry, now, due);
      this.#turns.delete(lane);
      this.#release(lane, now);
    }
    return due;
  }

  /** When takeDue has something new to say without any other event; undefined: not before one. */
  nextTimeout(): number | undefined {
    if (!this.#online) return undefined;
    let next: number | undefined;
    for (const entry of this.#flying) next = earlier(next, entry.resend?.until);
    if (this.#flying.size >= this.#options.window) return next;
    for (const lane of this.#postponed) next = earlier(next, lane.unsent?.postponed?.until);
    return next;
  }

  #resendLate(now: number, due: string[]): void {
    let late: Set<Lane> | undefined;
    for (const entry of this.#flying) {
      if (this.#isOver(entry.resend, now)) {
        late ??= new Set();
        late.add(entry.lane);
      }
    }
    for (const lane of late ?? []) {
      for (let entry = lane.oldest; entry && entry !== lane.unsent; entry = entry.younger) this.#put(entry, now, due);
    }
  }

  #put(entry: Entry, now: number, due: string[]): void {
    const { timeout, random } = this.#options;
    // At least the base: a resend that overtakes a slow answer only costs work.
    const patience = timeout.baseMs + backoffDelay(timeout, entry.attempts, random());
    entry.resend = { since: now, until: now + patience };
    entry.attempts += 1;
    this.#flying.delete(entry);
    this.#flying.add(entry);
    due.push(entry.id);
  }

  #isOver(wait: Wait | undefined, now: number): boolean {
    return wait !== undefined && (now >= wait.until || now < wait.since);
  }

  /** Puts the lane where its first unsent entry says: into `turns`, into `postponed`, or nowhere. */
  #place(lane: Lane): void {
    const next = lane.unsent;
    if (next && !next.postponed) this.#turns.add(lane);
    else this.#turns.delete(lane);
    if (next?.postponed) this.#postponed.add(lane);
    else this.#postponed.delete(lane);
  }

  /** Ends the wait of the lane's first unsent entry if it is over. */
  #release(lane: Lane, now: number): void {
    if (lane.unsent && this.#isOver(lane.unsent.postponed, now)) lane.unsent.postponed = undefined;
    this.#place(lane);
  }

  /** Takes the entry and the younger ones of its lane off the wire. */
  #recallFrom(first: Entry): void {
    const { lane } = first;
    for (let entry: Entry | undefined = first; entry && entry !== lane.unsent; entry = entry.younger) {
      entry.resend = undefined;
      this.#flying.delete(entry);
    }
    lane.unsent = first;
  }

  #recallAll(): void {
    // On the wire are the oldest of each lane, so each lane is recalled as a whole.
    for (const { lane } of this.#flying) {
      this.#recallFrom(lane.oldest!);
      this.#place(lane);
    }
  }
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
