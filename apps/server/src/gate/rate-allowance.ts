import { leftOfRate, type Rate, takeFromRate, waitForRate } from '@fastim/core';
import type { GateConfig } from '../config.ts';
import { NEVER } from './deadline-wheel.ts';
import { HEARTBEAT_BURST, HEARTBEATS_PER_INTERVAL } from './gate-limits.ts';

/** What every connection of a gate may send; made once and shared. */
export interface ConnectionRates {
  readonly frames: Rate;
  readonly heartbeats: Rate;
}

export function connectionRates(config: GateConfig): ConnectionRates {
  return {
    frames: { burst: config.framesBurst, perSecond: config.framesPerSecond },
    heartbeats: { burst: HEARTBEAT_BURST, perSecond: (HEARTBEATS_PER_INTERVAL * 1000) / config.heartbeatIntervalMs },
  };
}

/**
 * How many frames one connection may send: all kinds together, and heartbeats, of which few make sense. Three numbers a
 * connection: a limiter by key would hold them in a map beside the connection that has them anyway.
 */
export class RateAllowance {
  readonly #rates: ConnectionRates;
  #framesFullAt = 0;
  #heartbeatsFullAt = 0;
  #usedUpSince = NEVER;

  constructor(rates: ConnectionRates) {
    this.#rates = rates;
  }

  /** Since when it has been used up without coming back to half; NEVER: it has not. */
  get usedUpSince(): number {
    return this.#usedUpSince;
  }

  takeFrame(now: number): boolean {
    const { frames } = this.#rates;
    if (waitForRate(frames, this.#framesFullAt, now) > 0) {
      if (this.#usedUpSince === NEVER) this.#usedUpSince = now;
      return false;
    }
    this.#framesFullAt = takeFromRate(frames, this.#framesFullAt, now);
    if (this.#usedUpSince !== NEVER && leftOfRate(frames, this.#framesFullAt, now) > frames.burst / 2) {
      this.#usedUpSince = NEVER;
    }
    return true;
  }

  takeHeartbeat(now: number): boolean {
    const { heartbeats } = this.#rates;
    if (waitForRate(heartbeats, this.#heartbeatsFullAt, now) > 0) return false;
    this.#heartbeatsFullAt = takeFromRate(heartbeats, this.#heartbeatsFullAt, now);
    return true;
  }
}
