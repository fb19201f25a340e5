import { type ErrorName, errorCatalogue, FastimError } from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { StorageError } from '../storage/storage.ts';
import { answerTo, HttpRefusal } from './error-answer.ts';

describe('the answer to an error', () => {
  it.each(Object.keys(errorCatalogue) as ErrorName[])('%s has the status, number and text of the catalogue', (code) => {
    const { status, body } = answerTo(new FastimError(code, undefined, { retryAfterMs: 5 }), 'r1');
    const entry = errorCatalogue[code];
    expect(status).toBe(entry.http);
    expect(body).toEqual({
      error: { code, number: entry.code, message: entry.text, retryAfterMs: 5, requestId: 'r1' },
    });
  });

  it.each([
    ['full', 507, 'STORAGE_FULL'],
    ['busy', 503, 'OVERLOADED'],
    ['io', 503, 'UNAVAILABLE'],
    ['closed', 503, 'UNAVAILABLE'],
    ['corrupt', 500, 'INTERNAL'],
    ['other', 500, 'INTERNAL'],
  ] as const)(
    'a storage fault of kind %s is %i %s, with a time to come back and without its details',
    (kind, status, code) => {
      const answer = answerTo(new StorageError(kind, 'canary: /var/lib/fastim/fastim.db'), 'r1');
      expect([answer.status, answer.body.error.code]).toEqual([status, code]);
      expect(answer.body.error.retryAfterMs).toBeGreaterThan(0);
      expect(JSON.stringify(answer.body)).not.toContain('canary');
    },
  );

  it.each([
    new Error('canary'),
    new TypeError('canary'),
    'canary',
    undefined,
    null,
    { statusCode: 502, message: 'canary' },
  ])('anything else (%s) is INTERNAL and says nothing', (error) => {
    const { status, body } = answerTo(error, 'r1');
    expect([status, body.error.code]).toEqual([500, 'INTERNAL']);
    expect(JSON.stringify(body)).not.toContain('canary');
  });

  it('keeps the status of a refusal of HTTP itself', () => {
    expect(answerTo(new HttpRefusal(415, 'BAD_REQUEST', 'no'), 'r1').status).toBe(415);
  });
});
