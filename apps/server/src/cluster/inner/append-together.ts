import type { AppendOutcome, AppendRequest, MessageStore } from '../../storage/message-store.ts';
import { StorageError } from '../../storage/storage.ts';

/** Transactions' worth of messages that wait; more is refused, and whoever sent it stores it himself. */
const MOST_BATCHES_WAITING = 16;

interface Waiting {
  readonly requests: readonly AppendRequest[];
  readonly resolve: (outcomes: AppendOutcome[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A group commit of batches: one transaction is under way at a time, and what arrives meanwhile (this node's own batches
 * and those of others) shares the next one. A batch is never cut in two: its order, and that it is stored as a whole
 * or not at all, are promises of its maker. When a transaction fails, all batches in it fail with its error; but when the
 * fault may be of one of them (ids of a node number that is another's, or worse), each is tried by itself.
 */
export class AppendTogether {
  readonly #messages: MessageStore;
  readonly #limit: number;
  readonly #waiting: Waiting[] = [];
  #waitingMessages = 0;
  #busy = false;
  #stopped = false;
  #idle: (() => void)[] = [];

  constructor(messages: MessageStore, limit: number) {
    this.#messages = messages;
    this.#limit = limit;
  }

  append(requests: readonly AppendRequest[]): Promise<AppendOutcome[]> {
    if (this.#stopped) return Promise.reject(new StorageError('closed', 'the node stops'));
    if (this.#waitingMessages > MOST_BATCHES_WAITING * this.#limit) {
      return Promise.reject(new StorageError('busy', 'too many messages wait for this node'));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ requests, resolve, reject });
      this.#waitingMessages += requests.length;
      if (this.#busy) return;
      this.#busy = true;
      queueMicrotask(this.#run);
    });
  }

  /** Resolves when everything taken before has ended. */
  stop(): Promise<void> {
    this.#stopped = true;
    if (!this.#busy) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  readonly #run = (): void => {
    const batches = this.#take();
    if (batches.length === 0) {
      this.#busy = false;
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    this.#storeAll(batches).finally(this.#run);
  };

  /** Never rejects. */
  async #storeAll(batches: readonly Waiting[]): Promise<void> {
    const requests = batches.length === 1 ? batches[0]!.requests : batches.flatMap((batch) => batch.requests);
    try {
      const outcomes = await this.#store(requests);
      let from = 0;
      for (const { requests: own, resolve } of batches) {
        resolve(outcomes.slice(from, from + own.length));
        from += own.length;
      }
    } catch (error) {
      if (batches.length > 1 && mayBeOfOne(error)) for (const batch of batches) await this.#storeAll([batch]);
      else for (const { reject } of batches) reject(error);
    }
  }

  /** A store that throws at once fails like one that rejects. */
  async #store(requests: readonly AppendRequest[]): Promise<AppendOutcome[]> {
    return this.#messages.append(requests);
  }

  #take(): Waiting[] {
    const batches: Waiting[] = [];
    let messages = 0;
    while (this.#waiting.length > 0) {
      const next = this.#waiting[0]!;
      if (batches.length > 0 && messages + next.requests.length > this.#limit) break;
      messages += next.requests.length;
      batches.push(next);
      this.#waiting.shift();
    }
    this.#waitingMessages -= messages;
    return batches;
  }
}

function mayBeOfOne(error: unknown): boolean {
  return !(error instanceof StorageError) || error.kind === 'fenced' || error.kind === 'other';
}
