import type { Chance } from '../world/seeded.ts';

/** One record of a log on a disk. A torn one is found out by its checksum when the log is read. */
interface LogRecord<T> {
  readonly content: T;
  torn: boolean;
}

/**
 * An append-only log on a disk with a cache: what was appended is on the disk when a sync that began later has ended.
 * When the power goes, of what was not synced a part from the front stays, the record after it may be torn, and the rest
 * was never written.
 */
export class SimulatedDisk<T> {
  readonly #chance: Chance;
  #records: Array<LogRecord<T>> = [];
  #synced = 0;
  /** Faults. */
  full = false;
  slowdown = 1;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  get length(): number {
    return this.#records.length;
  }

  append(content: T): void {
    this.#records.push({ content, torn: false });
  }

  /** How long the next sync takes, in ms. */
  syncTime(): number {
    return this.#chance.skewed(1, 8) * this.slowdown;
  }

  /** A sync that began when the log was `length` long has ended. */
  synced(length: number): void {
    this.#synced = Math.max(this.#synced, length);
  }

  /** Withdraws what was appended and is not synced: the write failed and the program said so. */
  withdraw(): void {
    this.#records.length = this.#synced;
  }

  powerLoss(): void {
    const kept = this.#synced + this.#chance.between(0, this.#records.length - this.#synced);
    const next = this.#records[kept];
    this.#records.length = kept;
    if (next && this.#chance.happens(0.5)) this.#records.push({ content: next.content, torn: true });
  }

  /** The process died, the machine did not: the system still writes what it was given. */
  crash(): void {
    const kept = this.#synced + this.#chance.between(0, this.#records.length - this.#synced);
    this.#records.length = Math.max(kept, this.#synced);
  }

  /** What a start finds: the records up to the first that is torn; the rest is cut off. */
  recover(): T[] {
    const torn = this.#records.findIndex((record) => record.torn);
    if (torn >= 0) this.#records.length = torn;
    this.#synced = this.#records.length;
    return this.#records.map((record) => record.content);
  }
}
