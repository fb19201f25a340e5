/** How many wrong tokens are heard: a bucket that fills by time. */
import type { Clock } from '@fastim/core';

export interface AttemptLimit {
  /** ms until the next attempt is heard; 0: now. */
  delayMs(): number;
  failed(): void;
}

export function createAttemptLimit(clock: Clock, burst = 10, refillMs = 6000): AttemptLimit {
  let tokens = burst;
  let filledAt = clock.now();
  const fill = (): void => {
    const now = clock.now();
    // A clock that went back fills nothing, and does not block for longer than the time from here.
    tokens = Math.min(burst, tokens + Math.max(0, now - filledAt) / refillMs);
    filledAt = now;
  };
  return {
    delayMs() {
      fill();
      return tokens >= 1 ? 0 : Math.ceil((1 - tokens) * refillMs);
    },
    failed() {
      fill();
      tokens = Math.max(0, tokens - 1);
    },
  };
}
