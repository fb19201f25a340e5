import type { Database } from 'better-sqlite3';

/** The third format: sessions can be read in the order in which they ended. */
export function endedSessions(database: Database): void {
  database.exec(`
    CREATE INDEX session_by_end ON session (ended_ms, session_id) WHERE ended_ms IS NOT NULL;
  `);
}
