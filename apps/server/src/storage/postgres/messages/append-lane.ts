import type { AppendOutcome, AppendRequest } from '../../message-store.ts';
import { StorageError } from '../../storage.ts';

type Store = (batch: readonly AppendRequest[]) => Promise<AppendOutcome[]>;

interface Call {
  readonly batch: readonly AppendRequest[];
  readonly resolve: (outcomes: AppendOutcome[]) => void;
  readonly reject: (error: unknown) => void;
}

/** In one transaction, besides a single larger batch. */
const MOST_MESSAGES = 1_024;
/** Messages that wait; more are refused as 'busy'. */
const MOST_WAITING = 50_000;

/**
 * Group commit: one transaction at a time, in the order of the calls; what comes while one is under way goes into the
 * next together. So what a caller appends first is stored first, though it did not wait for the answer.
 */
export class AppendLane {
  readonly #store: Store;
  readonly #waiting: Call[] = [];
  #waitingMessages = 0;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(store: Store) {
    this.#store = store;
  }

  append(batch: readonly AppendRequest[]): Promise<AppendOutcome[]> {
    if (this.#closed) return Promise.reject(new StorageError('closed', 'the storage is closed'));
    if (this.#waitingMessages >= MOST_WAITING) {
      return Promise.reject(new StorageError('busy', 'too many messages wait to be stored'));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, resolve, reject });
      this.#waitingMessages += batch.length;
      this.#running ??= this.#run();
    });
  }

  /** Waits for what was called before; what comes after is rejected. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) await this.#storeNext();
    this.#running = undefined;
  }

  async #storeNext(): Promise<void> {
    const calls: Call[] = [];
    let messages = 0;
    for (const call of this.#waiting) {
      if (calls.length > 0 && messages + call.batch.length > MOST_MESSAGES) break;
      calls.push(call);
      messages += call.batch.length;
    }
    this.#waiting.splice(0, calls.length);
    this.#waitingMessages -= messages;
    try {
      await this.#storeAll(calls);
    } catch (error) {
      // One of them may be what the storage refuses; then it must not take the others with it.
      const isOne = error instanceof StorageError && (error.kind === 'fenced' || error.kind === 'other');
      if (calls.length === 1 || !isOne) for (const { reject } of calls) reject(error);
      else for (const call of calls) await this.#storeAll([call]).catch(call.reject);
    }
  }

  async #storeAll(calls: readonly Call[]): Promise<void> {
    const batch = calls.length === 1 ? calls[0]!.batch : calls.flatMap((call) => call.batch);
    const outcomes = await this.#store(batch);
    let offset = 0;
    for (const { batch: own, resolve } of calls) {
      resolve(calls.length === 1 ? outcomes : outcomes.slice(offset, offset + own.length));
      offset += own.length;
    }
  }
}
