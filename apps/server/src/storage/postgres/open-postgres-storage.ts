import type { Clock } from '@fastim/core';
import type { Logger } from 'pino';
import { type Storage, StorageError } from '../storage.ts';
import { Database } from './connection/database.ts';
import { prepareDatabase } from './connection/open-database.ts';
import { PostgresConversationStore } from './conversations/postgres-conversation-store.ts';
import type { Fence } from './fence.ts';
import { PostgresGroupStore } from './groups/postgres-group-store.ts';
import { PostgresMessageStore } from './messages/postgres-message-store.ts';
import { ReadMessages } from './messages/read-messages.ts';
import { takeNumber } from './node-numbers.ts';
import { readHighestId } from './read-highest-id.ts';
import { PostgresSessionStore } from './sessions/postgres-session-store.ts';
import { PostgresUserStore } from './users/postgres-user-store.ts';

export interface PostgresStorageOptions {
  url: string;
  /** Connections of this process, at least 2: one of them only appends. */
  poolSize: number;
  statementTimeoutMs: number;
  clock: Clock;
  logger: Logger;
  /** Of a process that stores messages; every append of it is then under its node number. */
  fence?: Fence;
  slowQueryMs?: number;
}

export interface PostgresStorage extends Storage {
  /**
   * Gives a node number to a new holder. When it resolves, nothing that an older holder appends is stored any more, and
   * nothing of it is on its way.
   */
  takeNumber(number: number, holder: string): Promise<bigint>;
  /** The database's clock. */
  timeMs(): Promise<number>;
}

const DEFAULT_SLOW_QUERY_MS = 500;
/** Rows of write_probe. */
const PROBES = 16;

/**
 * Opens a storage for one of many processes. StorageRefusal: an operator has to do something first; StorageError: the
 * database does not answer now. Once open it recovers by itself from everything that happens to the database.
 */
export async function openPostgresStorage(options: PostgresStorageOptions): Promise<PostgresStorage> {
  const { poolSize, clock, logger, fence } = options;
  const common = {
    url: options.url,
    statementTimeoutMs: options.statementTimeoutMs,
    clock,
    logger,
    slowQueryMs: options.slowQueryMs ?? DEFAULT_SLOW_QUERY_MS,
  };
  const { historyEpoch } = await prepareDatabase(common);
  const database = new Database({ ...common, poolSize: Math.max(1, poolSize - 1) });
  const writer = new Database({ ...common, poolSize: 1 });
  return new OpenPostgresStorage(database, writer, historyEpoch, logger, fence);
}

class OpenPostgresStorage implements PostgresStorage {
  readonly messages: PostgresMessageStore;
  readonly conversations: PostgresConversationStore;
  readonly groups: PostgresGroupStore;
  readonly users: PostgresUserStore;
  readonly sessions: PostgresSessionStore;
  readonly historyEpoch: bigint;
  readonly #database: Database;
  readonly #writer: Database;
  #probes = 0;

  constructor(database: Database, writer: Database, historyEpoch: bigint, logger: Logger, fence: Fence | undefined) {
    this.#database = database;
    this.#writer = writer;
    this.historyEpoch = historyEpoch;
    const reader = new ReadMessages(database, logger);
    this.messages = new PostgresMessageStore({ writer, reader, fence });
    this.conversations = new PostgresConversationStore(database, reader);
    this.groups = new PostgresGroupStore(database, fence);
    this.users = new PostgresUserStore(database);
    this.sessions = new PostgresSessionStore(database);
  }

  highestId(): Promise<bigint> {
    return readHighestId(this.#database);
  }

  async check(): Promise<void> {
    this.#probes = (this.#probes + 1) % PROBES;
    const sql = 'UPDATE write_probe SET writes = writes + 1 WHERE probe_no = $1';
    if ((await this.#database.run(sql, [this.#probes])) !== 1) {
      throw new StorageError('corrupt', 'a row that belongs to every database of ours is not there');
    }
  }

  takeNumber(number: number, holder: string): Promise<bigint> {
    return takeNumber(this.#database, number, holder);
  }

  async timeMs(): Promise<number> {
    const [row] = await this.#database.arrays<readonly [number]>(
      'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000',
    );
    return row![0];
  }

  /** The lane first: what waits in it still needs its connection. */
  async close(): Promise<void> {
    await Promise.all([this.messages.close(), this.#database.close()]);
    await this.#writer.close();
  }
}
