/** Remembers the last `capacity` keys. A fast front only: what decides is the store's unique index. */
export class DedupeWindow<K, V> {
  readonly #capacity: number;
  readonly #seen = new Map<K, V>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#seen.size;
  }

  get(key: K): V | undefined {
    return this.#seen.get(key);
  }

  /** Remembers `value` for `key`; the oldest key is forgotten past the capacity. */
  remember(key: K, value: V): void {
    this.#seen.delete(key);
    this.#seen.set(key, value);
    if (this.#seen.size > this.#capacity) {
      const oldest = this.#seen.keys().next();
      if (!oldest.done) this.#seen.delete(oldest.value);
    }
  }
}
