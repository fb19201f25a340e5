import type { GateConfig } from '../config.ts';
import { NEVER } from './deadline-wheel.ts';
import { HEARTBEAT_BURST, HEARTBEATS_PER_INTERVAL } from './gate-limits.ts';
import { TokenBucket } from './token-bucket.ts';

/** How many frames one connection may send: all kinds together, and heartbeats, of which few make sense. */
export class RateAllowance {
  readonly #config: GateConfig;
  readonly #frames: TokenBucket;
  #heartbeats: TokenBucket | undefined;
  #usedUpSince = NEVER;

  constructor(config: GateConfig, now: number) {
    this.#config = config;
    this.#frames = new TokenBucket(config.framesBurst, now);
  }

  /** Since when it has been used up without coming back to half; NEVER: it has not. */
  get usedUpSince(): number {
    return this.#usedUpSince;
  }

  takeFrame(now: number): boolean {
    const { framesBurst, framesPerSecond } = this.#config;
    if (this.#frames.take(now, framesBurst, framesPerSecond / 1000)) {
      if (this.#usedUpSince !== NEVER && this.#frames.tokens > framesBurst / 2) this.#usedUpSince = NEVER;
      return true;
    }
    if (this.#usedUpSince === NEVER) this.#usedUpSince = now;
    return false;
  }

  takeHeartbeat(now: number): boolean {
    this.#heartbeats ??= new TokenBucket(HEARTBEAT_BURST, now);
    return this.#heartbeats.take(now, HEARTBEAT_BURST, HEARTBEATS_PER_INTERVAL / this.#config.heartbeatIntervalMs);
  }
}
