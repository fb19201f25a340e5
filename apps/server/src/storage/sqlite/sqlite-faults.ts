import { StorageError } from '../storage.ts';

/** What a failed SQLite call means to the caller. SQLite reports EDQUOT and ENOSPC as SQLITE_FULL, the rest as IOERR. */
export function toStorageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const code = sqliteCode(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code === 'SQLITE_FULL') return new StorageError('full', `no space to store (${message})`, error);
  if (code.startsWith('SQLITE_IOERR') || code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_READONLY')) {
    return new StorageError('io', `the disk failed: ${code} (${message})`, error);
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return new StorageError('corrupt', `the database is damaged: ${code} (${message})`, error);
  }
  if (code.startsWith('SQLITE_BUSY')) return new StorageError('busy', `the database is locked (${message})`, error);
  return new StorageError('other', code ? `${code}: ${message}` : message, error);
}

/** 'SQLITE_…' of an error thrown by better-sqlite3, or ''. */
export function sqliteCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return error.code.startsWith('SQLITE_') ? error.code : '';
  }
  return '';
}
