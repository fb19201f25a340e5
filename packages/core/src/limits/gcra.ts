/**
 * The generic cell rate algorithm: a token bucket in one number, the time at which the bucket is full again. Nothing
 * runs; time is an argument, must not go back between calls, and had better be small (ms since a start, not since 1970):
 * sums of fractions are exact to a thousandth of a ms only then.
 */
export interface Rate {
  /** Taken at once from a full bucket. */
  readonly burst: number;
  readonly perSecond: number;
}

/** What rounding may add up to: no reason to refuse. */
const TOLERANCE_MS = 0.001;

/**
 * ms until `cost` can be taken; 0: now. A cost over the whole burst can be taken from a full bucket, or it never could;
 * it is paid back in full.
 */
export function waitForRate(rate: Rate, fullAt: number, now: number, cost = 1): number {
  const most = Math.max(rate.burst, cost);
  const wait = Math.max(fullAt, now) - now - ((most - cost) * 1000) / rate.perSecond - TOLERANCE_MS;
  return wait > 0 ? Math.ceil(wait) : 0;
}

/** `fullAt` after `cost` was taken. */
export function takeFromRate(rate: Rate, fullAt: number, now: number, cost = 1): number {
  return Math.max(fullAt, now) + (cost * 1000) / rate.perSecond;
}

/** How much is in the bucket; negative after a cost over the burst. */
export function leftOfRate(rate: Rate, fullAt: number, now: number): number {
  return rate.burst - ((Math.max(fullAt, now) - now) * rate.perSecond) / 1000;
}
