import { connect } from 'node:net';
import { ManualClock, seededRandomPort } from '@fastim/core/testing';
import fastify from 'fastify';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { StorageError } from '../storage/storage.ts';
import { sendError } from './error-answer.ts';
import { addIdempotency, type IdempotencyOptions } from './idempotency.ts';
import { errorOf, newDeviceId, sessionOf, type TestAnswer, TestApi } from './testing/test-api.ts';

const HOUR = 3_600_000;
const KEY = 'a-key-of-16-chars';

let app: TestApi;
const openApi = async () => {
  app = await TestApi.open({ auth: { registrationsPerHourPerAddress: 1_000 } });
};
const closeApi = () => app.close();

const aliceBody = {
  username: 'alice',
  password: 'correct horse battery',
  device: { deviceId: 'a'.repeat(32), name: 'x' },
};

function register(key: string | undefined, fields: object = {}): Promise<TestAnswer> {
  const headers = key === undefined ? {} : { 'idempotency-key': key };
  return app.call('POST', '/v1/auth/register', { body: { ...aliceBody, ...fields }, headers });
}

const countUsers = async () => (await app.parts.storage.users.search('', 1_000)).length;
const replayed = ({ headers }: TestAnswer) => headers['idempotent-replayed'];

describe('registering again with the same key', () => {
  beforeEach(openApi);
  afterEach(closeApi);

  it('brings the same answer, with tokens that work, and no second user', async () => {
    const first = await register(KEY);
    const again = await register(KEY);
    expect([first.status, replayed(first)]).toEqual([201, undefined]);
    expect([again.status, replayed(again), again.text]).toEqual([201, 'true', first.text]);
    expect(again.headers['content-type']).toBe(first.headers['content-type']);
    const me = await app.call('GET', '/v1/me', { token: again.body.session.accessToken });
    expect(me.body.user.username).toBe('alice');
    expect(app.parts.hashing).toEqual(['hash']);
  });

  it('at once, many times, makes one user and hashes one password', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => register(KEY)));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(201));
    expect(answers.filter((answer) => replayed(answer) === 'true')).toHaveLength(11);
    expect(app.parts.hashing).toEqual(['hash']);
  });

  it('is the same request however its fields are ordered', async () => {
    const first = await register(KEY);
    const { username, password, device } = aliceBody;
    const payload = JSON.stringify({ device: { name: device.name, deviceId: device.deviceId }, password, username });
    const again = await app.call('POST', '/v1/auth/register', { payload, headers: { 'idempotency-key': KEY } });
    expect(again.text).toBe(first.text);
  });

  it.each([
    ['name', { username: 'alice2' }],
    ['password', { password: 'another good password' }],
    ['display name', { displayName: 'Alice' }],
    ['device name', { device: { ...aliceBody.device, name: 'y' } }],
  ])('but another %s: 409, also while the first is under way', async (_what, fields) => {
    const [first, meanwhile] = await Promise.all([register(KEY), register(KEY, fields)]);
    expect(first.status).toBe(201);
    expect(errorOf(meanwhile)).toEqual([409, 'ID_REUSED']);
    expect(errorOf(await register(KEY, fields))).toEqual([409, 'ID_REUSED']);
    expect((await register(KEY)).text).toBe(first.text);
  });

  it('from another device is another request', async () => {
    await register(KEY);
    const other = { device: { deviceId: newDeviceId(), name: 'x' } };
    expect(errorOf(await register(KEY, other))).toEqual([409, 'NAME_TAKEN']);
    expect((await register(KEY, { ...other, username: 'bob' })).status).toBe(409);
    expect((await register(`${KEY}-2`, { ...other, username: 'bob' })).status).toBe(201);
  });

  it('is held to 24 hours', async () => {
    const first = await register(KEY);
    app.parts.clock.advance(24 * HOUR - 1);
    expect((await register(KEY)).text).toBe(first.text);
    app.parts.clock.advance(1);
    expect(errorOf(await register(KEY))).toEqual([409, 'NAME_TAKEN']);
  });

  it('repeats a refusal too', async () => {
    await register(undefined);
    const refused = await register(KEY);
    expect(errorOf(refused)).toEqual([409, 'NAME_TAKEN']);
    expect((await register(KEY)).text).toBe(refused.text);
  });

  it('after a failure of ours is a new try, of which the first that waits is the one', async () => {
    const { users } = app.parts.storage;
    const { create } = users;
    let failures = 0;
    users.create = (user) => {
      if (failures > 0) return create.call(users, user);
      failures += 1;
      return Promise.reject(new StorageError('io', 'the disk is away'));
    };
    const answers = await Promise.all([register(KEY), register(KEY), register(KEY)]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 201, 503]);
    expect(new Set(answers.filter(({ status }) => status === 201).map(({ text }) => text)).size).toBe(1);
    expect(failures).toBe(1);
  });

  it('after "too many" is a new try', async () => {
    await app.close();
    app = await TestApi.open({ auth: { registrationsPerHourPerAddress: 1 } });
    await app.person('bob');
    expect(errorOf(await register(KEY))).toEqual([429, 'RATE_LIMITED']);
    app.parts.clock.advance(HOUR);
    const made = await register(KEY);
    expect(made.status).toBe(201);
    expect((await register(KEY)).text).toBe(made.text);
  });

  it('brings the answer that was lost with its connection', async () => {
    const port = await app.parts.server.start();
    const { users } = app.parts.storage;
    const { create } = users;
    const stored = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    users.create = async (user) => {
      const result = await create.call(users, user);
      stored.resolve();
      await gone.promise;
      return result;
    };
    const body = JSON.stringify(aliceBody);
    const socket = connect(port, '127.0.0.1');
    socket.write(
      `POST /v1/auth/register HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n` +
        `Idempotency-Key: ${KEY}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await stored.promise;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resetAndDestroy();
    await closed;
    const again = register(KEY);
    gone.resolve();
    expect([(await again).status, replayed(await again)]).toEqual([201, 'true']);
    expect(await countUsers()).toBe(1);
  });

  it('shows neither tokens nor keys in the log', async () => {
    const { accessToken, refreshToken } = sessionOf(await register(KEY));
    await register(KEY);
    await register(KEY, { displayName: 'other' });
    const log = app.parts.log.join('');
    expect(log).toContain('ID_REUSED');
    for (const secret of [accessToken, refreshToken, KEY, aliceBody.password]) expect(log).not.toContain(secret);
  });
});

describe('opening a conversation with a key', () => {
  beforeAll(openApi);
  afterAll(closeApi);

  it('repeats the answer, "created" included, and belongs to the user who asked', async () => {
    const [alice, bob, carol] = [await app.person('alice'), await app.person('bob'), await app.person('carol')];
    const open = (token: string, userId: string, key = KEY) =>
      app.call('POST', '/v1/conversations/direct', { body: { userId }, token, headers: { 'idempotency-key': key } });
    const first = await open(alice.accessToken, bob.userId);
    expect([first.status, first.body.created]).toEqual([200, true]);
    expect((await open(alice.accessToken, bob.userId)).text).toBe(first.text);
    expect(errorOf(await open(alice.accessToken, carol.userId))).toEqual([409, 'ID_REUSED']);
    const bobs = await open(bob.accessToken, carol.userId);
    expect([bobs.status, replayed(bobs)]).toEqual([200, undefined]);
    expect(errorOf(await open('A'.repeat(43), bob.userId))).toEqual([401, 'UNAUTHENTICATED']);
  });
});

describe('the key itself', () => {
  beforeAll(openApi);
  afterAll(closeApi);

  it.each([
    '',
    'short-15-chars.',
    'x'.repeat(129),
    'a key with spaces in it',
    'tab\tin-the-middle-of-it',
    'clé-de-seize-lettres',
    `${KEY}, ${KEY}`,
  ])('%j: 400', async (key) => {
    app.parts.hashing.length = 0;
    expect(errorOf(await register(key))).toEqual([400, 'BAD_REQUEST']);
    expect(app.parts.hashing).toEqual([]);
  });

  it.each(['x'.repeat(16), 'x'.repeat(128), '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'])('%j is one', async (key) => {
    const device = { deviceId: newDeviceId(), name: 'x' };
    expect((await register(key, { device, username: `u${device.deviceId.slice(0, 20)}` })).status).toBe(201);
  });

  it.each([
    ['GET', '/v1/server'],
    ['GET', '/v1/me'],
    ['POST', '/v1/auth/login'],
    ['POST', '/v1/auth/refresh'],
    ['POST', '/v1/auth/logout'],
    ['POST', '/v1/gates'],
  ] as const)('is refused by %s %s, which keeps no such promise', async (method, path) => {
    const answer = await app.call(method, path, { headers: { 'idempotency-key': KEY } });
    expect(errorOf(answer)).toEqual([400, 'BAD_REQUEST']);
    expect(answer.body.error.message).toContain('Idempotency-Key');
  });

  it('is in the OpenAPI document where it is taken, and nowhere else', async () => {
    const { body } = await app.call('GET', '/v1/openapi.json');
    const takers = Object.entries<Record<string, { parameters?: { in: string; name: string; required?: boolean }[] }>>(
      body.paths,
    ).flatMap(([path, methods]) =>
      Object.values(methods).flatMap(({ parameters = [] }) =>
        parameters.filter((parameter) => parameter.in === 'header').map(({ name, required }) => [path, name, required]),
      ),
    );
    expect(takers.toSorted()).toEqual([
      ['/v1/auth/register', 'idempotency-key', false],
      ['/v1/conversations/direct', 'idempotency-key', false],
    ]);
  });
});

describe('what is remembered', () => {
  /** A server whose two routes count how often they were asked. */
  function counting(options: Partial<IdempotencyOptions>) {
    const http = fastify();
    const silent = pino({ level: 'silent' });
    const clock = new ManualClock();
    http.setErrorHandler((error, request, reply) => sendError(error, request, reply, silent));
    addIdempotency(http, { clock, random: seededRandomPort(1), ...options });
    let asked = 0;
    for (const path of ['/one', '/two']) {
      http.post(path, { config: { idempotencyScope: () => 'everybody' } }, async () => {
        asked += 1;
        return { asked, filling: 'x'.repeat(400) };
      });
    }
    const ask = async (key: number, path = '/one') => {
      const headers = { 'idempotency-key': `key-number-${String(key).padStart(6, '0')}` };
      const answer = await http.inject({ method: 'POST', url: path, headers });
      return answer.statusCode === 200 ? answer.json<{ asked: number }>().asked : answer.statusCode;
    };
    return { ask, clock };
  }

  it('belongs to one route', async () => {
    const { ask } = counting({});
    expect([await ask(1), await ask(1), await ask(1, '/two')]).toEqual([1, 1, 409]);
  });

  it.each([
    ['count', { maxAnswers: 3 }],
    // Some 800 bytes an answer and 300 around it.
    ['size', { maxBytes: 3_600 }],
  ])('is bounded by %s: the oldest are forgotten', async (_what, limits) => {
    const { ask } = counting(limits);
    for (const key of [1, 2, 3, 4]) expect(await ask(key)).toBe(key);
    expect([await ask(2), await ask(3), await ask(4)]).toEqual([2, 3, 4]);
    expect(await ask(1)).toBe(5);
  });

  it('does not grow with answers past their time', async () => {
    const { ask, clock } = counting({ maxAnswers: 3, keepMs: 1_000 });
    for (const key of [1, 2, 3]) await ask(key);
    clock.advance(1_000);
    expect([await ask(4), await ask(5), await ask(6)]).toEqual([4, 5, 6]);
    expect([await ask(4), await ask(1)]).toEqual([4, 7]);
  });
});
