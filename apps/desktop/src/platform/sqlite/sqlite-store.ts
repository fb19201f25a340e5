import { Worker } from 'node:worker_threads';
import type { Logger } from '../../engine/ports.ts';
import {
  type AccountRow,
  type ApplyResult,
  type ConversationRow,
  type MessageQuery,
  type OutboxRow,
  type PendingLogOut,
  type ProfileRow,
  type SearchQuery,
  type Store,
  type StoreBatch,
  type StoreContents,
  type StoredMessage,
  StoreError,
} from '../../engine/store.ts';
import type { UserView } from '../../engine/views.ts';
import type { StoreAnswer, StoreCall, StoreMethod } from './store-calls.ts';

/** A call that takes longer is worth a line in the log. */
const SLOW_MS = 200;

interface Waiting {
  readonly method: StoreMethod;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: StoreError) => void;
}

/** The engine's Store on SQLite (see SqliteDatabase), in a worker thread of its own. */
export class SqliteStore implements Store {
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #workerUrl: URL;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #nextId = 1;
  #closing: Promise<void> | undefined;

  /** `folder` exists. `workerUrl`: where the worker's file is when the code was bundled. */
  constructor(parts: { folder: string; logger: Logger; workerUrl?: URL }) {
    this.#folder = parts.folder;
    this.#logger = parts.logger;
    this.#workerUrl = parts.workerUrl ?? defaultWorkerUrl();
  }

  async open(): Promise<StoreContents> {
    await this.#closing;
    if (this.#worker) throw new StoreError('in-use', 'the store is open');
    const isSource = this.#workerUrl.pathname.endsWith('.ts');
    const worker = new Worker(this.#workerUrl, { execArgv: isSource ? ['--conditions=fastim-source'] : [] });
    this.#worker = worker;
    worker.on('message', (answer: StoreAnswer) => this.#answered(answer));
    worker.on('error', (error) => this.#lost(worker, error));
    worker.on('exit', () => this.#lost(worker, undefined));
    try {
      return (await this.#call('open', [this.#folder])) as StoreContents;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close().finally(() => {
      this.#closing = undefined;
    });
    return this.#closing;
  }

  async saveProfile(patch: Partial<ProfileRow>): Promise<void> {
    await this.#call('saveProfile', [patch]);
  }

  async beginAccount(account: AccountRow, logOutFirst: PendingLogOut | null): Promise<number> {
    return (await this.#call('beginAccount', [account, logOutFirst])) as number;
  }

  async endAccount(generation: number, pending: PendingLogOut | null): Promise<void> {
    await this.#call('endAccount', [generation, pending]);
  }

  async putPendingLogOut(pending: PendingLogOut): Promise<void> {
    await this.#call('putPendingLogOut', [pending]);
  }

  async removePendingLogOut(sessionId: string): Promise<void> {
    await this.#call('removePendingLogOut', [sessionId]);
  }

  async load(generation: number) {
    return (await this.#call('load', [generation])) as {
      account: AccountRow;
      conversations: ConversationRow[];
      outbox: OutboxRow[];
      users: UserView[];
    };
  }

  async apply(generation: number, batch: StoreBatch): Promise<ApplyResult> {
    return (await this.#call('apply', [generation, batch])) as ApplyResult;
  }

  async messages(generation: number, query: MessageQuery): Promise<StoredMessage[]> {
    return (await this.#call('messages', [generation, query])) as StoredMessage[];
  }

  async search(generation: number, query: SearchQuery): Promise<StoredMessage[]> {
    return (await this.#call('search', [generation, query])) as StoredMessage[];
  }

  #call(method: StoreMethod, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const worker = this.#worker;
      if (!worker || (this.#closing && method !== 'close')) {
        reject(new StoreError('closed', 'the store is not open'));
        return;
      }
      const id = this.#nextId;
      this.#nextId += 1;
      this.#waiting.set(id, { method, resolve, reject });
      const call: StoreCall = { id, method, args };
      try {
        worker.postMessage(call);
      } catch (error) {
        this.#waiting.delete(id);
        reject(new StoreError('other', 'the call cannot be handed to the store', error));
      }
    });
  }

  #answered(answer: StoreAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    if (!waiting) return;
    this.#waiting.delete(answer.id);
    if ('error' in answer) {
      waiting.reject(new StoreError(answer.error.kind, answer.error.message));
      return;
    }
    if (answer.millis > SLOW_MS) {
      this.#logger.warn({ method: waiting.method, millis: Math.round(answer.millis) }, 'slow store call');
    }
    waiting.resolve(answer.value);
  }

  async #close(): Promise<void> {
    const worker = this.#worker;
    if (!worker) return;
    const exited = new Promise<void>((resolve) => {
      worker.once('exit', () => resolve());
    });
    await this.#call('close', []).catch((error: unknown) => {
      this.#logger.warn({ error: String(error) }, 'the store did not close cleanly');
      return worker.terminate();
    });
    await exited;
  }

  /** The worker is gone: expected after `close`, else a fault of which every caller hears. */
  #lost(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return;
    if (error !== undefined) this.#logger.error({ error: String(error) }, 'the store worker failed');
    else this.#worker = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(new StoreError('io', 'the store worker is gone', error));
  }
}

function defaultWorkerUrl(): URL {
  return new URL(
    import.meta.url.endsWith('.ts') ? './sqlite-store-worker.ts' : './sqlite-store-worker.js',
    import.meta.url,
  );
}
