import { closeSync, copyFileSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StorageRefusal } from '../../storage.ts';
import { lockDataFolder } from '../data-folder-lock.ts';
import { DATABASE_FILE } from '../database-file.ts';
import { requireSupportedNode } from '../node-version.ts';
import { toStorageError } from '../sqlite-faults.ts';
import type { DatabaseReport } from './verify-database.ts';

/**
 * Writes one whole, checked copy of the data folder's database to `target`, which must not be there yet. Online: the
 * server goes on, from another process or this one; the copy is what was committed when the call began. The file only
 * gets its name when it is verified and on the disk. Blocks the calling thread. Rejects with StorageRefusal or, when
 * the disk is full or fails, StorageError; no partial file is left then.
 */
export async function backupSqlite(directory: string, target: string): Promise<DatabaseReport> {
  requireSupportedNode(process.versions.node);
  const source = join(directory, DATABASE_FILE);
  refuseExisting(target);
  if (!existsSync(source)) throw new StorageRefusal('unreadable', `There is no database in ${directory}.`);
  const draft = `${target}.partial`;
  mkdirSync(dirname(target), { recursive: true });
  rmSync(draft, { force: true });
  const { default: BetterSqlite } = await import('better-sqlite3');
  const database = new BetterSqlite(source, { readonly: true });
  try {
    database.prepare('VACUUM INTO ?').run(draft);
  } catch (error) {
    rmSync(draft, { force: true });
    throw toStorageError(error);
  } finally {
    database.close();
  }
  return await finish(draft, target);
}

/**
 * Puts a backup into a data folder that has no database. The backup is verified first and left as it is; the folder is
 * locked meanwhile. The restored history gets an epoch of its own: devices may know of messages that came after the
 * backup, and compare what they have when they see it.
 */
export async function restoreSqlite(backup: string, directory: string, nowMs: number): Promise<DatabaseReport> {
  requireSupportedNode(process.versions.node);
  const lock = await lockDataFolder(directory, nowMs);
  try {
    const target = join(directory, DATABASE_FILE);
    refuseExisting(target);
    const draft = `${target}.partial`;
    if (!existsSync(backup)) throw new StorageRefusal('unreadable', `There is no backup ${backup}.`);
    try {
      copyFileSync(backup, draft);
    } catch (error) {
      rmSync(draft, { force: true });
      throw error;
    }
    return await finish(draft, target, renewHistoryEpoch);
  } finally {
    lock.release();
  }
}

/** Reads a backup as a whole and says what is wrong with it, if anything. */
export async function verifyBackup(path: string): Promise<DatabaseReport> {
  requireSupportedNode(process.versions.node);
  const [{ default: BetterSqlite }, { verifyDatabase }] = await Promise.all([
    import('better-sqlite3'),
    import('./verify-database.ts'),
  ]);
  try {
    const database = new BetterSqlite(path, { readonly: true, fileMustExist: true });
    try {
      return verifyDatabase(database);
    } finally {
      database.close();
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { conversations: 0, messages: 0, problems: [`cannot be read: ${reason}`] };
  }
}

async function finish(
  draft: string,
  target: string,
  prepare?: (draft: string) => Promise<void>,
): Promise<DatabaseReport> {
  const report = await verifyBackup(draft);
  if (report.problems.length > 0) {
    rmSync(draft, { force: true });
    throw new StorageRefusal('unreadable', `The copy is damaged: ${report.problems.join('; ')}.`);
  }
  await prepare?.(draft);
  flush(draft);
  renameSync(draft, target);
  flush(dirname(target));
  return report;
}

/** A backup of the first format has no epoch; the upgrade at the next start makes one. */
async function renewHistoryEpoch(path: string): Promise<void> {
  const { default: BetterSqlite } = await import('better-sqlite3');
  const database = new BetterSqlite(path, { fileMustExist: true });
  try {
    database.pragma('journal_mode = DELETE');
    const has = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'storage_meta'").get();
    if (has) database.exec('UPDATE storage_meta SET history_epoch = max(1, random() & 0x7fffffffffffffff)');
  } finally {
    database.close();
  }
}

function flush(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function refuseExisting(path: string): void {
  if (existsSync(path)) throw new StorageRefusal('in-use', `${path} is there already and is not overwritten.`);
}
