import { describe, expect, it } from 'vitest';
import { type ErrorName, errorCatalogue, errorName, FastimError, RemoteProtocolError } from './errors.ts';
import { statusOf, statusToError } from './messages/index.ts';

const names = Object.keys(errorCatalogue) as ErrorName[];

describe('the error catalogue', () => {
  it('uses no code twice, and the hundreds tell what kind it is', () => {
    const codes = names.map((name) => errorCatalogue[name].code);
    expect(new Set(codes).size).toBe(codes.length);
    expect(codes).toEqual(codes.toSorted((a, b) => a - b));
    expect(codes.every((code) => code >= 100 && code < 600)).toBe(true);
  });

  it('never tells a client to give up for a fault of ours, nor blames itself for a fault of theirs', () => {
    for (const name of names) {
      const entry = errorCatalogue[name];
      if (entry.fault === 'ours') expect([name, entry.retry, entry.http >= 500]).toEqual([name, 'later', true]);
      else expect([name, entry.http < 500]).toEqual([name, true]);
      expect(entry.text).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('leads from every code back to its name, and from an unknown code to INTERNAL', () => {
    for (const name of names) expect(errorName(errorCatalogue[name].code)).toBe(name);
    for (const code of [0, 99, 199, 9_999]) expect(errorName(code)).toBe('INTERNAL');
  });

  it('makes errors and statuses that say the same', () => {
    const error = new FastimError('RATE_LIMITED', undefined, { retryAfterMs: 1_500 });
    expect([error.message, error.code, error.fault]).toEqual([errorCatalogue.RATE_LIMITED.text, 400, 'theirs']);
    const back = statusToError(statusOf(error.reason, error.message, error.retryAfterMs));
    expect([back.reason, back.message, back.retryAfterMs]).toEqual([error.reason, error.message, 1_500]);
    const cause = new Error('why');
    expect(new RemoteProtocolError('BAD_REQUEST', 'no', { cause }).cause).toBe(cause);
    expect(new RemoteProtocolError('BAD_REQUEST')).toBeInstanceOf(FastimError);
  });
});
