export interface GroupCommitOptions<T> {
  /** Most items of one batch. */
  readonly batchLimit: number;
  /** A batch starts no earlier than this after the one before it started, unless `eagerAt` items wait. */
  readonly spacingMs: number;
  readonly eagerAt: number;
  /** Most items that wait, and most bytes of them; what is over is not taken. */
  readonly waitingLimit: number;
  readonly waitingBytesLimit: number;
  readonly sizeOf: (item: T) => number;
}

/**
 * Group commit without IO (DESIGN 5.4): one batch is under way at a time; what arrives meanwhile is the next batch.
 * An idle writer never waits, and a busy one gets batches as large as its own slowness makes them. On a fast disk the
 * spacing keeps a middling load from paying one fsync for every message, and costs at most `spacingMs`.
 *
 * One at a time is what keeps a sender's order when a batch fails: nothing behind it has been handed over yet, so
 * everything that waits can be refused with it (`takeWaiting`). With two under way the second could be stored although
 * the first was not. The writer loses nothing: it has one file and one fsync, and would only queue the second.
 */
export class GroupCommit<T> {
  readonly #options: GroupCommitOptions<T>;
  #waiting: T[] = [];
  #waitingBytes = 0;
  #underWay = 0;
  #startedAt = Number.NEGATIVE_INFINITY;
  /** Of those that wait, oldest first: how many a batch has left over, and when. */
  #leftOver: { count: number; readonly at: number }[] = [];
  #leftOverMs = 0;

  constructor(options: GroupCommitOptions<T>) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** Of the batch that was taken last: how long its items were left over by full batches before it, in sum. */
  get leftOverMs(): number {
    return this.#leftOverMs;
  }

  get idle(): boolean {
    return this.#underWay === 0 && this.#waiting.length === 0;
  }

  /** False: the bound is reached, and the item was not taken. */
  add(item: T): boolean {
    if (this.#waiting.length >= this.#options.waitingLimit) return false;
    const bytes = this.#waitingBytes + this.#options.sizeOf(item);
    if (bytes > this.#options.waitingBytesLimit) return false;
    this.#waitingBytes = bytes;
    this.#waiting.push(item);
    return true;
  }

  /** How long the next batch has to wait, in ms; undefined while one is under way or nothing waits. */
  delay(now: number): number | undefined {
    if (this.#underWay > 0 || this.#waiting.length === 0) return undefined;
    const { spacingMs, eagerAt } = this.#options;
    const since = now - this.#startedAt;
    // A clock that went back says nothing about the spacing.
    if (since < 0 || since >= spacingMs || this.#waiting.length >= eagerAt) return 0;
    return spacingMs - since;
  }

  /** The batch to start now, oldest first; undefined while one is under way or nothing waits. */
  take(now: number): T[] | undefined {
    if (this.#underWay > 0 || this.#waiting.length === 0) return undefined;
    this.#startedAt = now;
    const { batchLimit, sizeOf } = this.#options;
    let batch = this.#waiting;
    if (batch.length > batchLimit) {
      batch = this.#waiting.slice(0, batchLimit);
      this.#waiting = this.#waiting.slice(batchLimit);
      for (const item of batch) this.#waitingBytes -= sizeOf(item);
    } else {
      this.#waiting = [];
      this.#waitingBytes = 0;
    }
    this.#underWay = batch.length;
    this.#countLeftOver(batch.length, now);
    return batch;
  }

  /** The batch that was taken has ended, well or badly. */
  done(): void {
    this.#underWay = 0;
  }

  /** Empties the queue: what waited behind a batch that failed. */
  takeWaiting(): T[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#leftOver = [];
    return waiting;
  }

  #countLeftOver(taken: number, now: number): void {
    this.#leftOverMs = 0;
    let left = 0;
    for (const group of this.#leftOver) {
      const gone = Math.min(group.count, taken);
      taken -= gone;
      group.count -= gone;
      left += group.count;
      this.#leftOverMs += gone * Math.max(0, now - group.at);
    }
    this.#leftOver = this.#leftOver.filter(({ count }) => count > 0);
    const fresh = this.#waiting.length - left;
    if (fresh > 0) this.#leftOver.push({ count: fresh, at: now });
  }
}
