import type { Clock } from '@fastim/core';

/** starting: not everything is up yet. draining: up, but on its way out. */
export type ComponentState = 'ok' | 'starting' | 'draining' | 'failing';
export type ComponentStates = { [component: string]: ComponentState };

const FRESH_MS = 1_000;

/**
 * What /readyz says. A check costs a write, so callers within a second share one; a check that hangs counts as failing.
 */
export class Readiness {
  readonly #check: () => Promise<ComponentStates>;
  readonly #clock: Clock;
  readonly #patienceMs: number;
  #latest: { atMs: number; states: Promise<ComponentStates> } | undefined;

  constructor(options: { check: () => Promise<ComponentStates>; clock: Clock; patienceMs?: number }) {
    this.#check = options.check;
    this.#clock = options.clock;
    this.#patienceMs = options.patienceMs ?? 3_000;
  }

  /** Never rejects. */
  states(): Promise<ComponentStates> {
    const now = this.#clock.now();
    if (!this.#latest || now - this.#latest.atMs >= FRESH_MS || now < this.#latest.atMs) {
      this.#latest = { atMs: now, states: this.#fresh() };
    }
    return this.#latest.states;
  }

  /** What was known is out of date: a component changed its state. */
  changed(): void {
    this.#latest = undefined;
  }

  async #fresh(): Promise<ComponentStates> {
    let cancel = () => {};
    const late = new Promise<ComponentStates>((resolve) => {
      cancel = this.#clock.setTimer(this.#patienceMs, () => resolve({ check: 'failing' }));
    });
    try {
      return await Promise.race([this.#check(), late]);
    } catch {
      // The parts log their own faults; here only the answer counts.
      return { check: 'failing' };
    } finally {
      cancel();
    }
  }
}
