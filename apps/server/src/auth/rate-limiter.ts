import type { Clock } from '@fastim/core';

export interface RateLimiterOptions {
  clock: Clock;
  /** Allowed at once. */
  burst: number;
  /** The time in which the whole burst comes back. */
  refillMs: number;
  /** Keys remembered; past it the longest unused are forgotten (they are the ones nearest to a full allowance). */
  maxKeys?: number;
}

/**
 * GCRA by key: one number per key, the time at which its allowance is full again. Bounded in memory.
 */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #burst: number;
  readonly #intervalMs: number;
  readonly #maxKeys: number;
  readonly #fullAt = new Map<string, number>();

  constructor(options: RateLimiterOptions) {
    this.#clock = options.clock;
    this.#burst = options.burst;
    this.#intervalMs = options.refillMs / options.burst;
    this.#maxKeys = options.maxKeys ?? 50_000;
  }

  /** Takes one from the key's allowance and answers 0, or takes nothing and answers how long to wait. */
  take(key: string): number {
    const now = this.#clock.now();
    const fullAt = Math.max(this.#fullAt.get(key) ?? 0, now);
    const waitMs = fullAt + this.#intervalMs - now - this.#burst * this.#intervalMs;
    if (waitMs > 0) return Math.ceil(waitMs);
    // Set anew, so that the map's order is the order of last use.
    this.#fullAt.delete(key);
    this.#fullAt.set(key, fullAt + this.#intervalMs);
    if (this.#fullAt.size > this.#maxKeys) this.#forget(now);
    return 0;
  }

  /** Gives one back: what it was taken for did not happen. */
  giveBack(key: string): void {
    const fullAt = this.#fullAt.get(key);
    if (fullAt !== undefined) this.#fullAt.set(key, fullAt - this.#intervalMs);
  }

  #forget(now: number): void {
    for (const [key, fullAt] of this.#fullAt) {
      if (fullAt > now && this.#fullAt.size <= this.#maxKeys) break;
      this.#fullAt.delete(key);
    }
  }
}
