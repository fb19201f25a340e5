import type Database from 'better-sqlite3';
import { accountAndMessages } from './0001-account-and-messages.ts';
import { eventsAndSearch } from './0002-events-and-search.ts';

/** In order; the number of those that ran is the database's `user_version`. Forward only, each in one transaction. */
export const migrations: ReadonlyArray<string | ((database: Database.Database) => void)> = [
  accountAndMessages,
  eventsAndSearch,
];
