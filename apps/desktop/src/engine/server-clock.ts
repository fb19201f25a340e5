import type { Clock } from '@fastim/core';
import { defaultWindows, type Windows } from './rights.ts';

/** The server's time as far as this device can tell, and what the login said of how long messages can be changed. */
export class ServerClock {
  readonly #clock: Clock;
  #aheadMs = 0;
  windows: Windows = defaultWindows;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now() + this.#aheadMs;
  }

  /** An answer that was made just now. */
  told(serverTimeMs: number): void {
    if (serverTimeMs > 0) this.#aheadMs = serverTimeMs - this.#clock.now();
  }
}
