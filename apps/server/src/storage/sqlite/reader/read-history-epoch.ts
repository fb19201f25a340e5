import type { Database } from 'better-sqlite3';

/** Made with the database, and made anew when it is restored from a backup. */
export function readHistoryEpoch(database: Database): bigint {
  return database.prepare('SELECT history_epoch FROM storage_meta').pluck().safeIntegers().get() as bigint;
}
