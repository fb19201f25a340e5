import type { Clock } from '@fastim/core';

/** Notices a timer that comes much later by the clock than it was set for: the machine slept, or its clock was set. */
export class SleepWatch {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #jumpMs: number;
  readonly #jumped: (jumpMs: number) => void;
  #stop: (() => void) | undefined;

  constructor(parts: { clock: Clock; everyMs: number; jumpMs: number; jumped: (jumpMs: number) => void }) {
    this.#clock = parts.clock;
    this.#everyMs = parts.everyMs;
    this.#jumpMs = parts.jumpMs;
    this.#jumped = parts.jumped;
  }

  start(): void {
    this.#stop?.();
    const since = this.#clock.now();
    this.#stop = this.#clock.setTimer(this.#everyMs, () => {
      const jumpMs = this.#clock.now() - since - this.#everyMs;
      this.start();
      if (Math.abs(jumpMs) >= this.#jumpMs) this.#jumped(jumpMs);
    });
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }
}
