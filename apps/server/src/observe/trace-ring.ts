/** One thing that happened to a message or its request. Ids are texts, so that it can be shown as it is. */
export interface TraceEntry {
  readonly atMs: number;
  /** In words: "accepted", "stored", "to gate", "to clients", "refused" … */
  readonly what: string;
  /** Of the request; chosen by the client, so two requests may share one. */
  readonly logId: number;
  readonly msgId?: string;
  readonly [detail: string]: string | number | boolean | undefined;
}

/** Where parts of the server leave notes of what happens to messages. Costs an object; nothing waits for it. */
export interface Trace {
  note(what: string, logId: number, details?: { readonly [detail: string]: string | number | bigint | boolean }): void;
}

const DEFAULT_SIZE = 50_000;

/** The last notes of this process, for an operator who asks for one message's way. The oldest go first. */
export class TraceRing implements Trace {
  readonly #now: () => number;
  readonly #size: number;
  readonly #entries: TraceEntry[] = [];
  #next = 0;

  constructor(options: { now: () => number; size?: number }) {
    this.#now = options.now;
    this.#size = options.size ?? DEFAULT_SIZE;
  }

  note(what: string, logId: number, details?: { readonly [detail: string]: string | number | bigint | boolean }): void {
    const entry: Record<string, string | number | boolean> = { atMs: this.#now(), what, logId };
    if (details) {
      for (const name in details) {
        const value = details[name]!;
        entry[name] = typeof value === 'bigint' ? value.toString() : value;
      }
    }
    this.#entries[this.#next] = entry as unknown as TraceEntry;
    this.#next = (this.#next + 1) % this.#size;
  }

  /** Everything about the request, or the message (also what was noted before it had its msg_id); the oldest first. */
  find(query: { logId: number | null; msgId: string | null }, limit: number): readonly TraceEntry[] {
    const logIds = new Set<number>(query.logId === null ? [] : [query.logId]);
    if (query.msgId !== null) {
      for (const entry of this.#entries) if (entry.msgId === query.msgId) logIds.add(entry.logId);
    }
    const found: TraceEntry[] = [];
    // Once the ring is full, the oldest stands behind the newest.
    for (const entry of [...this.#entries.slice(this.#next), ...this.#entries.slice(0, this.#next)]) {
      if (found.length >= limit) break;
      if (logIds.has(entry.logId) || (query.msgId !== null && entry.msgId === query.msgId)) found.push(entry);
    }
    return found;
  }
}
