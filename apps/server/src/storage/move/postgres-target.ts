import pg from 'pg';
import { LOCK_CLASS } from '../postgres/connection/advisory-locks.ts';
import { bytesArray } from '../postgres/connection/binary-arrays.ts';
import { toStorageError } from '../postgres/connection/postgres-faults.ts';
import { StorageError, StorageRefusal } from '../storage.ts';
import { placeOf, placeText } from './place-text.ts';
import { type MovedValue, sumQuery, type TableSum } from './row-sum.ts';
import type { Batch, Place } from './sqlite-source.ts';
import { type Column, type MovedTable, movedTables } from './tables.ts';

/** One move at a time into a database. */
const MOVE_LOCK = `${LOCK_CLASS}, -2`;

const types: Readonly<Record<Column['type'], string>> = {
  bigint: 'bigint',
  integer: 'smallint',
  boolean: 'boolean',
  text: 'text',
  bytea: 'bytea',
};

export interface MoveProgress {
  /** Undefined: nothing of the table is there yet. */
  readonly place: Place;
  readonly rows: number;
  readonly done: boolean;
}

/**
 * The database that is moved into. What was copied and how far is in one transaction, so whatever dies, a table goes on
 * exactly where it was. As long as a move is not finished no server starts on the database (`refuseUnfinishedMove`).
 */
export class PostgresTarget {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  /** The format has to be there. Rejects with StorageRefusal('in-use') when another move is under way. */
  static async open(url: string): Promise<PostgresTarget> {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'fastim move',
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
    });
    // The query under way is rejected with it.
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('SET statement_timeout = 0; SET synchronous_commit = on');
      const { rows } = await client.query<{ locked: boolean }>(`SELECT pg_try_advisory_lock(${MOVE_LOCK}) AS locked`);
      if (!rows[0]!.locked) throw new StorageRefusal('in-use', 'Another move into this database is under way.');
      await client.query(CREATE_NOTES);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error instanceof StorageRefusal ? error : toStorageError(error, false);
    }
    return new PostgresTarget(client);
  }

  /**
   * Whether this source was moved here before, as a whole; if not, it may be from now on. Rejects with
   * StorageRefusal('in-use') when there is something else.
   */
  async begin(source: string, nowMs: number): Promise<'begun' | 'goes-on' | 'finished'> {
    const [note] = await this.#rows<{ source: string; finished: boolean }>(
      'SELECT source, finished_ms IS NOT NULL AS finished FROM store_move',
    );
    if (note && note.source !== source) {
      throw new StorageRefusal(
        'in-use',
        note.finished
          ? 'Another store was moved into this database before.'
          : 'A move into this database began from another store, or the store has changed since. ' +
              'Begin again with an empty database.',
      );
    }
    if (note) return note.finished ? 'finished' : 'goes-on';
    for (const { name } of movedTables) {
      const [row] = await this.#rows(`SELECT 1 FROM ${name} LIMIT 1`);
      if (row) throw new StorageRefusal('in-use', `The database is not empty: there is something in ${name}.`);
    }
    await this.#rows('INSERT INTO store_move (move_no, source, started_ms) VALUES (1, $1, $2)', [source, nowMs]);
    return 'begun';
  }

  async progress({ name }: MovedTable): Promise<MoveProgress> {
    const [note] = await this.#rows<{ place: string | null; rows: string; done: boolean }>(
      'SELECT place, rows, done FROM store_move_table WHERE name = $1',
      [name],
    );
    if (!note) return { place: undefined, rows: 0, done: false };
    return { place: note.place === null ? undefined : placeOf(note.place), rows: Number(note.rows), done: note.done };
  }

  /** The rows, and the note of how far the table is, in one transaction. */
  async write(table: MovedTable, { rows, next }: Batch): Promise<void> {
    await this.#transaction(async () => {
      if (rows.length > 0) {
        const names = table.columns.map(({ name }) => name).join(', ');
        const arrays = table.columns.map(({ type }, index) => `$${index + 1}::${types[type]}[]`).join(', ');
        await this.#client.query({
          name: `move-${table.name}`,
          text: `INSERT INTO ${table.name} (${names}) SELECT * FROM unnest(${arrays})`,
          values: table.columns.map((column, index) => arrayOf(column, rows, index)),
        });
      }
      await this.#client.query(
        `INSERT INTO store_move_table (name, place, rows, done) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET place = excluded.place, rows = store_move_table.rows + excluded.rows,
                                          done = excluded.done`,
        [table.name, next === undefined ? null : placeText(next), rows.length, next === undefined],
      );
    });
  }

  /** Of every row, read and added up by the database. */
  async sum(table: MovedTable): Promise<TableSum> {
    const [row] = await this.#rows<{ rows: string; sum: string }>(sumQuery(table));
    return { rows: Number(row!.rows), sum: BigInt(row!.sum) };
  }

  /** The history goes on where it was: its epoch comes along. From here on servers may start. */
  async finish(historyEpoch: bigint, nowMs: number): Promise<void> {
    await this.#transaction(async () => {
      await this.#client.query('UPDATE storage_meta SET history_epoch = $1', [String(historyEpoch)]);
      await this.#client.query('UPDATE store_move SET finished_ms = $1', [nowMs]);
      await this.#client.query('DELETE FROM store_move_table');
    });
    // Plans that were made by what an empty table looks like would be slow ones.
    await this.#rows('ANALYZE');
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  async #transaction(work: () => Promise<void>): Promise<void> {
    try {
      await this.#client.query('BEGIN');
      await work();
      await this.#client.query('COMMIT');
    } catch (error) {
      await this.#client.query('ROLLBACK').catch(() => undefined);
      throw toStorageError(error, true);
    }
  }

  async #rows<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
    try {
      return (await this.#client.query<Row>(sql, values)).rows;
    } catch (error) {
      throw toStorageError(error, true);
    }
  }
}

const CREATE_NOTES = `
  CREATE TABLE IF NOT EXISTS store_move (
    move_no smallint PRIMARY KEY CHECK (move_no = 1),
    -- What the source was when it began; the same again, or it is another one.
    source text NOT NULL,
    started_ms bigint NOT NULL,
    finished_ms bigint
  );
  CREATE TABLE IF NOT EXISTS store_move_table (
    name text PRIMARY KEY,
    place text,
    rows bigint NOT NULL,
    done boolean NOT NULL
  );`;

function arrayOf({ name, type }: Column, rows: readonly (readonly MovedValue[])[], index: number): unknown {
  if (type !== 'bytea') return rows.map((row) => row[index]);
  return bytesArray(rows.length, (place) => {
    const value = rows[place]![index];
    if (value instanceof Uint8Array) return value;
    throw new StorageError('corrupt', `${name} has no bytes`);
  });
}
