import type { Clock } from '@fastim/core';

/** The machine's clock and timers. A timer keeps the process alive while it waits. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer: (delayMs, callback) => {
    // Longer delays would overflow Node's timer and fire at once.
    const timer = setTimeout(callback, Math.min(delayMs, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};
