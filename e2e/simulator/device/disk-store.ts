import {
  type AccountRow,
  type MessageQuery,
  type PendingLogOut,
  type ProfileRow,
  type SearchQuery,
  type Store,
  type StoreBatch,
  StoreError,
} from '../../../apps/desktop/src/engine/store.ts';
import type { MemoryStore } from '../../../apps/desktop/src/engine/testing/memory-store.ts';
import type { Life } from '../world/machine.ts';
import type { Chance } from '../world/seeded.ts';

/** Faults of one device's disk. */
export interface DiskFaults {
  full: boolean;
  slowdown: number;
}

/**
 * A client's store whose calls take time, one after the other, and fail when the disk is full. What the process had not
 * got an answer to when it died has or has not happened.
 */
export class DiskStore implements Store {
  readonly #store: MemoryStore;
  readonly #life: Life;
  readonly #chance: Chance;
  readonly #faults: DiskFaults;
  #last: Promise<unknown> = Promise.resolve();
  waiting = 0;
  mostWaiting = 0;

  constructor(store: MemoryStore, life: Life, chance: Chance, faults: DiskFaults) {
    this.#store = store;
    this.#life = life;
    this.#chance = chance;
    this.#faults = faults;
    store.beforeWrite = () => {
      if (this.#faults.full) throw new StoreError('full', 'no space left on the device');
    };
  }

  open() {
    return this.#turn(1, () => this.#store.open());
  }
  close() {
    return this.#turn(1, () => this.#store.close());
  }
  saveProfile(patch: Partial<ProfileRow>) {
    return this.#turn(1, () => this.#store.saveProfile(patch));
  }
  beginAccount(account: AccountRow, logOutFirst: PendingLogOut | null) {
    return this.#turn(5, () => this.#store.beginAccount(account, logOutFirst));
  }
  endAccount(generation: number, pending: PendingLogOut | null) {
    return this.#turn(5, () => this.#store.endAccount(generation, pending));
  }
  putPendingLogOut(pending: PendingLogOut) {
    return this.#turn(5, () => this.#store.putPendingLogOut(pending));
  }
  removePendingLogOut(sessionId: string) {
    return this.#turn(1, () => this.#store.removePendingLogOut(sessionId));
  }
  load(generation: number): ReturnType<Store['load']> {
    return this.#turn(1, () => this.#store.load(generation));
  }
  apply(generation: number, batch: StoreBatch) {
    return this.#turn(batch.durable ? 4 : 0.5, () => this.#store.apply(generation, batch));
  }
  messages(generation: number, query: MessageQuery) {
    return this.#turn(0, () => this.#store.messages(generation, query));
  }
  search(generation: number, query: SearchQuery) {
    return this.#turn(0, () => this.#store.search(generation, query));
  }

  /** `ms` on an idle disk; 0: from memory, but still behind what was called before. */
  #turn<T>(ms: number, run: () => Promise<T>): Promise<T> {
    this.waiting += 1;
    this.mostWaiting = Math.max(this.mostWaiting, this.waiting);
    const mine = this.#last.then(async () => {
      if (ms > 0) await this.#life.sleep(ms * (0.5 + this.#chance.fraction()) * this.#faults.slowdown);
      this.waiting -= 1;
      return run();
    });
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
