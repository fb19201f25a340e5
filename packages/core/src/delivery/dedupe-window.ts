/**
 * Remembers at least the last `capacity` keys, and never more than twice as many. A fast front only: what decides is the
 * store's unique index.
 *
 * Two generations instead of one ordered map: the young one becomes the old one when it is full, and what was old is
 * forgotten whole. Taking the oldest key out of a map one by one makes every look for the next oldest walk over the
 * places of those before it.
 */
export class DedupeWindow<K, V> {
  readonly #capacity: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(key: K): V | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  /** Remembers `value` for `key`, in place of what it had. */
  remember(key: K, value: V): void {
    if (this.#young.size >= this.#capacity && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }
}
