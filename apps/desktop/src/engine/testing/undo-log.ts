/** A transaction so old is on the disk, synced or not: operating systems write back on their own. */
const MAX_UNSYNCED = 200;

/**
 * How to take back what was written, transaction by transaction: for one that fails half-way, and for a power loss, which
 * takes the newest of those that were not synced. A durable one syncs all before it.
 */
export class UndoLog {
  #unsynced: Array<Array<() => void>> = [];
  #current: Array<() => void> | undefined;

  /** Those that a power loss may take. */
  get transactions(): number {
    return this.#unsynced.length;
  }

  /** What `work` throws is thrown, with everything it noted taken back. */
  transaction<T>(durable: boolean, work: () => T): T {
    const current: Array<() => void> = [];
    this.#current = current;
    try {
      const result = work();
      if (durable) this.#unsynced = [];
      else this.#unsynced.push(current);
      if (this.#unsynced.length > MAX_UNSYNCED) this.#unsynced.shift();
      return result;
    } catch (error) {
      takeBack(current);
      throw error;
    } finally {
      this.#current = undefined;
    }
  }

  /** Inside a transaction: how to take back what was just done. */
  note(undo: () => void): void {
    this.#current?.push(undo);
  }

  set<O extends object, K extends keyof O>(object: O, key: K, value: O[K]): void {
    const before = object[key];
    object[key] = value;
    this.note(() => {
      object[key] = before;
    });
  }

  put<K, V>(map: Map<K, V>, key: K, value: V): void {
    this.#noteEntry(map, key);
    map.set(key, value);
  }

  delete<K, V>(map: Map<K, V>, key: K): void {
    this.#noteEntry(map, key);
    map.delete(key);
  }

  /** Takes the newest transactions back; returns how many there were. */
  dropNewest(count: number): number {
    const dropped = this.#unsynced.splice(this.#unsynced.length - count);
    for (const undos of dropped.reverse()) takeBack(undos);
    return dropped.length;
  }

  #noteEntry<K, V>(map: Map<K, V>, key: K): void {
    const before = map.get(key);
    this.note(before === undefined ? () => map.delete(key) : () => map.set(key, before));
  }
}

function takeBack(undos: ReadonlyArray<() => void>): void {
  for (const undo of undos.toReversed()) undo();
}
