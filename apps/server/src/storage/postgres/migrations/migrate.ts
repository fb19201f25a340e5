import type { Client } from 'pg';
import { StorageRefusal } from '../../storage.ts';
import { MIGRATION_LOCK } from '../connection/advisory-locks.ts';
import type { Migration } from './index.ts';

/**
 * Brings the database to the newest format this program knows, one transaction a step: a crash leaves it at a whole
 * format. Nodes that start at once wait for each other. Throws StorageRefusal: 'newer-version' for a format from the
 * future, 'unreadable' for a schema with another program's tables.
 */
export async function migrate(
  client: Client,
  migrations: readonly Migration[],
  nowMs: number,
): Promise<{ applied: number[] }> {
  await client.query("SET statement_timeout = 0; SET lock_timeout = 0; SET enable_seqscan = 'on'");
  await client.query(`SELECT pg_advisory_lock(${MIGRATION_LOCK})`);
  try {
    return { applied: await apply(client, migrations, nowMs) };
  } finally {
    await client.query(`SELECT pg_advisory_unlock(${MIGRATION_LOCK})`);
  }
}

async function apply(client: Client, migrations: readonly Migration[], nowMs: number): Promise<number[]> {
  const known = migrations.at(-1)?.version ?? 0;
  const found = await formatOf(client);
  if (found > known) {
    throw new StorageRefusal(
      'newer-version',
      `The database has format ${found}, written by a newer version of the server; this version knows formats up to ` +
        `${known}. Install the newer version, or restore a backup made with this one.`,
    );
  }
  const applied: number[] = [];
  for (const { version, name, sql } of migrations) {
    if (version <= found) continue;
    await client.query('BEGIN');
    try {
      await client.query(sql);
      const values = [version, name, nowMs];
      await client.query('INSERT INTO schema_migration (version, name, applied_ms) VALUES ($1, $2, $3)', values);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    }
    applied.push(version);
  }
  return applied;
}

/** 0: a new database. */
async function formatOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ ours: boolean; tables: number; place: string }>(
    `SELECT to_regclass('schema_migration') IS NOT NULL AS ours, current_schema() AS place,
            (SELECT count(*) FROM pg_tables WHERE schemaname = current_schema())::int AS tables`,
  );
  const { ours, tables, place } = rows[0]!;
  if (!ours && tables > 0) {
    throw new StorageRefusal('unreadable', `The schema "${place}" of the database has tables of another program.`);
  }
  await client.query(`CREATE TABLE IF NOT EXISTS schema_migration (
    version integer PRIMARY KEY,
    name text NOT NULL,
    applied_ms bigint NOT NULL
  )`);
  const newest = await client.query<{ version: number }>(
    'SELECT coalesce(max(version), 0)::int AS version FROM schema_migration',
  );
  return newest.rows[0]!.version;
}
