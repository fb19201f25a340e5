import type { Clock } from '@fastim/core';
import pg, { type CustomTypesConfig, type PoolClient } from 'pg';
import type { Logger } from 'pino';
import { StorageError, StorageRefusal } from '../../storage.ts';
import { isBroken, mayRunAgain, toStorageError } from './postgres-faults.ts';
import type { Queries, Value } from './queries.ts';
import { setUpSession } from './session-setup.ts';

export interface DatabaseOptions {
  readonly url: string;
  readonly poolSize: number;
  readonly statementTimeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly slowQueryMs: number;
}

/** Calls that wait for a connection; more are refused as 'busy'. */
const MOST_WAITING = 2_000;
/** Runs of one transaction that fell to a deadlock each time. */
const MOST_RUNS = 10;
const CONNECT_MS = 5_000;
/** On top of the statement's own time: then the server is not there any more, though nothing said so. */
const SILENCE_MS = 3_000;
const KEEP_ALIVE_MS = 10_000;

const INT8 = 20;
const INT8_ARRAY = 1016;

/**
 * Connections to PostgreSQL. Every call that fails rejects with StorageError; connections that broke are thrown away and
 * made anew when they are needed, so nothing has to be started again after the database was away.
 */
export class Database implements Queries {
  readonly #options: DatabaseOptions;
  readonly #pool: pg.Pool;
  /** Of prepared statements, by their text. */
  readonly #names = new Map<string, string>();
  readonly #idle = new Set<() => void>();
  #running = 0;
  #closed: Promise<void> | undefined;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#pool = new pg.Pool({
      connectionString: options.url,
      application_name: 'fastim',
      max: options.poolSize,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: options.statementTimeoutMs + SILENCE_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      idleTimeoutMillis: 60_000,
      types,
      // Statements of one transaction that do not wait for each other go out in one packet.
      pipeline: true,
      onConnect: (client: pg.ClientBase) => setUpSession(client as pg.Client, options.statementTimeoutMs),
    } as pg.PoolConfig);
    this.#pool.on('error', (error) => {
      options.logger.warn({ err: error }, 'an idle connection to the database broke');
    });
  }

  /** Each of these is a transaction of its own. Deadlocks are run again. */
  async rows<Row>(sql: string, values: readonly Value[] = []): Promise<Row[]> {
    return (await this.#single(sql, values)).rows as Row[];
  }

  async arrays<Row extends readonly unknown[]>(sql: string, values: readonly Value[] = []): Promise<Row[]> {
    return (await this.#single(sql, values, true)).rows as unknown as Row[];
  }

  async run(sql: string, values: readonly Value[] = []): Promise<number> {
    return (await this.#single(sql, values)).rowCount ?? 0;
  }

  /**
   * Runs `work` in one transaction (read committed: each statement sees what was committed before it, so rows are locked
   * first and read then). Commits when it resolves, rolls back when it rejects. A deadlock runs it again from the start:
   * `work` must not leave anything behind outside the database before it has resolved.
   */
  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    return this.#withRetries('a transaction', async (client) => {
      // Not waited for: it goes out with the first statement, which fails when it does.
      client.query('BEGIN').catch(() => undefined);
      try {
        const result = await work(this.#queriesOn(client));
        const { command } = await client.query('COMMIT');
        if (command !== 'COMMIT')
          throw new StorageError('other', 'a transaction went on after one of its statements failed');
        return result;
      } catch (error) {
        if (!isBroken(error)) await client.query('ROLLBACK');
        throw error;
      }
    });
  }

  /** Waits for what is under way; calls that come after are rejected. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  async #close(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.add(resolve));
    await this.#pool.end();
  }

  #single(sql: string, values: readonly Value[], asArrays = false): Promise<pg.QueryResult> {
    return this.#withRetries(sql, (client) => this.#send(client, sql, values, asArrays));
  }

  #queriesOn(client: PoolClient): Queries {
    return {
      rows: async <Row>(sql: string, values: readonly Value[] = []) =>
        (await this.#send(client, sql, values)).rows as Row[],
      arrays: async <Row extends readonly unknown[]>(sql: string, values: readonly Value[] = []) =>
        (await this.#send(client, sql, values, true)).rows as unknown as Row[],
      run: async (sql, values = []) => (await this.#send(client, sql, values)).rowCount ?? 0,
    };
  }

  #send(client: PoolClient, text: string, values: readonly Value[], asArrays = false): Promise<pg.QueryResult> {
    let name = this.#names.get(text);
    if (name === undefined) {
      name = `s${this.#names.size + 1}`;
      this.#names.set(text, name);
    }
    const query = { name, text, values: values as unknown[] };
    // The types know arrays only as another overload.
    return asArrays
      ? (client.query({ ...query, rowMode: 'array' }) as Promise<unknown> as Promise<pg.QueryResult>)
      : client.query(query);
  }

  async #withRetries<T>(name: string, work: (client: PoolClient) => Promise<T>): Promise<T> {
    if (this.#closed) throw new StorageError('closed', 'the storage is closed');
    if (this.#pool.waitingCount >= MOST_WAITING) throw new StorageError('busy', 'too many calls wait for the database');
    const { clock, logger, slowQueryMs } = this.#options;
    const startMs = clock.now();
    this.#running += 1;
    try {
      for (let run = 1; ; run += 1) {
        try {
          return await this.#onConnection(work);
        } catch (error) {
          const { cause } = error as StorageError;
          if (run >= MOST_RUNS || !mayRunAgain(cause)) throw error;
          logger.debug({ err: cause, query: name, run }, 'transaction runs again');
        }
      }
    } finally {
      this.#running -= 1;
      if (this.#running === 0) {
        for (const resolve of this.#idle) resolve();
        this.#idle.clear();
      }
      const ms = clock.now() - startMs;
      if (ms >= slowQueryMs) logger.warn({ query: name, ms }, 'slow query');
    }
  }

  async #onConnection<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    let client: PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      if (error instanceof StorageRefusal) {
        // The server was fit when we started, and is not any more.
        this.#options.logger.error({ err: error }, 'the database may not be used');
        throw new StorageError('io', error.message, error);
      }
      throw toStorageError(error, false);
    }
    const onError = (): void => {
      // The query under way is rejected with it; nobody else has to hear of it.
    };
    client.on('error', onError);
    let broken = false;
    try {
      return await work(client);
    } catch (error) {
      broken = isBroken(error);
      throw toStorageError(error, true);
    } finally {
      client.removeListener('error', onError);
      client.release(broken);
    }
  }
}

const types: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === INT8) return BigInt;
    if (oid === INT8_ARRAY) return bigints;
    return pg.types.getTypeParser(oid, format as 'text');
  }) as CustomTypesConfig['getTypeParser'],
};

function bigints(text: string): bigint[] {
  return text.length <= 2 ? [] : text.slice(1, -1).split(',').map(BigInt);
}
