import pg from 'pg';
import { StorageRefusal } from '../../storage.ts';
import { migrations } from '../migrations/index.ts';
import { migrate } from '../migrations/migrate.ts';
import type { DatabaseOptions } from './database.ts';
import { toStorageError } from './postgres-faults.ts';
import { requireFit, setUpSession } from './session-setup.ts';
import { refuseUnfinishedMove } from './unfinished-move.ts';

const CONNECT_MS = 5_000;

/**
 * Looks whether the database may be used and brings it to this program's format. Rejects with StorageRefusal when an
 * operator has to do something first, with StorageError when it does not answer. `duringMove`: by the move itself.
 */
export async function prepareDatabase(
  options: Omit<DatabaseOptions, 'poolSize'>,
  steps = migrations,
  { duringMove = false } = {},
): Promise<{ historyEpoch: bigint }> {
  const client = new pg.Client({
    connectionString: options.url,
    application_name: 'fastim start',
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
  });
  client.on('error', (error) => options.logger.warn({ err: error }, 'the connection to the database broke'));
  try {
    await client.connect();
    await requireFit(client);
    await setUpSession(client, options.statementTimeoutMs);
    const { applied } = await migrate(client, steps, options.clock.now());
    if (applied.length > 0) options.logger.info({ versions: applied }, 'database brought to a newer format');
    if (!duringMove) await refuseUnfinishedMove(client);
    const { rows } = await client.query<{ epoch: string }>('SELECT history_epoch AS epoch FROM storage_meta');
    return { historyEpoch: BigInt(rows[0]!.epoch) };
  } catch (error) {
    throw error instanceof StorageRefusal ? error : toStorageError(error, false);
  } finally {
    await client.end().catch(() => undefined);
  }
}
