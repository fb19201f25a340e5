import { Worker } from 'node:worker_threads';
import { StorageError, StorageRefusal } from '../../storage.ts';
import type { Operations } from './operations.ts';
import type { FromWorker, ToWorker, WorkerNote, WorkerReply, WorkerStart } from './worker-messages.ts';

export interface WorkerClientOptions {
  /** For messages: 'writer', 'reader'. */
  name: string;
  /** The worker's entry, .ts from source or .js when built. */
  entry: URL;
  start: WorkerStart;
  /** Calls, and bytes of batches, that may wait; past either a call is refused as 'busy'. */
  maxWaitingCalls: number;
  maxWaitingBytes: number;
  onNote: (note: WorkerNote) => void;
  /** The worker died without being asked to. */
  onCrash: (error: Error, restarting: boolean) => void;
}

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: StorageError) => void;
  bytes: number;
}

/** A worker that dies this often without one answer in between is not started again. */
const MOST_CRASHES = 3;

/**
 * Typed, numbered calls to a worker thread. When the thread dies, every waiting call is rejected (whether it took
 * effect is then unknown; repeating is safe, since every write is idempotent) and a new thread is started, which
 * recovers the database; calls made meanwhile wait for it.
 */
export class WorkerClient<Ops extends Operations> {
  readonly #options: WorkerClientOptions;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker;
  #nextId = 1;
  #waitingBytes = 0;
  #crashes = 0;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #idle: (() => void)[] = [];
  #closed: Promise<void> | undefined;
  #migrated: readonly number[] = [];

  private constructor(options: WorkerClientOptions, worker: Worker) {
    this.#options = options;
    this.#worker = worker;
  }

  /** Resolves when the database is open; rejects with StorageRefusal when it cannot be. */
  static async start<Ops extends Operations>(options: WorkerClientOptions): Promise<WorkerClient<Ops>> {
    const worker = startThread(options);
    const migrated = await opened(worker, options.name);
    const client = new WorkerClient<Ops>(options, worker);
    client.#migrated = migrated;
    client.#attach(worker);
    return client;
  }

  /** Format versions that the start of this worker brought the database to. */
  get migrated(): readonly number[] {
    return this.#migrated;
  }

  /** Rejects with StorageError and nothing else. An ArrayBuffer as argument is handed over: the caller loses it. */
  call<Name extends keyof Ops & string>(name: Name, argument: Ops[Name]['argument']): Promise<Ops[Name]['reply']> {
    if (this.#state !== 'open') return Promise.reject(new StorageError('closed', 'the storage is closed'));
    const buffer = argument instanceof ArrayBuffer ? argument : undefined;
    const bytes = buffer?.byteLength ?? 0;
    const { maxWaitingCalls, maxWaitingBytes } = this.#options;
    if (this.#waiting.size >= maxWaitingCalls || (bytes > 0 && this.#waitingBytes + bytes > maxWaitingBytes)) {
      return Promise.reject(new StorageError('busy', `too much waits for the storage's ${this.#options.name}`));
    }
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const message: ToWorker = { id, name, argument };
      try {
        this.#worker.postMessage(message, buffer ? [buffer] : []);
      } catch (error) {
        reject(new StorageError('other', `${name} cannot be sent to the storage`, error));
        return;
      }
      this.#waitingBytes += bytes;
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject, bytes });
    });
  }

  /** Refuses new calls from now on and waits for those under way. */
  async drain(): Promise<void> {
    if (this.#state === 'open') this.#state = 'closing';
    if (this.#waiting.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Drains, then ends the thread. Idempotent; the same promise for every caller. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.drain();
    if (this.#state === 'closed') return;
    const worker = this.#worker;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const close: ToWorker = 'close';
    worker.postMessage(close);
    await ended;
    this.#state = 'closed';
  }

  #attach(worker: Worker): void {
    let failure: Error | undefined;
    worker.on('message', (message: FromWorker) => this.#receive(message));
    worker.on('messageerror', (error: Error) => {
      failure ??= error;
      void worker.terminate();
    });
    worker.on('error', (error: unknown) => {
      failure ??= error instanceof Error ? error : new Error(String(error));
    });
    worker.on('exit', (code) => {
      if (worker !== this.#worker) return;
      this.#ended(failure ?? new Error(`the thread ended with code ${code}`));
    });
  }

  #receive(message: FromWorker): void {
    if (message.type === 'replies') {
      this.#crashes = 0;
      for (const reply of message.replies) this.#settle(reply);
    } else if (message.type === 'note') {
      this.#options.onNote(message.value);
    }
  }

  #settle(reply: WorkerReply): void {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return;
    this.#waiting.delete(reply.id);
    this.#waitingBytes -= waiting.bytes;
    if (reply.ok) waiting.resolve(reply.value);
    else waiting.reject(new StorageError(reply.kind, reply.message));
    if (this.#waiting.size === 0) this.#announceIdle();
  }

  #announceIdle(): void {
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  #ended(failure: Error): void {
    if (this.#state === 'closing' && this.#waiting.size === 0) {
      this.#state = 'closed';
      return;
    }
    this.#crashes += 1;
    const restart = this.#state === 'open' && this.#crashes < MOST_CRASHES;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#waitingBytes = 0;
    if (restart) {
      this.#worker = startThread(this.#options);
      this.#attach(this.#worker);
    } else {
      this.#state = 'closed';
    }
    this.#options.onCrash(failure, restart);
    const text = `the storage's ${this.#options.name} died (${failure.message}); whether the call took effect is unknown`;
    for (const { reject } of waiting) reject(new StorageError('io', text, failure));
    this.#announceIdle();
  }
}

function startThread(options: WorkerClientOptions): Worker {
  const fromSource = options.entry.pathname.endsWith('.ts');
  return new Worker(options.entry, {
    name: `storage-${options.name}`,
    workerData: options.start,
    execArgv: fromSource ? ['--conditions=fastim-source'] : [],
  });
}

function opened(worker: Worker, name: string): Promise<readonly number[]> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      worker.off('message', receive);
      worker.off('error', fail);
      worker.off('exit', exit);
    };
    const receive = (message: FromWorker) => {
      if (message.type === 'ready') {
        stop();
        resolve(message.migrated);
      } else if (message.type === 'refused') {
        stop();
        worker.once('exit', () => reject(new StorageRefusal(message.kind, message.message)));
      }
    };
    const fail = (error: unknown) => {
      stop();
      reject(new StorageError('other', `the storage's ${name} did not start: ${String(error)}`, error));
    };
    const exit = (code: number) => {
      stop();
      reject(new StorageError('other', `the storage's ${name} ended at its start with code ${code}`));
    };
    worker.on('message', receive);
    worker.on('error', fail);
    worker.on('exit', exit);
  });
}
