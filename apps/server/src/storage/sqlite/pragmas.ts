import type { Database } from 'better-sqlite3';
import { StorageRefusal } from '../storage.ts';

/** 'FIM1': tells our database from any other file that happens to lie in the data folder. */
export const APPLICATION_ID = 0x46494d31;
const PAGE_BYTES = 4096;
const WRITER_CACHE_KIB = 64 * 1024;
const READER_CACHE_KIB = 32 * 1024;
/** 64 MiB: only when nobody else shortened the log (writer/log-keeper.ts); a commit then waits for it. */
const CHECKPOINT_PAGES = 16_000;
const WAL_KEPT_BYTES = 64 * 1024 * 1024;
const LOCK_WAIT_MS = 5_000;

/** Reads a pragma's value, or sets it when `text` is an assignment. */
export type PragmaPort = (text: string) => unknown;

export function pragmaPort(database: Database): PragmaPort {
  return (text) => database.pragma(text, { simple: true });
}

/**
 * Sets what an ack rests on, and reads it back: a build or a file system that does not keep it must not serve.
 * Throws StorageRefusal('not-durable').
 */
export function makeDurable(pragma: PragmaPort, platform: string): void {
  pragma('journal_mode = WAL');
  pragma('synchronous = FULL');
  pragma('foreign_keys = ON');
  const wanted: [name: string, value: unknown, meaning: string][] = [
    ['journal_mode', 'wal', 'the write-ahead log'],
    ['synchronous', 2, 'a flush at each commit'],
    ['foreign_keys', 1, 'foreign keys'],
  ];
  if (platform === 'darwin') {
    // There, fsync leaves the data in the drive's cache; only F_FULLFSYNC waits for the medium.
    pragma('fullfsync = ON');
    pragma('checkpoint_fullfsync = ON');
    wanted.push(['fullfsync', 1, 'a full flush at each commit'], ['checkpoint_fullfsync', 1, 'a full flush']);
  }
  for (const [name, value, meaning] of wanted) {
    const found = pragma(name);
    if (found === value) continue;
    throw new StorageRefusal(
      'not-durable',
      `SQLite does not give ${meaning} here (${name} is ${String(found)}, not ${String(value)}): ` +
        'a message could be lost after its tick. Put the data folder on a local file system.',
    );
  }
}

/** Before anything is written into a new file. */
export function setPageSize(pragma: PragmaPort): void {
  pragma(`page_size = ${PAGE_BYTES}`);
}

export function tuneWriter(pragma: PragmaPort): void {
  pragma(`busy_timeout = ${LOCK_WAIT_MS}`);
  pragma(`cache_size = -${WRITER_CACHE_KIB}`);
  pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  pragma(`journal_size_limit = ${WAL_KEPT_BYTES}`);
  pragma('temp_store = MEMORY');
  // What is recalled does not stay readable in the free space of the page it was on. Costs no writes.
  pragma('secure_delete = FAST');
}

export function tuneReader(pragma: PragmaPort): void {
  pragma(`busy_timeout = ${LOCK_WAIT_MS}`);
  pragma(`cache_size = -${READER_CACHE_KIB}`);
  pragma('temp_store = MEMORY');
  pragma('query_only = ON');
}
