/** The shortest way is that of this time and of the one before it: clocks drift, and are set. */
const EPOCH_MS = 10 * 60_000;

/**
 * How long packets wait on their way from another machine, by its clock and by ours: longer than the shortest way that was
 * seen lately. The difference of the clocks is in both, so it does not matter.
 */
export class LinkDelay {
  #since = 0;
  #shortest = Number.POSITIVE_INFINITY;
  #shortestBefore = Number.POSITIVE_INFINITY;

  /** A packet came that was handed over at `handedOverMs` of the other's clock. Returns what it has waited. */
  of(handedOverMs: number, now: number): number {
    if (now - this.#since >= EPOCH_MS || now < this.#since) {
      this.#since = now;
      this.#shortestBefore = this.#shortest;
      this.#shortest = Number.POSITIVE_INFINITY;
    }
    const way = now - handedOverMs;
    if (way < this.#shortest) this.#shortest = way;
    return way - Math.min(this.#shortest, this.#shortestBefore);
  }
}
