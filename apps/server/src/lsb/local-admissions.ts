import { type Clock, takeFromRate, waitForRate } from '@fastim/core';
import type { Admissions } from '../registry/contract.ts';
import { LONGEST_DELAY_MS } from './gate-ticket.ts';

/** The token bucket of an LSB that is alone. Turns behind the burst are taken in advance, up to the longest wait. */
export class LocalAdmissions implements Admissions {
  readonly #clock: Clock;
  readonly #rate: { readonly burst: number; readonly perSecond: number };
  #fullAt = 0;
  /** ms that went by, by a clock that is never set. */
  #now = 0;
  #lastMs: number;

  constructor(options: { clock: Clock; perSecond: number; burst: number }) {
    this.#clock = options.clock;
    this.#rate = { perSecond: options.perSecond, burst: options.burst };
    this.#lastMs = options.clock.now();
  }

  async take(): Promise<{ delayMs: number; admitted: boolean }> {
    const wall = this.#clock.now();
    this.#now += Math.max(0, wall - this.#lastMs);
    this.#lastMs = wall;
    const delayMs = waitForRate(this.#rate, this.#fullAt, this.#now);
    if (delayMs > LONGEST_DELAY_MS) return { delayMs, admitted: false };
    this.#fullAt = takeFromRate(this.#rate, this.#fullAt, this.#now);
    return { delayMs, admitted: true };
  }
}
