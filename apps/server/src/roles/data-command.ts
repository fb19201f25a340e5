import { resolve } from 'node:path';
import type { Clock } from '@fastim/core';
import { backupSqlite, restoreSqlite, verifyBackup } from '../storage/sqlite/backup/backup-sqlite.ts';

export type DataCommand = 'backup' | 'restore' | 'verify';

export function isDataCommand(word: string | undefined): word is DataCommand {
  return word === 'backup' || word === 'restore' || word === 'verify';
}

/**
 * What an operator does with a data folder besides running a server on it. Resolves with one line that says what was
 * done; rejects with StorageRefusal or StorageError, whose messages are for the operator too. Nothing is ever written
 * over.
 */
export async function runDataCommand(
  command: DataCommand,
  options: { data: string; file: string; clock: Clock },
): Promise<{ line: string; problems: readonly string[] }> {
  const [data, file] = [resolve(options.data), resolve(options.file)];
  const report = await {
    backup: () => backupSqlite(data, file),
    restore: () => restoreSqlite(file, data, options.clock.now()),
    verify: () => verifyBackup(file),
  }[command]();
  const done = { backup: `${data} is backed up in ${file}`, restore: `${data} is restored from ${file}`, verify: file };
  const { conversations, messages, problems } = report;
  return { line: `${done[command]}: ${conversations} conversations, ${messages} messages`, problems };
}
