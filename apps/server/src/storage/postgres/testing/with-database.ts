import { pino } from 'pino';
import { Database } from '../connection/database.ts';

const STATEMENT_MS = 60_000;

/** A pool of one connection, closed when `work` has ended. */
export async function withDatabase<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = new Database({
    url,
    poolSize: 1,
    statementTimeoutMs: STATEMENT_MS,
    slowQueryMs: STATEMENT_MS,
    clock: { now: () => Date.now(), setTimer: () => () => undefined },
    logger: pino({ level: 'silent' }),
  });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
