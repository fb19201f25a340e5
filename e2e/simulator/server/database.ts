import { MemoryStorage } from '../../../apps/server/src/logic/testing/memory-storage.ts';
import { StorageError } from '../../../apps/server/src/storage/storage.ts';
import type { Life, Machine } from '../world/machine.ts';
import type { Chance } from '../world/seeded.ts';
import type { SimulatedDisk } from './simulated-disk.ts';
import { isWrite, perform, type StorageCall } from './storage-calls.ts';

/** What is on its way to the disk. */
interface Write {
  readonly call: StorageCall;
  readonly answer: Answer;
}

export interface Answer {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Hears of every write that took effect, in the order of the log; after a recovery from the beginning. */
export interface Auditor {
  restarted(): void;
  /** The log has been gone through. */
  recovered(): void;
  applied(call: StorageCall, outcome: unknown): void;
}

/** Test-only changes of how the database behaves. */
export interface DatabaseFlaws {
  /** Answers writes before their sync. */
  readonly answersEarly?: boolean;
  /** Shows writes before their sync. */
  readonly showsEarly?: boolean;
  /** How many of the last records a start overlooks. */
  readonly overlooks?: number;
  readonly makeStorage?: (historyEpoch: bigint) => MemoryStorage;
}

/** A question of this database alone: the highest id that one node made. */
export const HIGHEST_ID = 'highestIdOfNode';

const idFields = ['msgId', 'conversationId', 'sessionId', 'userId'] as const;

/** Every id in what is written, by the node number in it. */
function noteIds(args: readonly unknown[], highest: Map<number, bigint>): void {
  for (const arg of args) {
    if (typeof arg === 'bigint') noteId(arg, highest);
    else if (Array.isArray(arg)) noteIds(arg, highest);
    else if (typeof arg === 'object' && arg !== null) {
      for (const field of idFields) {
        const id = (arg as Record<string, unknown>)[field];
        if (typeof id === 'bigint') noteId(id, highest);
      }
    }
  }
}

function noteId(id: bigint, highest: Map<number, bigint>): void {
  const node = Number((id >> 12n) & 0xffn);
  if (id > (highest.get(node) ?? 0n)) highest.set(node, id);
}

/** Reads see what is committed; they cost next to nothing. */
const READ_MS = 0.3;

/**
 * The database process that all nodes share: one writer, one log. A write is appended to the log; when the sync after it
 * has ended it takes effect, all at once with those that shared the sync, in the order of the log, and is answered. So
 * nothing can be read that a power loss could take.
 */
export class Database {
  readonly machine: Machine;
  readonly disk: SimulatedDisk<StorageCall>;
  readonly #chance: Chance;
  readonly #auditor: Auditor;
  readonly #flaws: DatabaseFlaws;
  readonly #historyEpoch: bigint;
  #storage: MemoryStorage;
  #life: Life;
  #queue: Write[] = [];
  #syncing = false;
  /** By node number. */
  readonly #highestIds = new Map<number, bigint>();
  mostQueued = 0;

  constructor(parts: {
    machine: Machine;
    disk: SimulatedDisk<StorageCall>;
    chance: Chance;
    auditor: Auditor;
    flaws: DatabaseFlaws;
  }) {
    this.machine = parts.machine;
    this.disk = parts.disk;
    this.#chance = parts.chance;
    this.#auditor = parts.auditor;
    this.#flaws = parts.flaws;
    this.#historyEpoch = BigInt(parts.chance.between(1, 1_000_000_000));
    this.#life = this.machine.begin();
    this.#storage = this.#makeStorage();
  }

  get life(): Life {
    return this.#life;
  }

  get historyEpoch(): bigint {
    return this.#historyEpoch;
  }

  /** As it is on disk; for the checks. */
  get storage(): MemoryStorage {
    return this.#storage;
  }

  get idle(): boolean {
    return this.#queue.length === 0 && !this.#syncing;
  }

  /** A call that has arrived. */
  take(call: StorageCall, answer: Answer): void {
    if (call.method === HIGHEST_ID) {
      const id = this.#highestIds.get(call.args[0] as number) ?? 0n;
      this.#life.after(READ_MS, () => answer.resolve(id));
      return;
    }
    if (!isWrite(call)) {
      this.#life.after(READ_MS, () => {
        perform(this.#storage, call).then(answer.resolve, answer.reject);
      });
      return;
    }
    if (this.disk.full) {
      this.#life.after(READ_MS, () => answer.reject(new StorageError('full', 'no space left on the device')));
      return;
    }
    this.#queue.push({ call, answer });
    this.mostQueued = Math.max(this.mostQueued, this.#queue.length);
    this.#sync();
  }

  /** The machine loses its power, or the process is killed. What was under way may or may not be on disk. */
  fail(death: 'crash' | 'power'): void {
    if (!this.#life.alive) return;
    this.#life.end(death);
    if (death === 'power') this.disk.powerLoss();
    else this.disk.crash();
    this.#queue = [];
    this.#syncing = false;
  }

  /** Starts again from what is on the disk. */
  start(): void {
    if (this.#life.alive) return;
    this.#life = this.machine.begin();
    this.#storage = this.#makeStorage();
    this.#highestIds.clear();
    this.#auditor.restarted();
    // Applied before anything else happens: nobody has reached the new process yet.
    const records = this.disk.recover();
    void this.#apply(records.slice(0, records.length - (this.#flaws.overlooks ?? 0)));
  }

  #makeStorage(): MemoryStorage {
    return this.#flaws.makeStorage?.(this.#historyEpoch) ?? new MemoryStorage(this.#historyEpoch);
  }

  #sync(): void {
    if (this.#syncing || this.#queue.length === 0) return;
    this.#syncing = true;
    const batch = this.#queue.splice(0, this.#chance.between(1, 8));
    for (const { call } of batch) this.disk.append(call);
    const { length } = this.disk;
    const early = this.#flaws.answersEarly || this.#flaws.showsEarly;
    const commit = early ? this.#commit(batch) : undefined;
    if (this.#flaws.answersEarly) void commit?.then((answer) => answer());
    this.#life.after(this.disk.syncTime(), () => {
      if (this.disk.full) {
        this.disk.withdraw();
        for (const { answer } of batch) answer.reject(new StorageError('full', 'no space left on the device'));
      } else {
        this.disk.synced(length);
        if (!this.#flaws.answersEarly) void (commit ?? this.#commit(batch)).then((answer) => answer());
      }
      this.#syncing = false;
      this.#sync();
    });
  }

  /** Carries the batch out; resolves with what answers it. */
  async #commit(batch: readonly Write[]): Promise<() => void> {
    const answers: Array<() => void> = [];
    for (const { call, answer } of batch) {
      try {
        const outcome = await perform(this.#storage, call);
        this.#applied(call, outcome);
        answers.push(() => answer.resolve(outcome));
      } catch (error) {
        answers.push(() => answer.reject(error));
      }
    }
    return () => {
      for (const answer of answers) answer();
    };
  }

  async #apply(calls: readonly StorageCall[]): Promise<void> {
    for (const call of calls) {
      const outcome = await perform(this.#storage, call).catch(() => undefined);
      this.#applied(call, outcome);
    }
    this.#auditor.recovered();
  }

  #applied(call: StorageCall, outcome: unknown): void {
    noteIds(call.args, this.#highestIds);
    this.#auditor.applied(call, outcome);
  }
}
