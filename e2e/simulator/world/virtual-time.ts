import { EventQueue } from './event-queue.ts';
import { drainMicrotasks } from './microtasks.ts';
import type { Chance } from './seeded.ts';
import type { Trace } from './trace.ts';

/** Cancels what was scheduled; does nothing when it has run. */
export type Cancel = () => void;

/**
 * One queue of events for the whole system. An event runs, then every promise that can go on does, then the next event:
 * nothing else makes anything happen, so a run is a function of its seed. The order of events of one moment is drawn.
 */
export class VirtualTime {
  readonly trace: Trace;
  readonly #ties: Chance;
  readonly #queue = new EventQueue();
  #now = 0;
  #events = 0;
  #scheduled = 0;

  constructor(ties: Chance, trace: Trace) {
    this.#ties = ties;
    this.trace = trace;
    trace.now = () => this.#now;
  }

  /** Simulated ms since the beginning; no clock of the system shows it. */
  get now(): number {
    return this.#now;
  }

  get events(): number {
    return this.#events;
  }

  schedule(delayMs: number, run: () => void): Cancel {
    const event = {
      at: this.#now + Math.max(0, delayMs),
      tie: this.#ties.fraction(),
      number: this.#scheduled++,
      run: run as (() => void) | undefined,
    };
    this.#queue.push(event);
    return () => {
      event.run = undefined;
    };
  }

  /** Runs everything up to and including `until`. Must be called from a macrotask. `done` ends it earlier. */
  run(until: number, done: () => boolean = () => false): void {
    drainMicrotasks();
    while (!done()) {
      const next = this.#queue.peek();
      if (!next || next.at > until) {
        this.#now = Math.max(this.#now, until);
        return;
      }
      this.#queue.pop();
      const { run } = next;
      if (!run) continue;
      this.#now = next.at;
      this.#events += 1;
      run();
      drainMicrotasks();
    }
  }
}
