import type { StorageError, StorageRefusal } from '../../storage.ts';

/** What passes between the storage's face and its workers. Calls are numbered; each gets exactly one reply. */
export interface WorkerCall {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

/** `close`: the last message of a worker's life; what was posted before it is done first. */
export type ToWorker = WorkerCall | 'close';

export type WorkerReply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly kind: StorageError['kind']; readonly message: string };

export type WorkerNote =
  | { readonly note: 'slow'; readonly name: string; readonly ms: number; readonly calls: number }
  /** A stored row whose checksum is wrong. */
  | { readonly note: 'corrupt'; readonly conversationId: bigint; readonly convSeq: number }
  | { readonly note: 'reopened'; readonly reason: string }
  /** From the writer: the log should be copied into the database, by another thread. */
  | { readonly note: 'long-log' };

export type FromWorker =
  /** The database is open. */
  | { readonly type: 'ready'; readonly migrated: readonly number[] }
  /** It cannot be; the worker ends. */
  | { readonly type: 'refused'; readonly kind: StorageRefusal['kind']; readonly message: string }
  | { readonly type: 'replies'; readonly replies: readonly WorkerReply[] }
  | { readonly type: 'note'; readonly value: WorkerNote };

/** What a worker is started with. */
export interface WorkerStart {
  readonly path: string;
  readonly nowMs: number;
  readonly slowQueryMs: number;
  /** Upper bound of the database's size in pages; 0: none. */
  readonly maxPages: number;
}
