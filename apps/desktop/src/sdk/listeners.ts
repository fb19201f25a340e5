import type { FastimEvents, Listener } from './fastim-events.ts';

/** The listeners of one client. One that throws or rejects does not keep the others from being called. */
export class Listeners {
  readonly #byEvent = new Map<keyof FastimEvents, Set<(payload: never) => void | Promise<void>>>();
  readonly #log: (error: unknown) => void;

  constructor(log: (error: unknown) => void) {
    this.#log = log;
  }

  /** Returns the function that ends it. */
  add<E extends keyof FastimEvents>(event: E, listener: Listener<E>): () => void {
    const set = this.#byEvent.get(event) ?? new Set();
    this.#byEvent.set(event, set);
    // Its own function, so that the same listener added twice is called twice and ended one at a time.
    const own = (payload: FastimEvents[E]) => listener(payload);
    set.add(own);
    return () => {
      set.delete(own);
    };
  }

  /** Resolves when every listener is done; never rejects. */
  async emit<E extends keyof FastimEvents>(event: E, payload: FastimEvents[E]): Promise<void> {
    const calls = [...(this.#byEvent.get(event) ?? [])].map(async (listener) => listener(payload as never));
    for (const outcome of await Promise.allSettled(calls)) {
      if (outcome.status === 'fulfilled') continue;
      if (event === 'error' || !this.#byEvent.get('error')?.size) this.#log(outcome.reason);
      else await this.emit('error', outcome.reason);
    }
  }

  clear(): void {
    this.#byEvent.clear();
  }
}
