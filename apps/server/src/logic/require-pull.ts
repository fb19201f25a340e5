import type { RateLimiter } from '@fastim/core';
import { FastimError } from '@fastim/protocol';

/** Throws RATE_LIMITED with the time to wait for a user who pulls too often. */
export function requirePull(rate: RateLimiter<bigint>, userId: bigint, now: number, cost = 1): void {
  const wait = rate.take(userId, now, cost);
  if (wait > 0) throw new FastimError('RATE_LIMITED', undefined, { retryAfterMs: wait });
}
