import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Database, Statement } from 'better-sqlite3';
import { MessageChecksum } from '../postgres/messages/message-checksum.ts';
import { verifyDatabase } from '../sqlite/backup/verify-database.ts';
import { type DataFolderLock, lockDataFolder } from '../sqlite/data-folder-lock.ts';
import { DATABASE_FILE } from '../sqlite/database-file.ts';
import { migrate } from '../sqlite/migrate.ts';
import { migrations } from '../sqlite/migrations/index.ts';
import { openForWriting } from '../sqlite/open-database.ts';
import { readHistoryEpoch } from '../sqlite/reader/read-history-epoch.ts';
import { StorageRefusal } from '../storage.ts';
import { type MovedValue, type TableSum, TableSums } from './row-sum.ts';
import { type Column, MESSAGE_TABLE, type MovedTable } from './tables.ts';

type SqliteValue = bigint | string | Uint8Array | null;

/** The key of the last row that was read; undefined: none was. */
export type Place = readonly SqliteValue[] | undefined;

export interface Batch {
  readonly rows: readonly (readonly MovedValue[])[];
  /** Where the next one goes on; undefined: this was the last. */
  readonly next: Place;
}

/** More is not put into one batch; a single row may be longer. */
const BATCH_BYTES = 4 * 1024 * 1024;

/**
 * The data folder that is moved, locked for as long as it is open, so that no server runs on it. Rows come out as
 * PostgreSQL has them. Loads better-sqlite3: only where the Node version is known to be right.
 */
export class SqliteSource {
  readonly #lock: DataFolderLock;
  readonly #database: Database;
  readonly #checksums = new MessageChecksum();
  readonly #statements = new Map<string, Statement>();

  private constructor(lock: DataFolderLock, database: Database) {
    this.#lock = lock;
    this.#database = database;
  }

  /**
   * Brings the folder's database to the newest format, as a start of the server does. Rejects with StorageRefusal: 'in-use'
   * when a server runs on it, 'unreadable' when there is no database.
   */
  static async open(directory: string, nowMs: number): Promise<SqliteSource> {
    const path = join(directory, DATABASE_FILE);
    if (!existsSync(path)) throw new StorageRefusal('unreadable', `There is no database in ${directory}.`);
    const lock = await lockDataFolder(directory, nowMs);
    let database: Database | undefined;
    try {
      database = openForWriting(path);
      migrate(database, migrations, nowMs);
      return new SqliteSource(lock, database);
    } catch (error) {
      database?.close();
      lock.release();
      throw error;
    }
  }

  get historyEpoch(): bigint {
    return readHistoryEpoch(this.#database);
  }

  /** Reads everything. Throws StorageRefusal('unreadable') for a database that is damaged. */
  verify(): void {
    const { problems } = verifyDatabase(this.#database);
    if (problems.length > 0) {
      throw new StorageRefusal('unreadable', `The database to be moved is damaged: ${problems.join('; ')}.`);
    }
  }

  /** Rows from `place` on, in the order of the key: at most `limit` of them. */
  read(table: MovedTable, place: Place, limit: number): Batch {
    const from =
      place === undefined ? '' : `WHERE (${table.key.map((key) => `t.${key}`).join(', ')}) > (${marks(table)})`;
    const statement = this.#prepared(`${selectOf(table)} ${from} ORDER BY ${order(table)} LIMIT ?`);
    const keys = table.key.length;
    const rows: MovedValue[][] = [];
    let last: SqliteValue[] | undefined;
    let bytes = 0;
    let more = false;
    for (const row of statement.iterate(...(place ?? []), limit + 1) as Iterable<SqliteValue[]>) {
      if (rows.length === limit || bytes > BATCH_BYTES) {
        more = true;
        break;
      }
      last = row.slice(0, keys);
      rows.push(this.#moved(table, row.slice(keys)));
      for (const value of row) bytes += typeof value === 'bigint' || value === null ? 8 : value.length;
    }
    return { rows, next: more ? last : undefined };
  }

  /** Of every row. Throws StorageRefusal when rows would be left behind, because what they belong to is not there. */
  sum(table: MovedTable): TableSum {
    const sums = new TableSums();
    const statement = this.#prepared(selectOf(table));
    for (const row of statement.iterate() as Iterable<SqliteValue[]>) {
      sums.add(this.#moved(table, row.slice(table.key.length)));
    }
    const rows = Number(this.#database.prepare(`SELECT count(*) FROM ${table.source}`).pluck().get());
    if (rows !== sums.total.rows) {
      const lost = rows - sums.total.rows;
      throw new StorageRefusal(
        'unreadable',
        `The database to be moved is damaged: ${lost} rows of ${table.source} belong to nothing.`,
      );
    }
    return sums.total;
  }

  /** Idempotent. */
  close(): void {
    this.#database.close();
    this.#lock.release();
  }

  #moved(table: MovedTable, values: readonly SqliteValue[]): MovedValue[] {
    const row = table.columns.map((column, index) => convert(column, values[index]!));
    if (table.name === MESSAGE_TABLE) row[CHECKSUM] = BigInt(this.#checksum(row));
    return row;
  }

  /** The database was verified before, with the checksum it has in SQLite. */
  #checksum(row: readonly MovedValue[]): number {
    const [conversationId, convSeq, msgId, senderId, kind, serverTimeMs, countNo, , clientMsgId, body] = row as [
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
      Uint8Array,
      Uint8Array,
    ];
    return this.#checksums.of({
      conversationId,
      convSeq: Number(convSeq),
      msgId,
      senderId,
      kind: Number(kind),
      serverTimeMs: Number(serverTimeMs),
      countNo: Number(countNo),
      clientMsgId,
      body,
    });
  }

  #prepared(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql).raw().safeIntegers();
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** Of the columns of message. */
const CHECKSUM = 7;

function selectOf({ source, key, beside, columns }: MovedTable): string {
  const values = [...key.map((name) => `t.${name}`), ...columns.map(({ from }) => from)];
  return `SELECT ${values.join(', ')} FROM ${source} t ${beside}`;
}

function order({ key }: MovedTable): string {
  return key.map((name) => `t.${name}`).join(', ');
}

function marks({ key }: MovedTable): string {
  return key.map(() => '?').join(', ');
}

function convert({ type }: Column, value: SqliteValue): MovedValue {
  if (value === null) return null;
  switch (type) {
    case 'boolean':
      return value !== 0n;
    case 'bytea':
      return typeof value === 'string' ? Buffer.from(value, 'utf8') : (value as Uint8Array);
    default:
      return value;
  }
}
