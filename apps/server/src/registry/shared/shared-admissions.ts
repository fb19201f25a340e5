import { type Clock, type Random, takeFromRate, waitForRate } from '@fastim/core';
import type { Admissions } from '../contract.ts';
import type { Pulse } from './pulse.ts';
import type { RegistryBackend } from './registry-backend.ts';

/** A turn later than this is none: the ticket that goes with it would be over. */
const MAX_DELAY_MS = 30_000;

/** One bucket for all in the registry; without it each takes its part of the rate from a bucket of its own. */
export class SharedAdmissions implements Admissions {
  readonly #backend: RegistryBackend;
  readonly #pulse: Pulse;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #sharers: () => number;
  readonly #startMs: number;
  #lastMs = 0;
  #fullAt = 0;

  constructor(options: {
    backend: RegistryBackend;
    pulse: Pulse;
    clock: Clock;
    random: Random;
    perSecond: number;
    burst: number;
    /** Processes that let clients in. */
    sharers: () => number;
  }) {
    this.#backend = options.backend;
    this.#pulse = options.pulse;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#perSecond = options.perSecond;
    this.#burst = options.burst;
    this.#sharers = options.sharers;
    this.#startMs = options.clock.now();
  }

  async take(): Promise<{ delayMs: number; admitted: boolean }> {
    let delayMs: number;
    try {
      delayMs = this.#pulse.reachable
        ? await this.#backend.admit(this.#perSecond, this.#burst, MAX_DELAY_MS)
        : this.#takeLocally();
    } catch {
      delayMs = this.#takeLocally();
    }
    if (delayMs <= MAX_DELAY_MS) return { delayMs, admitted: true };
    return { delayMs: Math.ceil(MAX_DELAY_MS * (0.5 + this.#random.fraction() / 2)), admitted: false };
  }

  #takeLocally(): number {
    const part = Math.max(1, this.#sharers());
    const rate = { perSecond: this.#perSecond / part, burst: Math.max(1, this.#burst / part) };
    this.#lastMs = Math.max(this.#lastMs, this.#clock.now() - this.#startMs);
    const waitMs = waitForRate(rate, this.#fullAt, this.#lastMs);
    // A turn in the queue is taken at once; one too far away is not.
    if (waitMs <= MAX_DELAY_MS) this.#fullAt = takeFromRate(rate, this.#fullAt, this.#lastMs);
    return waitMs;
  }
}
