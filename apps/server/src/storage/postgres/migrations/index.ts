import { firstFormat } from './0001-first-format.ts';
import { append } from './0002-append.ts';
import { cursors } from './0003-cursors.ts';

/** One step from a format to the next. Never edited once released: a change is a new step. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  /** Run as one transaction. Nodes of the version before may be at work meanwhile and after: nothing they use goes. */
  readonly sql: string;
}

export const migrations: readonly Migration[] = [
  { version: 1, name: 'first-format', sql: firstFormat },
  { version: 2, name: 'append', sql: append },
  { version: 3, name: 'cursors', sql: cursors },
];
