/**
 * The receiver's order of one conversation (DESIGN 5.7): items come out by rising conv_seq without a hole; a gap waits
 * for stragglers, then the range is to be pulled. Bounded: past `capacity` held items the farthest are dropped (they
 * are pulled again later, with the gap).
 */
export interface ReorderBufferOptions {
  /** How long a gap may wait for stragglers. */
  readonly gapWaitMs: number;
  readonly capacity: number;
}

/** Both ends included. */
export interface SeqRange {
  from: number;
  to: number;
}

export class ReorderBuffer<T> {
  readonly #options: ReorderBufferOptions;
  readonly #held = new Map<number, T>();
  #lastSeq: number;
  #knownHead: number;
  #gapSince: number | undefined;

  /** `lastSeq` is the highest conv_seq up to which everything is stored. */
  constructor(options: ReorderBufferOptions, lastSeq: number) {
    this.#options = options;
    this.#lastSeq = lastSeq;
    this.#knownHead = lastSeq;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  get held(): number {
    return this.#held.size;
  }

  /** Takes one item; returns those that are now in order. A seq seen before (or held) returns nothing. */
  accept(seq: number, item: T, now: number): T[] {
    // Also false for NaN, which would poison every later comparison.
    if (!(seq > this.#lastSeq)) return [];
    this.#knownHead = Math.max(this.#knownHead, seq);
    if (!this.#held.has(seq)) {
      // The next one in order passes through without taking a place.
      if (seq === this.#lastSeq + 1 || this.#held.size < this.#options.capacity) this.#held.set(seq, item);
      else this.#dropFarthest(seq, item);
    }
    return this.#drain(now);
  }

  /** The head is known to be at least `seq` (a notification or a sync said so), without the item itself. */
  noteHead(seq: number, now: number): void {
    if (!(seq > this.#knownHead)) return;
    this.#knownHead = seq;
    this.#markGap(now);
  }

  /** Everything up to `seq` was stored by another way (a pull). Returns held items that follow on. */
  advanceTo(seq: number, now: number): T[] {
    if (seq > this.#lastSeq) {
      this.#lastSeq = seq;
      this.#knownHead = Math.max(this.#knownHead, seq);
      for (const held of this.#held.keys()) if (held <= seq) this.#held.delete(held);
      // A pull made progress: what is still missing gets a fresh wait.
      this.#gapSince = undefined;
    }
    return this.#drain(now);
  }

  /** The range to pull, once the gap has waited long enough; undefined before. */
  dueGap(now: number): SeqRange | undefined {
    if (this.#gapSince === undefined) return undefined;
    const waited = now - this.#gapSince;
    // A clock that was set back does not make the gap wait longer.
    return waited < 0 || waited >= this.#options.gapWaitMs ? this.gap() : undefined;
  }

  /** What is missing before the first held item or the known head, whether or not it is due. */
  gap(): SeqRange | undefined {
    if (this.#knownHead <= this.#lastSeq) return undefined;
    let to = this.#knownHead;
    for (const seq of this.#held.keys()) if (seq - 1 < to) to = seq - 1;
    return { from: this.#lastSeq + 1, to };
  }

  /** The pull was asked for: the gap waits anew, so a lost answer leads to another pull. */
  gapRequested(now: number): void {
    if (this.#gapSince !== undefined) this.#gapSince = now;
  }

  nextTimeout(): number | undefined {
    return this.#gapSince === undefined ? undefined : this.#gapSince + this.#options.gapWaitMs;
  }

  #drain(now: number): T[] {
    const ready: T[] = [];
    while (this.#held.has(this.#lastSeq + 1)) {
      const next = this.#lastSeq + 1;
      ready.push(this.#held.get(next) as T);
      this.#held.delete(next);
      this.#lastSeq = next;
    }
    if (ready.length > 0) this.#gapSince = undefined;
    this.#markGap(now);
    return ready;
  }

  #markGap(now: number): void {
    if (this.#knownHead <= this.#lastSeq) this.#gapSince = undefined;
    else this.#gapSince ??= now;
  }

  #dropFarthest(seq: number, item: T): void {
    let farthest = seq;
    for (const held of this.#held.keys()) if (held > farthest) farthest = held;
    if (farthest === seq) return;
    this.#held.delete(farthest);
    this.#held.set(seq, item);
  }
}
