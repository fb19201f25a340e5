import { FastimError } from '@fastim/protocol';

/**
 * A token bucket per key in one number (GCRA): the time at which the bucket will be full again. No timers; idle keys
 * are dropped by `sweep`.
 */
export class RateLimit<K> {
  readonly #costMs: number;
  readonly #depthMs: number;
  readonly #fullAt = new Map<K, number>();

  constructor(options: { readonly perSecond: number; readonly burst: number }) {
    this.#costMs = 1000 / options.perSecond;
    this.#depthMs = options.burst * this.#costMs;
  }

  get size(): number {
    return this.#fullAt.size;
  }

  /** Takes `cost` tokens and returns 0, or takes none and returns the ms after which they will be there. */
  take(key: K, now: number, cost = 1): number {
    const fullAt = Math.max(this.#fullAt.get(key) ?? 0, now) + cost * this.#costMs;
    // A cost over the whole burst is let through when the bucket is full, or it could never pass.
    const wait = fullAt - now - Math.max(this.#depthMs, cost * this.#costMs);
    // Sums of fractions: a thousandth of a ms is no reason to refuse.
    if (wait > 0.001) return Math.ceil(wait);
    this.#fullAt.set(key, fullAt);
    return 0;
  }

  /** Forgets keys whose bucket is full. */
  sweep(now: number): void {
    for (const [key, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(key);
  }
}

/** Throws RATE_LIMITED with the time to wait for a user who pulls too often. */
export function requirePull(rate: RateLimit<bigint>, userId: bigint, now: number): void {
  const wait = rate.take(userId, now);
  if (wait > 0) throw new FastimError('RATE_LIMITED', undefined, { retryAfterMs: wait });
}
