/**
 * What was pushed and awaits a cursor ack (DESIGN 5.8, seed 12.1), without IO. Per connection and conversation the
 * highest pushed seq is watched; when nothing of it is acknowledged for `timeoutMs` it is due to be notified again,
 * `retries` times, then the connection is due to be closed. Progress (an ack below the highest seq) starts the wait
 * anew. A write to a socket never counts as delivery.
 *
 * All waits are equally long, so entries in order of their start are in order of their end: one queue, one timer, two
 * map look-ups per push or ack.
 */
export interface PendingOptions {
  readonly timeoutMs: number;
  readonly retries: number;
  /** Conversations watched per connection; further ones are not (the heartbeat repairs them). */
  readonly perConnection: number;
}

/** What is pushed again: the newest message pushed of the conversation. */
interface Entry<C> {
  readonly connection: C;
  readonly conversationId: bigint;
  seq: number;
  acknowledged: number;
  piece: Uint8Array;
  logId: number;
  dueAt: number;
  notified: number;
}

export type DueDelivery<C> = { readonly connection: C; readonly conversationId: bigint; readonly seq: number } & (
  | { readonly action: 'notify'; readonly piece: Uint8Array; readonly logId: number; readonly attempt: number }
  | { readonly action: 'close' }
);

export class PendingDeliveries<C> {
  readonly #options: PendingOptions;
  readonly #connections = new Map<C, Map<bigint, Entry<C>>>();
  /** By rising dueAt. */
  readonly #queue = new Set<Entry<C>>();

  constructor(options: PendingOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#queue.size;
  }

  pushed(connection: C, conversationId: bigint, seq: number, piece: Uint8Array, logId: number, now: number): void {
    let entries = this.#connections.get(connection);
    if (!entries) {
      entries = new Map();
      this.#connections.set(connection, entries);
    }
    const entry = entries.get(conversationId);
    if (entry) {
      if (seq <= entry.seq) return;
      entry.seq = seq;
      entry.piece = piece;
      entry.logId = logId;
      return;
    }
    if (entries.size >= this.#options.perConnection) return;
    const dueAt = now + this.#options.timeoutMs;
    const fresh = { connection, conversationId, seq, acknowledged: 0, piece, logId, dueAt, notified: 0 };
    entries.set(conversationId, fresh);
    this.#queue.add(fresh);
  }

  /** The connection's device has stored everything up to `seq`. */
  acknowledged(connection: C, conversationId: bigint, seq: number, now: number): void {
    const entries = this.#connections.get(connection);
    const entry = entries?.get(conversationId);
    if (!entries || !entry || seq <= entry.acknowledged) return;
    entry.acknowledged = seq;
    this.#queue.delete(entry);
    if (seq >= entry.seq) {
      entries.delete(conversationId);
      return;
    }
    this.#wait(entry, now);
    entry.notified = 0;
  }

  /** The connection is gone, and what it owes with it: the client's next sync brings it. */
  forget(connection: C): void {
    for (const entry of this.#connections.get(connection)?.values() ?? []) this.#queue.delete(entry);
    this.#connections.delete(connection);
  }

  /** What is due by now. A connection due to be closed is forgotten, and appears once. */
  due(now: number): DueDelivery<C>[] {
    const due: DueDelivery<C>[] = [];
    for (const entry of this.#queue) {
      // What is put back at the end of the queue is not due, so the loop ends.
      if (entry.dueAt > now) break;
      const { connection, conversationId, seq } = entry;
      if (entry.notified >= this.#options.retries) {
        this.forget(connection);
        due.push({ connection, conversationId, seq, action: 'close' });
        continue;
      }
      entry.notified += 1;
      this.#queue.delete(entry);
      this.#wait(entry, now);
      due.push({
        connection,
        conversationId,
        seq,
        action: 'notify',
        piece: entry.piece,
        logId: entry.logId,
        attempt: entry.notified,
      });
    }
    return due;
  }

  nextTimeout(): number | undefined {
    for (const entry of this.#queue) return entry.dueAt;
    return undefined;
  }

  #wait(entry: Entry<C>, now: number): void {
    entry.dueAt = now + this.#options.timeoutMs;
    this.#queue.add(entry);
  }
}
