import { join } from 'node:path';
import type { Clock, NodeLease } from '@fastim/core';
import type { Logger } from 'pino';
import { type Storage, StorageError } from '../storage.ts';
import { type DataFolderLock, lockDataFolder } from './data-folder-lock.ts';
import { DATABASE_FILE } from './database-file.ts';
import { requireSupportedNode } from './node-version.ts';
import { SqliteConversationStore } from './stores/sqlite-conversation-store.ts';
import { SqliteGroupStore } from './stores/sqlite-group-store.ts';
import { SqliteMessageStore } from './stores/sqlite-message-store.ts';
import { SqliteSessionStore } from './stores/sqlite-session-store.ts';
import { SqliteUserStore } from './stores/sqlite-user-store.ts';
import type { ReaderOperations, WriterOperations } from './worker/operations.ts';
import { WorkerClient, type WorkerClientOptions } from './worker/worker-client.ts';
import type { WorkerNote, WorkerStart } from './worker/worker-messages.ts';

const DEFAULT_SLOW_QUERY_MS = 200;
const MOST_WAITING_CALLS = 8_192;
const MOST_WAITING_BYTES = 64 * 1024 * 1024;

export interface SqliteStorageOptions {
  /** The data folder; made if it is not there. */
  directory: string;
  clock: Clock;
  logger: Logger;
  /** A call that takes longer is logged with its name. */
  slowQueryMs?: number;
  /** Upper bound of the database in pages of 4 KiB: past it, writes are refused as on a full disk. */
  maxPages?: number;
}

export interface SqliteStorage extends Storage {
  /** The node number of this process, held until close. */
  readonly lease: NodeLease;
}

/**
 * Opens the data folder: takes its lock, brings the database to the newest format, asserts durability, starts the
 * writer and the reader. Rejects with StorageRefusal when the folder cannot be used; nothing is left open then.
 */
export async function openSqliteStorage(options: SqliteStorageOptions): Promise<SqliteStorage> {
  requireSupportedNode(process.versions.node);
  const { directory, clock, logger } = options;
  const lock = await lockDataFolder(directory, clock.now());
  const start: WorkerStart = {
    path: join(directory, DATABASE_FILE),
    nowMs: clock.now(),
    slowQueryMs: options.slowQueryMs ?? DEFAULT_SLOW_QUERY_MS,
    maxPages: options.maxPages ?? 0,
  };
  let writer: WorkerClient<WriterOperations> | undefined;
  let reader: WorkerClient<ReaderOperations> | undefined;
  try {
    writer = await WorkerClient.start<WriterOperations>(
      workerOptions('writer', start, logger, () => shortenLog(reader, logger)),
    );
    if (writer.migrated.length > 0) logger.info({ versions: writer.migrated }, 'database brought to a newer format');
    reader = await WorkerClient.start<ReaderOperations>(workerOptions('reader', start, logger, () => {}));
    return new OpenSqliteStorage(lock, writer, reader, await reader.call('historyEpoch', undefined));
  } catch (error) {
    await reader?.close();
    await writer?.close();
    lock.release();
    throw error;
  }
}

function shortenLog(reader: WorkerClient<ReaderOperations> | undefined, logger: Logger): void {
  reader?.call('checkpoint', undefined).catch((error: unknown) => {
    if (error instanceof StorageError && error.kind === 'closed') return;
    logger.warn({ err: error }, 'the write-ahead log could not be shortened');
  });
}

class OpenSqliteStorage implements SqliteStorage {
  readonly messages: SqliteMessageStore;
  readonly conversations: SqliteConversationStore;
  readonly groups: SqliteGroupStore;
  readonly users: SqliteUserStore;
  readonly sessions: SqliteSessionStore;
  readonly lease: NodeLease;
  readonly historyEpoch: bigint;
  readonly #lock: DataFolderLock;
  readonly #writer: WorkerClient<WriterOperations>;
  readonly #reader: WorkerClient<ReaderOperations>;
  #closed: Promise<void> | undefined;

  constructor(
    lock: DataFolderLock,
    writer: WorkerClient<WriterOperations>,
    reader: WorkerClient<ReaderOperations>,
    historyEpoch: bigint,
  ) {
    this.historyEpoch = historyEpoch;
    this.#lock = lock;
    this.#writer = writer;
    this.#reader = reader;
    this.messages = new SqliteMessageStore(writer, reader);
    this.conversations = new SqliteConversationStore(writer, reader);
    this.groups = new SqliteGroupStore(writer, reader);
    this.users = new SqliteUserStore(writer, reader);
    this.sessions = new SqliteSessionStore(writer, reader);
    // One process owns the folder, so one node number is enough: whoever holds the lock is node 0.
    this.lease = { dataCentre: 0, node: 0, held: () => this.#closed === undefined && lock.held() };
  }

  highestId(): Promise<bigint> {
    return this.#reader.call('highestId', undefined);
  }

  async check(): Promise<void> {
    await this.#writer.call('probeWrite', undefined);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** The reader first: the last connection to close is the writer's, which leaves one whole file behind. */
  async #close(): Promise<void> {
    await Promise.all([this.#reader.close(), this.#writer.drain()]);
    await this.#writer.close();
    this.#lock.release();
  }
}

function workerOptions(
  name: 'writer' | 'reader',
  start: WorkerStart,
  logger: Logger,
  onLongLog: () => void,
): WorkerClientOptions {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return {
    name,
    entry: new URL(`./worker/${name}-worker.${extension}`, import.meta.url),
    start,
    maxWaitingCalls: MOST_WAITING_CALLS,
    maxWaitingBytes: MOST_WAITING_BYTES,
    onNote: (note) => (note.note === 'long-log' ? onLongLog() : logNote(logger, note)),
    onCrash: (error, restarting) => {
      logger.error({ err: error, worker: name, restarting }, 'storage thread died');
    },
  };
}

function logNote(logger: Logger, value: Exclude<WorkerNote, { note: 'long-log' }>): void {
  if (value.note === 'slow') {
    logger.warn({ query: value.name, ms: value.ms, calls: value.calls }, 'slow query');
  } else if (value.note === 'corrupt') {
    const { conversationId, convSeq } = value;
    logger.error({ conversationId: String(conversationId), convSeq }, 'stored message is damaged');
  } else {
    logger.error({ reason: value.reason }, 'database reopened after a failure of the disk');
  }
}
