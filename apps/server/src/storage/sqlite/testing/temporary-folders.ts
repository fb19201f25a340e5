import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@fastim/core/testing';
import { type Logger, pino } from 'pino';
import { openSqliteStorage, type SqliteStorage, type SqliteStorageOptions } from '../open-sqlite-storage.ts';

/** Data folders of a test file, removed at its end. */
export class TemporaryFolders {
  readonly #made: string[] = [];

  make(): string {
    const directory = mkdtempSync(join(tmpdir(), 'fastim-storage-'));
    this.#made.push(directory);
    return directory;
  }

  open(options: Partial<SqliteStorageOptions> = {}): Promise<SqliteStorage> {
    return openSqliteStorage({
      directory: options.directory ?? this.make(),
      clock: new ManualClock(),
      logger: pino({ level: 'silent' }),
      ...options,
    });
  }

  remove(): void {
    for (const directory of this.#made) rmSync(directory, { recursive: true, force: true });
  }
}

/** A logger whose lines can be looked at. */
export function recordingLogger(): { logger: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { logger, lines };
}
