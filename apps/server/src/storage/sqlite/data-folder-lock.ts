import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { StorageRefusal } from '../storage.ts';
import { sqliteCode } from './sqlite-faults.ts';

const LOCK_FILE = 'in-use.lock';
const OWNER_FILE = 'in-use.json';

interface Owner {
  pid: number;
  host: string;
  sinceMs: number;
}

/**
 * The data folder in the hands of one process. The lock is the operating system's own, taken through an SQLite database
 * that stays open in an exclusive transaction: it ends with the process however that dies, so a kill -9 leaves nothing
 * stale, and a pid that was given to another program cannot be mistaken for the owner. The file beside it only says
 * who, for the message.
 *
 * The lock file must never be opened by other means in this process: closing any descriptor of it drops the lock.
 */
export interface DataFolderLock {
  held(): boolean;
  /** Idempotent. */
  release(): void;
}

/** Makes the folder if need be. Throws StorageRefusal: 'in-use' with the owner, 'unreadable' with the reason. */
export async function lockDataFolder(directory: string, nowMs: number): Promise<DataFolderLock> {
  const { default: BetterSqlite } = await import('better-sqlite3');
  let database: Database | undefined;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    database = new BetterSqlite(join(directory, LOCK_FILE), { timeout: 0 });
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if (sqliteCode(error).startsWith('SQLITE_BUSY')) throw inUse(directory);
    throw unreadable(directory, error);
  }
  const owned = database;
  try {
    writeOwner(directory, { pid: process.pid, host: hostname(), sinceMs: nowMs });
  } catch (error) {
    owned.close();
    throw unreadable(directory, error);
  }
  let held = true;
  return {
    held: () => held,
    release() {
      if (!held) return;
      held = false;
      // First the name, then the lock: the next owner's name must not be taken away.
      rmSync(join(directory, OWNER_FILE), { force: true });
      owned.close();
    },
  };
}

function writeOwner(directory: string, owner: Owner): void {
  const path = join(directory, OWNER_FILE);
  const draft = `${path}.new`;
  writeFileSync(draft, `${JSON.stringify(owner)}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, path);
}

function inUse(directory: string): StorageRefusal {
  const owner = readOwner(directory);
  const by = owner
    ? `by process ${owner.pid} on ${owner.host} since ${new Date(owner.sinceMs).toISOString()}`
    : 'by another process';
  return new StorageRefusal(
    'in-use',
    `The data folder ${directory} is in use ${by}. Stop that server, or give this one another data folder.`,
  );
}

/** Undefined when the owner is between taking the lock and writing its name, or the file was removed by hand. */
function readOwner(directory: string): Owner | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(join(directory, OWNER_FILE), 'utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const { pid, host, sinceMs } = value as Partial<Owner>;
    if (typeof pid !== 'number' || typeof host !== 'string' || typeof sinceMs !== 'number') return undefined;
    return Number.isNaN(new Date(sinceMs).getTime()) ? undefined : { pid, host, sinceMs };
  } catch {
    return undefined;
  }
}

function unreadable(directory: string, error: unknown): StorageRefusal {
  const reason = error instanceof Error ? error.message : String(error);
  return new StorageRefusal('unreadable', `The data folder ${directory} cannot be used: ${reason}.`);
}
