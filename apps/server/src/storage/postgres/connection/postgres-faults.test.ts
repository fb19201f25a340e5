import { describe, expect, test } from 'vitest';
import { StorageError } from '../../storage.ts';
import { isBroken, mayRunAgain, toStorageError } from './postgres-faults.ts';

/** As the driver throws what the server said. */
function fromServer(code: string): Error {
  return Object.assign(new Error(`said ${code}`), { code, severity: 'ERROR' });
}

function fromSocket(message: string, code?: string): Error {
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

describe('what a failed call means', () => {
  test.each([
    ['53100', 'full'],
    ['53400', 'full'],
    ['53300', 'busy'],
    ['53200', 'io'],
    ['57014', 'io'],
    ['57P01', 'io'],
    ['57P03', 'io'],
    ['08006', 'io'],
    ['58030', 'io'],
    ['25006', 'io'],
    ['25P03', 'io'],
    ['55P03', 'io'],
    ['40P01', 'io'],
    ['XX001', 'corrupt'],
    ['XX002', 'corrupt'],
    ['FM001', 'fenced'],
    ['23505', 'other'],
    ['42P01', 'other'],
  ])('SQLSTATE %s is %s', (state, kind) => {
    const error = toStorageError(fromServer(state), true);
    expect(error).toBeInstanceOf(StorageError);
    expect(error.kind).toBe(kind);
    expect(error.cause).toBeInstanceOf(Error);
  });

  test.each([
    fromSocket('Connection terminated unexpectedly'),
    fromSocket('read ECONNRESET', 'ECONNRESET'),
    fromSocket('Query read timeout'),
    fromSocket('Client has encountered a connection error and is not queryable'),
  ])('$message: io; sent, it is said that the outcome is unknown', (cause) => {
    expect(toStorageError(cause, true)).toMatchObject({ kind: 'io', message: expect.stringContaining('unknown') });
    expect(toStorageError(cause, false)).toMatchObject({ kind: 'io', message: expect.not.stringContaining('unknown') });
    expect(isBroken(cause)).toBe(true);
  });

  test('no free connection in time is busy; nothing was sent', () => {
    expect(toStorageError(fromSocket('timeout exceeded when trying to connect'), false).kind).toBe('busy');
  });

  test('only deadlocks and their like are run again; only lost connections are thrown away', () => {
    expect(['40P01', '40001', '23505', '57P01'].map((state) => mayRunAgain(fromServer(state)))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(['40P01', '23505', '57P01', '25006'].map((state) => isBroken(fromServer(state)))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(isBroken(new StorageError('corrupt', 'found inside a transaction'))).toBe(false);
  });
});
