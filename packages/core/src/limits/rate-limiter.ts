import { type Rate, takeFromRate, waitForRate } from './gcra.ts';

export interface RateLimiterOptions extends Rate {
  /** Keys remembered. */
  readonly maxKeys?: number;
}

const DEFAULT_MAX_KEYS = 50_000;
/** Part of the keys forgotten at once when there are too many, so that a flood of keys pays for it rarely. */
const FORGOTTEN_PART = 8;

/**
 * A rate by key. Keys are forgotten when nothing is owed (`sweep`), and past `maxKeys` the longest unused first: they are
 * the ones nearest to a full allowance. `now` is wall time; while it stands behind what was seen before, time stands.
 */
export class RateLimiter<K> {
  readonly #rate: Rate;
  readonly #maxKeys: number;
  /** In the order of last use. */
  readonly #fullAt = new Map<K, number>();
  /** Time that has passed here, since the first call. */
  #elapsed = 0;
  #lastNow = Number.POSITIVE_INFINITY;

  constructor(options: RateLimiterOptions) {
    this.#rate = { burst: options.burst, perSecond: options.perSecond };
    this.#maxKeys = options.maxKeys ?? DEFAULT_MAX_KEYS;
  }

  /** Keys remembered now. */
  get size(): number {
    return this.#fullAt.size;
  }

  /** Takes `cost` from the key's allowance and answers 0, or takes nothing and answers the ms to wait for it. */
  take(key: K, now: number, cost = 1): number {
    const elapsed = this.#pass(now);
    const fullAt = this.#fullAt.get(key) ?? 0;
    const wait = waitForRate(this.#rate, fullAt, elapsed, cost);
    if (wait > 0) return wait;
    this.#fullAt.delete(key);
    this.#fullAt.set(key, takeFromRate(this.#rate, fullAt, elapsed, cost));
    if (this.#fullAt.size > this.#maxKeys) this.#forgetOldest();
    return 0;
  }

  /** Gives back what was taken for something that did not happen. */
  giveBack(key: K, cost = 1): void {
    const fullAt = this.#fullAt.get(key);
    if (fullAt !== undefined) this.#fullAt.set(key, fullAt - (cost * 1000) / this.#rate.perSecond);
  }

  /** Forgets the keys that owe nothing. */
  sweep(now: number): void {
    const elapsed = this.#pass(now);
    for (const [key, fullAt] of this.#fullAt) if (fullAt <= elapsed) this.#fullAt.delete(key);
  }

  #pass(now: number): number {
    if (now > this.#lastNow) this.#elapsed += now - this.#lastNow;
    this.#lastNow = now;
    return this.#elapsed;
  }

  #forgetOldest(): void {
    const keep = this.#maxKeys - Math.floor(this.#maxKeys / FORGOTTEN_PART);
    for (const key of this.#fullAt.keys()) {
      if (this.#fullAt.size <= keep) return;
      this.#fullAt.delete(key);
    }
  }
}
