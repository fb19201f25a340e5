import type { Database } from 'better-sqlite3';
import { firstFormat } from './0001-first-format.ts';
import { groupsAndEvents } from './0002-groups-and-events.ts';
import { endedSessions } from './0003-ended-sessions.ts';

/** One step from a format to the next. Never edited once released: a change is a new step. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly apply: (database: Database) => void;
}

export const migrations: readonly Migration[] = [
  { version: 1, name: 'first-format', apply: firstFormat },
  { version: 2, name: 'groups-and-events', apply: groupsAndEvents },
  { version: 3, name: 'ended-sessions', apply: endedSessions },
];
