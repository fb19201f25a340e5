import { StorageError } from '../../storage.ts';

/** SQLSTATE that the server raises where it finds a node number in other hands (migrations/0002). */
export const FENCED_STATE = 'FM001';

const LOST =
  /terminat|not queryable|ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|socket|read timeout/i;

/** The transaction had no effect and may be run again at once: a deadlock, or two that cannot be put in one order. */
export function mayRunAgain(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40P01' || state === '40001';
}

/** The connection may not be used again. */
export function isBroken(error: unknown): boolean {
  if (error instanceof StorageError) return false;
  const state = sqlState(error);
  // Shut down, or turned into a server that only reads (after a failover): another connection may find the new one.
  return state === '' || state.startsWith('57P') || state.startsWith('08') || state === '25006';
}

/** What a failed call means to the caller. `sent`: it may have reached the server. */
export function toStorageError(error: unknown, sent: boolean): StorageError {
  if (error instanceof StorageError) return error;
  const state = sqlState(error);
  const message = error instanceof Error ? error.message : String(error);
  if (state === '') return withoutState(message, error, sent);
  if (state === FENCED_STATE) return new StorageError('fenced', message, error);
  if (state === '53100' || state === '53400') {
    return new StorageError('full', `no space to store: ${state} (${message})`, error);
  }
  if (state === '53300') return new StorageError('busy', `the database has no connection left (${message})`, error);
  if (state === 'XX001' || state === 'XX002' || state === '58P02') {
    return new StorageError('corrupt', `the database is damaged: ${state} (${message})`, error);
  }
  if (state === '57014')
    return new StorageError('io', `the database took too long and was stopped (${message})`, error);
  if (state.startsWith('57P') || state.startsWith('08')) {
    return new StorageError('io', sent ? `${LOST_WORDS} (${message})` : `the database is away (${message})`, error);
  }
  const kinds: [prefix: string, words: string][] = [
    ['53', 'the database is short of resources'],
    ['58', 'the disk of the database failed'],
    ['25006', 'the database only reads'],
    ['55P03', 'the database waited too long for a lock'],
    ['40', 'the database could not put this in order with others'],
    ['25P03', 'the database ended a transaction that stood still'],
  ];
  const found = kinds.find(([prefix]) => state.startsWith(prefix));
  return found
    ? new StorageError('io', `${found[1]}: ${state} (${message})`, error)
    : new StorageError('other', `${state}: ${message}`, error);
}

const LOST_WORDS = 'the connection to the database was lost; whether this was stored is unknown';

function withoutState(message: string, error: unknown, sent: boolean): StorageError {
  if (/timeout exceeded when trying to connect/.test(message)) {
    return new StorageError('busy', 'no connection to the database came free in time', error);
  }
  if (LOST.test(message) || LOST.test(codeOf(error))) {
    return new StorageError('io', sent ? `${LOST_WORDS} (${message})` : `the database is away (${message})`, error);
  }
  return new StorageError(sent ? 'other' : 'io', message, error);
}

function sqlState(error: unknown): string {
  const code = codeOf(error);
  return /^[0-9A-Z]{5}$/.test(code) && error instanceof Error && 'severity' in error ? code : '';
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** A row with the same key was there, or came while we waited. `index`: of this unique index; not given: of any. */
export function isUniqueViolation(error: unknown, index?: string): boolean {
  const fault = error instanceof StorageError ? error.cause : error;
  if (sqlState(fault) !== '23505') return false;
  return index === undefined || (fault instanceof Error && 'constraint' in fault && fault.constraint === index);
}
