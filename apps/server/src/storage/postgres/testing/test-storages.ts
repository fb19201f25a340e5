import type { Clock } from '@fastim/core';
import { type Logger, pino } from 'pino';
import { openPostgresStorage, type PostgresStorage, type PostgresStorageOptions } from '../open-postgres-storage.ts';
import { TestPostgres } from './test-postgres.ts';

const START_MS = 60_000;

const clock: Clock = {
  now: () => Date.now(),
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Why tests on PostgreSQL do not run here, said aloud once; false: they run. */
export async function postgresMissing(): Promise<boolean> {
  const reason = await TestPostgres.missing();
  if (reason) console.warn(`skipped: ${reason}`);
  return reason !== undefined;
}

/** A PostgreSQL for a test file, and storages on it. */
export class TestStorages {
  #postgres: TestPostgres | undefined;
  readonly #open: PostgresStorage[] = [];

  async start(): Promise<void> {
    if (!(await TestPostgres.missing())) this.#postgres = await TestPostgres.start();
  }

  get postgres(): TestPostgres {
    if (!this.#postgres) throw new Error('PostgreSQL was not started');
    return this.#postgres;
  }

  /** On a new, empty database unless the options say where. */
  async open(options: Partial<PostgresStorageOptions> = {}): Promise<PostgresStorage> {
    const storage = await openPostgresStorage({
      url: options.url ?? (await this.postgres.database()),
      poolSize: 4,
      statementTimeoutMs: 10_000,
      slowQueryMs: START_MS,
      clock,
      logger: pino({ level: 'silent' }),
      ...options,
    });
    this.#open.push(storage);
    return storage;
  }

  /** Closes what is open and stops the server. */
  async remove(): Promise<void> {
    await Promise.allSettled(this.#open.map((storage) => storage.close()));
    await this.#postgres?.remove();
  }
}

/** A logger whose lines can be looked at. */
export function recordingLogger(): { logger: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { logger, lines };
}
