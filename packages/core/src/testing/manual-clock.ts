/** A clock with timers that only moves when told to. Timers fire in order of time, then of making. */
export class ManualClock {
  #now: number;
  #nextId = 1;
  readonly #timers = new Map<number, { at: number; run: () => void }>();

  constructor(startMs = 1_800_000_000_000) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  /** Runs `callback` once, `delayMs` from now. Returns the cancel function. */
  setTimer(delayMs: number, callback: () => void): () => void {
    const id = this.#nextId++;
    this.#timers.set(id, { at: this.#now + Math.max(0, delayMs), run: callback });
    return () => {
      this.#timers.delete(id);
    };
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Moves on by `ms`, firing what falls due on the way, including timers that those set. */
  advance(ms: number): void {
    const target = this.#now + ms;
    for (;;) {
      let due: { id: number; at: number } | undefined;
      for (const [id, timer] of this.#timers) {
        if (timer.at <= target && (due === undefined || timer.at < due.at)) due = { id, at: timer.at };
      }
      if (!due) break;
      const timer = this.#timers.get(due.id)!;
      this.#timers.delete(due.id);
      this.#now = Math.max(this.#now, due.at);
      timer.run();
    }
    this.#now = target;
  }
}
