/** Typed events with any number of listeners. Events are said in the order in which they are emitted. */
export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Set<(payload: never) => void>>();
  readonly #onFault: (error: unknown) => void;

  /** `onFault` hears of a listener that threw; the others are still called. */
  constructor(onFault: (error: unknown) => void) {
    this.#onFault = onFault;
  }

  on<E extends keyof Events>(event: E, listener: (payload: Events[E]) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners);
    // One entry per subscription, also when the same function subscribes twice.
    const entry = (payload: never) => listener(payload);
    listeners.add(entry);
    return () => {
      listeners.delete(entry);
    };
  }

  emit<E extends keyof Events>(event: E, payload: Events[E]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        (listener as (payload: Events[E]) => void)(payload);
      } catch (error) {
        this.#onFault(error);
      }
    }
  }
}
