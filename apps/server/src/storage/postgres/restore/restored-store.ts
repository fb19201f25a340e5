import type { Clock } from '@fastim/core';
import type { Logger } from 'pino';
import { StorageRefusal } from '../../storage.ts';
import { Database } from '../connection/database.ts';
import { prepareDatabase } from '../connection/open-database.ts';
import { type DatabaseReport, verifyPostgres } from './verify-postgres.ts';

export interface RestoredStore extends DatabaseReport {
  /** Undefined: there are problems, and nothing was changed. */
  readonly historyEpoch: bigint | undefined;
}

/** A whole check reads everything, and takes as long as it takes. */
const STATEMENT_MS = 24 * 3_600_000;
/** Past every fence that a holder can have got since the backup. */
const FENCE_STEP = 1n << 32n;

/** A connection that was closed is in the database's list for a moment longer. */
const LEAVING_MS = 3_000;
const LOOK_AGAIN_MS = 100;

/**
 * Makes a database that was restored from a backup fit for use, before servers start on it: brings it to the newest format,
 * reads and verifies all of it, and gives the history an epoch of its own: devices may know of messages that came after the
 * backup, and compare what they have when they see it. Fences of node numbers rise, so that a process that stored before
 * the restore, and still lives somewhere, stores nothing any more. Rejects with StorageRefusal('in-use') while servers are
 * connected.
 */
export async function restoredStore(options: { url: string; clock: Clock; logger: Logger }): Promise<RestoredStore> {
  const databaseOptions = { ...options, poolSize: 1, statementTimeoutMs: STATEMENT_MS, slowQueryMs: STATEMENT_MS };
  await prepareDatabase(databaseOptions);
  const database = new Database(databaseOptions);
  try {
    const servers = await otherConnections(database, options.clock);
    if (servers > 0n) {
      throw new StorageRefusal('in-use', `Servers are connected to this database (${servers} connections): stop them.`);
    }
    const report = await verifyPostgres(database);
    if (report.problems.length > 0) return { ...report, historyEpoch: undefined };
    const historyEpoch = await database.transaction(async (queries) => {
      await queries.run('UPDATE node_number SET fence = fence + $1', [FENCE_STEP]);
      const [row] = await queries.arrays<readonly [epoch: bigint]>(
        `UPDATE storage_meta SET history_epoch =
           greatest(1, ('x' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 8)
                            || substr(replace(gen_random_uuid()::text, '-', ''), 1, 8))::bit(64)::bigint
                       & 9223372036854775807)
         RETURNING history_epoch`,
      );
      return row![0];
    });
    return { ...report, historyEpoch };
  } finally {
    await database.close();
  }
}

async function otherConnections(database: Database, clock: Clock): Promise<bigint> {
  for (let waited = 0; ; waited += LOOK_AGAIN_MS) {
    const [servers] = await database.arrays<readonly [count: bigint]>(
      `SELECT count(*) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name LIKE 'fastim%' AND pid <> pg_backend_pid()`,
    );
    if (servers![0] === 0n || waited >= LEAVING_MS) return servers![0];
    await new Promise<void>((resolve) => clock.setTimer(LOOK_AGAIN_MS, resolve));
  }
}
