import type { Database } from 'better-sqlite3';
import { StorageRefusal } from '../storage.ts';
import type { Migration } from './migrations/index.ts';
import { APPLICATION_ID } from './pragmas.ts';

/**
 * Brings the database to the newest format this program knows, one transaction a step: a crash leaves it at a whole
 * format. Only the holder of the data folder's lock may call it. Throws StorageRefusal: 'newer-version' for a format
 * from the future, 'unreadable' for a database that is not ours.
 */
export function migrate(database: Database, migrations: readonly Migration[], nowMs: number): { applied: number[] } {
  const known = migrations.at(-1)?.version ?? 0;
  refuseForeign(database);
  database.exec(`
    CREATE TABLE IF NOT EXISTS schema_migration (
      version INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      applied_ms INTEGER NOT NULL
    ) STRICT
  `);
  const found = Number(database.prepare('SELECT max(version) FROM schema_migration').pluck().get() ?? 0);
  if (found > known) {
    throw new StorageRefusal(
      'newer-version',
      `The database has format ${found}, written by a newer version of the server; this version knows formats up to ` +
        `${known}. Install the newer version, or restore a backup made with this one.`,
    );
  }
  const note = database.prepare('INSERT INTO schema_migration (version, name, applied_ms) VALUES (?, ?, ?)');
  const applied: number[] = [];
  for (const migration of migrations) {
    if (migration.version <= found) continue;
    database.transaction(() => {
      migration.apply(database);
      note.run(migration.version, migration.name, nowMs);
    })();
    applied.push(migration.version);
  }
  return { applied };
}

function refuseForeign(database: Database): void {
  const applicationId = database.pragma('application_id', { simple: true });
  if (applicationId === APPLICATION_ID) return;
  const tables = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get();
  if (applicationId !== 0 || tables !== 0) {
    throw new StorageRefusal('unreadable', `${database.name} is an SQLite database of another program.`);
  }
  database.pragma(`application_id = ${APPLICATION_ID}`);
}
