import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOf, TestApi, type TestSession } from './testing/test-api.ts';

let app: TestApi;
let alice: TestSession;
beforeAll(async () => {
  app = await TestApi.open();
  alice = await app.person('alice');
});
afterAll(() => app.close());

const login = (payload: string | Buffer, headers: Record<string, string> = {}) =>
  app.call('POST', '/v1/auth/login', { payload, headers });

describe('bodies', () => {
  it.each<[what: string, payload: string | Buffer]>([
    ['nothing', ''],
    ['no JSON', 'username=alice&password=x'],
    ['JSON cut short', '{"username": "alice"'],
    ['nesting of 10 000', `${'['.repeat(10_000)}${']'.repeat(10_000)}`],
    ['a prototype key', '{"__proto__": {"isAdmin": true}, "username": "alice"}'],
    ['a constructor key', '{"constructor": {"prototype": {"isAdmin": true}}}'],
    ['a key twice', '{"username": "alice", "username": "bob", "password": "x"}'],
    ['a number out of range', '{"username": 1e999, "password": "x"}'],
    ['an id as a number', '{"userId": 9223372036854775807}'],
    ['NUL in a string', '{"username": "ali\\u0000ce", "password": "x"}'],
    ['half an emoji', '{"username": "\\ud83d", "password": "x"}'],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['a list instead of an object', '[]'],
    ['null', 'null'],
    ['a text', '"alice"'],
  ])('%s: 400', async (_what, payload) => {
    expect(errorOf(await login(payload))).toEqual([400, 'BAD_REQUEST']);
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });

  it('of 10 MB: 413, and the connection ends', async () => {
    const answer = await login(JSON.stringify({ username: 'x'.repeat(10 * 1024 * 1024), password: 'x' }));
    expect(errorOf(answer)).toEqual([413, 'FRAME_TOO_LARGE']);
    expect(answer.headers.connection).toBe('close');
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml'])(
    'of type %s: 415',
    async (type) => {
      expect(errorOf(await login('{}', { 'content-type': type }))).toEqual([415, 'BAD_REQUEST']);
    },
  );

  it.each(['gzip', 'deflate', 'br', 'gzip, gzip'])('compressed with %s: 415, nothing is unpacked', async (encoding) => {
    const bomb = gzipSync(Buffer.alloc(30 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(64 * 1024);
    expect(errorOf(await login(bomb, { 'content-encoding': encoding }))).toEqual([415, 'BAD_REQUEST']);
  });

  it('never repeat what was sent', async () => {
    for (const payload of ['{"username": "canary', '{"canary": 1}', '{"username": {"canary": 1}, "password": 1}']) {
      const answer = await login(payload);
      expect(answer.status).toBe(400);
      if (!payload.startsWith('{"canary"')) expect(answer.text).not.toContain('canary');
    }
  });
});

describe('headers', () => {
  it('more than 100: 431', async () => {
    const headers = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`x-${index}`, '1']));
    expect(errorOf(await app.call('GET', '/v1/server', { headers }))).toEqual([431, 'BAD_REQUEST']);
  });
});

describe('paths and queries', () => {
  it.each([
    '/v1/../../etc/passwd',
    '/v1/%2e%2e/%2e%2e/etc/passwd',
    '/v1/%252e%252e/etc/passwd',
    '/v1/users/..%2f..%2fetc%2fpasswd',
    '/v1/users/%00',
    '/v1/nothing',
    '/V1/server',
    '/v1/server/',
    '//v1/server',
    '/index.html',
    '/.env',
    '/metrics',
    '/bridge',
  ])('%s: 404', async (path) => {
    expect(errorOf(await app.call('GET', path, { token: alice.accessToken }))).toEqual([404, 'NOT_FOUND']);
  });

  it.each(['/v1/%ff', '/%'])('%s, which is no path: 400', async (path) => {
    expect(errorOf(await app.call('GET', path))).toEqual([400, 'BAD_REQUEST']);
  });

  it.each(['GET', 'PUT', 'DELETE'] as const)('%s where only POST is: 404', async (method) => {
    expect(errorOf(await app.call(method, '/v1/auth/login'))).toEqual([404, 'NOT_FOUND']);
  });

  it.each([
    'query=',
    'query=%20%20',
    'limit=5',
    'query=a&query=b',
    'query[$ne]=a',
    'query=a&limit=-1',
    'query=a&limit=0',
    'query=a&limit=1.5',
    'query=a&limit=1e3',
    'query=a&limit=0x10',
    'query=a&limit=99999999999999999999',
    'query=a&order=desc',
    'query=a%00b',
    `query=${'a'.repeat(65)}`,
    'query=a&__proto__=b',
  ])('searching with ?%s: 400', async (query) => {
    const answer = await app.call('GET', `/v1/users?${query}`, { token: alice.accessToken });
    expect(errorOf(answer)).toEqual([400, 'BAD_REQUEST']);
  });

  it('a limit past the end is held to 100', async () => {
    const asked: number[] = [];
    const { users } = app.parts.storage;
    const { search } = users;
    users.search = (query, limit) => {
      asked.push(limit);
      return search.call(users, query, limit);
    };
    try {
      const answer = await app.call('GET', '/v1/users?query=a&limit=1000000000', { token: alice.accessToken });
      expect(answer.status).toBe(200);
      expect(asked).toEqual([101]);
    } finally {
      users.search = search;
    }
  });
});

describe('ids', () => {
  const direct = (userId: unknown) =>
    app.call('POST', '/v1/conversations/direct', { body: { userId }, token: alice.accessToken });

  it.each([
    '',
    '0',
    '-1',
    '01',
    '1.0',
    '1e3',
    ' 1',
    '9223372036854775808',
    '99999999999999999999',
    '../1',
    '1 OR 1=1',
    'null',
    null,
    1,
    ['1'],
    { $gt: '' },
  ])('%j: 400', async (userId) => {
    expect(errorOf(await direct(userId))).toEqual([400, 'BAD_REQUEST']);
  });

  it.each(['1', '9223372036854775807'])('%s, which nobody has: 404', async (userId) => {
    expect(errorOf(await direct(userId))).toEqual([404, 'NOT_FOUND']);
  });

  it('of a conversation or session are answered as if nobody had them', async () => {
    const bob = await app.person('bob');
    const opened = await direct(bob.userId);
    const missing = await direct('1');
    for (const foreign of [opened.body.conversationId, bob.sessionId]) {
      const answer = await direct(foreign);
      expect({ ...answer.body.error, requestId: '' }).toEqual({ ...missing.body.error, requestId: '' });
      expect(answer.status).toBe(404);
    }
  });

  it('my own: a conversation needs another user', async () => {
    expect(errorOf(await direct(alice.userId))).toEqual([400, 'BAD_REQUEST']);
  });
});

describe('too many requests', () => {
  it('from one address: 429 with the time to wait, and no other address suffers', async () => {
    const small = await TestApi.open({ api: { requestsBurstPerAddress: 5, requestsPerSecondPerAddress: 5 } });
    try {
      for (let index = 0; index < 5; index += 1) expect((await small.call('GET', '/livez')).status).toBe(200);
      const refused = await small.call('GET', '/v1/server');
      expect(errorOf(refused)).toEqual([429, 'RATE_LIMITED']);
      expect(refused.body.error.retryAfterMs).toBe(200);
      expect((await small.call('GET', '/v1/server', { address: '10.0.0.9' })).status).toBe(200);
      small.parts.clock.advance(200);
      expect((await small.call('GET', '/v1/server')).status).toBe(200);
    } finally {
      await small.close();
    }
  });
});
