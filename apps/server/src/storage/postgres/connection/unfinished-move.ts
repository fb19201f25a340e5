import type { Client } from 'pg';
import { StorageRefusal } from '../../storage.ts';

/** Throws StorageRefusal when a move into this database was begun and not finished: it is not whole. */
export async function refuseUnfinishedMove(client: Pick<Client, 'query'>): Promise<void> {
  const { rows } = await client.query<{ is_noted: boolean }>(
    `SELECT to_regclass('store_move') IS NOT NULL AS is_noted`,
  );
  if (!rows[0]!.is_noted) return;
  const found = await client.query('SELECT 1 FROM store_move WHERE finished_ms IS NULL');
  if (found.rows.length === 0) return;
  throw new StorageRefusal(
    'in-use',
    'A move into this database is not finished: run the same migrate-store command again until it says so.',
  );
}
