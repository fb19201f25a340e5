import BetterSqlite, { type Database } from 'better-sqlite3';
import { StorageRefusal } from '../storage.ts';
import { makeDurable, pragmaPort, setPageSize, tuneReader, tuneWriter } from './pragmas.ts';
import { sqliteCode } from './sqlite-faults.ts';

/** The one connection that writes. Throws StorageRefusal when what is there cannot be used. */
export function openForWriting(path: string): Database {
  return opened(path, (database) => {
    const pragma = pragmaPort(database);
    setPageSize(pragma);
    makeDurable(pragma, process.platform);
    tuneWriter(pragma);
  });
}

/** A connection that cannot change anything; the database has to be there. */
export function openForReading(path: string): Database {
  return opened(path, (database) => {
    const pragma = pragmaPort(database);
    makeDurable(pragma, process.platform);
    tuneReader(pragma);
  });
}

function opened(path: string, prepare: (database: Database) => void): Database {
  const database = new BetterSqlite(path);
  try {
    prepare(database);
    return database;
  } catch (error) {
    database.close();
    const code = sqliteCode(error);
    if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) {
      throw new StorageRefusal('unreadable', `${path} is not a readable SQLite database (${code}).`);
    }
    throw error;
  }
}
