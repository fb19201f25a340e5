/**
 * When to send a heartbeat and when silence is death (DESIGN 8, seed 10.1.0). Both sides use it; only the client sends.
 * A heartbeat is skipped while traffic flows both ways, since any traffic proves the same.
 */
export interface HeartbeatOptions {
  readonly intervalMs: number;
  /** Silence from the peer that long is death. */
  readonly timeoutMs: number;
  /** Fraction of the interval by which beats are spread, e.g. 0.1. */
  readonly jitter: number;
  /** Uniform over [0, 1). */
  readonly random: () => number;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #lastReceived: number;
  #nextBeat: number;

  constructor(options: HeartbeatOptions, now: number) {
    this.#options = options;
    this.#lastReceived = now;
    this.#nextBeat = this.#after(now);
  }

  /** Anything arrived from the peer. */
  received(now: number): void {
    this.#lastReceived = now;
  }

  /** A beat, or a request that does its work, was sent. */
  sent(now: number): void {
    this.#nextBeat = this.#after(now);
  }

  /** `dead` wins over `beat`. A clock that was set back starts both waits anew, and a beat is due at once. */
  check(now: number): 'dead' | 'beat' | undefined {
    if (now < this.#lastReceived) {
      this.#lastReceived = now;
      this.#nextBeat = now;
    }
    if (now - this.#lastReceived >= this.#options.timeoutMs) return 'dead';
    return now >= this.#nextBeat ? 'beat' : undefined;
  }

  nextTimeout(): number {
    return Math.min(this.#nextBeat, this.#lastReceived + this.#options.timeoutMs);
  }

  #after(now: number): number {
    const { intervalMs, jitter, random } = this.#options;
    return now + Math.round(intervalMs * (1 - jitter + 2 * jitter * random()));
  }
}
