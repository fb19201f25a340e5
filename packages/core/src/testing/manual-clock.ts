import type { Clock } from '../ports.ts';

/**
 * A clock with timers that only moves when told to. Timers fire in order of time, then of making, and see the time at
 * which they were due. Setting the clock (`jump`) does not move them, as on a real machine.
 */
export class ManualClock implements Clock {
  /** What the clock shows, less the time that has passed. */
  #offset: number;
  #elapsed = 0;
  #nextId = 1;
  readonly #timers = new Map<number, { at: number; run: () => void }>();

  constructor(startMs = 1_800_000_000_000) {
    this.#offset = startMs;
  }

  now(): number {
    return this.#offset + this.#elapsed;
  }

  /** Runs `callback` once, `delayMs` from now. Returns the cancel function. */
  setTimer(delayMs: number, callback: () => void): () => void {
    const id = this.#nextId++;
    this.#timers.set(id, { at: this.#elapsed + Math.max(0, delayMs), run: callback });
    return () => {
      this.#timers.delete(id);
    };
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Moves on by `ms`, firing what falls due on the way, including timers that those set. */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError('time does not go back; use jump to set the clock');
    const target = this.#elapsed + ms;
    for (;;) {
      const due = this.#firstDue(target);
      if (!due) break;
      this.#timers.delete(due.id);
      this.#elapsed = Math.max(this.#elapsed, due.at);
      due.run();
    }
    this.#elapsed = Math.max(this.#elapsed, target);
  }

  /** Sets the clock forward or back, as an operator or NTP does. No time passes and no timer fires. */
  jump(ms: number): void {
    this.#offset += ms;
  }

  #firstDue(target: number): { id: number; at: number; run: () => void } | undefined {
    let first: { id: number; at: number; run: () => void } | undefined;
    for (const [id, { at, run }] of this.#timers) {
      if (at <= target && (first === undefined || at < first.at)) first = { id, at, run };
    }
    return first;
  }
}
