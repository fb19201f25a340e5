import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { errorOf, newDeviceId, sessionOf, type TestAnswer, TestApi } from './testing/test-api.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

/** For cases that leave nothing behind. */
let shared: TestApi;
beforeAll(async () => {
  shared = await TestApi.open({ auth: { failuresPerAddress: 1_000, registrationsPerHourPerAddress: 1_000 } });
  await shared.person('alice');
});
afterAll(() => shared.close());

let names = 0;
/** A name that nobody has yet. */
function anyName(): string {
  names += 1;
  return `person${names}`;
}

let open: TestApi | undefined;
async function api(settings: Parameters<typeof TestApi.open>[0] = {}): Promise<TestApi> {
  open = await TestApi.open(settings);
  return open;
}
afterEach(async () => {
  await open?.close();
  open = undefined;
});

/** What two answers to different callers may not differ in. */
function alike({ status, headers, body }: TestAnswer): unknown {
  const { requestId, ...error } = body.error;
  const { date, 'x-request-id': header, ...rest } = headers;
  return { status, rest, error, same: requestId === header && date !== undefined };
}

describe('registering', () => {
  it('makes a user with a session that works', async () => {
    const app = await api();
    const answer = await app.register('Alice', { displayName: 'Alice B. 🎉' });
    expect(answer.status).toBe(201);
    expect(answer.body.user).toEqual({
      userId: expect.stringMatching(/^\d+$/),
      username: 'Alice',
      displayName: 'Alice B. 🎉',
    });
    expect(answer.body.session).toEqual({
      sessionId: expect.stringMatching(/^\d+$/),
      deviceId: expect.stringMatching(/^[0-9a-f]{32}$/),
      epoch: 1,
      accessToken: expect.stringMatching(/^[\w-]{43}$/),
      accessExpiresAt: app.parts.clock.now() + 15 * MINUTE,
      refreshToken: expect.stringMatching(/^[\w-]{43}$/),
      refreshExpiresAt: app.parts.clock.now() + 30 * DAY,
    });
    const me = await app.call('GET', '/v1/me', { token: answer.body.session.accessToken });
    expect(me.body).toEqual({ user: answer.body.user, showOnline: true });
  });

  it.each(['Alice', 'ａｌｉｃｅ', 'ALICE'])('refuses %s when alice is taken', async (username) => {
    const app = shared;
    expect(errorOf(await app.register(username))).toEqual([409, 'NAME_TAKEN']);
  });

  it('gives a name to one of many who ask at once', async () => {
    const app = await api();
    const answers = await Promise.all(Array.from({ length: 8 }, () => app.register('alice')));
    expect(answers.map((answer) => answer.status).toSorted()).toEqual([201, ...Array(7).fill(409)]);
  });

  it.each([
    ['a mixed-script name', { username: 'аlice' }, 'NAME_INVALID'],
    ['an emoji as a name', { username: '😀😀' }, 'NAME_INVALID'],
    ['a control character in the display name', { displayName: 'a\u202eb' }, 'NAME_INVALID'],
    ['a short password', { password: 'short' }, 'PASSWORD_INVALID'],
    ['a common password', { password: 'password123' }, 'PASSWORD_INVALID'],
    ['the name as the password', { username: 'alice.smith', password: 'Alice.Smith' }, 'PASSWORD_INVALID'],
    ['a password past the cap', { password: 'x'.repeat(1025) }, 'BAD_REQUEST'],
    ['NUL in the password', { password: 'correct\0horse battery' }, 'BAD_REQUEST'],
    ['an unknown field', { admin: true }, 'BAD_REQUEST'],
    ['a number for a name', { username: 12 }, 'BAD_REQUEST'],
    ['a list for a name', { username: ['alice'] }, 'BAD_REQUEST'],
    ['an operator for a name', { username: { $ne: '' } }, 'BAD_REQUEST'],
    ['no device', { device: undefined }, 'BAD_REQUEST'],
    ['a device id that is not one', { device: { deviceId: 'A'.repeat(32), name: 'x' } }, 'BAD_REQUEST'],
    ['a device name with a line break', { device: { deviceId: 'a'.repeat(32), name: 'x\ny' } }, 'BAD_REQUEST'],
  ])('refuses %s before anything is hashed', async (_what, fields, code) => {
    const app = shared;
    app.parts.hashing.length = 0;
    const good = {
      username: 'alice',
      password: 'correct horse battery',
      device: { deviceId: 'a'.repeat(32), name: 'x' },
    };
    const answer = await app.call('POST', '/v1/auth/register', { body: { ...good, ...fields } });
    expect(errorOf(answer)).toEqual([400, code]);
    expect(app.parts.hashing).toEqual([]);
    expect(answer.text).not.toContain('correct');
  });

  it('limits how many an address may make in an hour', async () => {
    const app = await api({ auth: { registrationsPerHourPerAddress: 2 } });
    await app.person('alice');
    await app.person('bob');
    const answer = await app.register('carol');
    expect(errorOf(answer)).toEqual([429, 'RATE_LIMITED']);
    expect(answer.body.error.retryAfterMs).toBe(30 * MINUTE);
    expect(answer.headers['retry-after']).toBe('1800');
    app.parts.clock.advance(30 * MINUTE);
    await app.person('carol');
  });
});

describe('logging in', () => {
  it('takes the password however the keyboard wrote it, and the name in any case', async () => {
    const app = await api();
    await app.register('alice', { password: 'pässword é one' });
    expect((await app.logIn('ＡLICE', { password: 'pa\u0308ssword\u3000e\u0301 one' })).status).toBe(200);
  });

  it('answers an unknown user as it answers a wrong password: same text, same headers, same hashing', async () => {
    const app = await api();
    await app.person('alice');
    app.parts.hashing.length = 0;
    const wrong = await app.logIn('alice', { password: 'not the password' });
    const hashedForKnown = app.parts.hashing.splice(0);
    const unknown = await app.logIn('nobody', { password: 'not the password' });
    expect(errorOf(wrong)).toEqual([401, 'INVALID_CREDENTIALS']);
    expect(alike(unknown)).toEqual(alike(wrong));
    expect(app.parts.hashing).toEqual(hashedForKnown);
    expect(hashedForKnown).toEqual(['verify']);
  });

  it.each([
    ["' OR '1'='1", "' OR '1'='1' --"],
    ['*)(uid=*))(|(uid=*', '*********'],
    ['{"$gt": ""}', '{"$gt": ""}'],
    ['alice\u202e', 'correct horse battery'],
    ['', 'correct horse battery'],
    ['alice', ''],
    ['alice', '😀'],
  ])('takes %j with password %j literally', async (username, password) => {
    const app = shared;
    expect(errorOf(await app.logIn(username, { password }))).toEqual([401, 'INVALID_CREDENTIALS']);
  });

  it('slows a guesser down, alike for known and unknown names, and then takes the right password', async () => {
    const app = await api({ auth: { failuresPerAddress: 10_000 } });
    await app.person('alice');
    for (const name of ['alice', 'nobody']) {
      const outcomes: unknown[] = [];
      for (let attempt = 0; attempt < 8; attempt += 1) {
        const answer = await app.logIn(name, { password: 'not the password' });
        outcomes.push([...errorOf(answer), answer.body.error.retryAfterMs]);
      }
      expect(outcomes).toEqual([
        ...Array(5).fill([401, 'INVALID_CREDENTIALS', 0]),
        ...Array(3).fill([429, 'TOO_MANY_ATTEMPTS', 1_000]),
      ]);
    }
    expect(errorOf(await app.logIn('alice'))).toEqual([429, 'TOO_MANY_ATTEMPTS']);
    app.parts.clock.advance(1_000);
    expect((await app.logIn('alice')).status).toBe(200);
  });

  it('a thousand wrong passwords cost a handful of hashes, and lock nobody out for good', async () => {
    const app = await api({ auth: { failuresPerAddress: 10_000 }, api: { requestsBurstPerAddress: 10_000 } });
    await app.person('alice');
    app.parts.hashing.length = 0;
    let last = await app.logIn('alice', { password: 'not the password' });
    for (let attempt = 1; attempt < 1_000; attempt += 1) {
      last = await app.logIn('alice', { password: 'not the password' });
      app.parts.clock.advance(100);
    }
    expect(app.parts.hashing.length).toBeLessThan(15);
    expect(errorOf(last)).toEqual([429, 'TOO_MANY_ATTEMPTS']);
    app.parts.clock.advance(last.body.error.retryAfterMs);
    expect((await app.logIn('alice')).status).toBe(200);
  });

  it('slows an address that tries many names, and not the others', async () => {
    const app = await api({ auth: { failuresPerAddress: 3 } });
    await app.person('alice');
    for (const name of ['one', 'two', 'three']) {
      expect((await app.logIn(name, { address: '2001:db8::1' })).status).toBe(401);
    }
    expect(errorOf(await app.logIn('alice', { address: '2001:db8::2' }))).toEqual([429, 'TOO_MANY_ATTEMPTS']);
    expect((await app.logIn('alice', { address: '2001:db8:0:1::1' })).status).toBe(200);
  });

  it('renews a record that was made with weaker parameters', async () => {
    const app = await api({ auth: { argon2: { passes: 3 } } });
    const { userId } = await app.person('alice');
    const { users } = app.parts.storage;
    const [before] = await users.byIds([BigInt(userId)]);
    const { hash } = await import('@node-rs/argon2');
    const old = await hash('correct horse battery', { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
    await users.setPasswordHash(BigInt(userId), old);
    expect((await app.logIn('alice')).status).toBe(200);
    const [after] = await users.byIds([BigInt(userId)]);
    expect(before?.passwordHash).toContain('t=3');
    expect(after?.passwordHash).toContain('t=3');
    expect((await app.logIn('alice')).status).toBe(200);
  });

  it('ends the earlier session of the same device and no other', async () => {
    const app = await api();
    const device = newDeviceId();
    const first = await app.person('alice', device);
    const elsewhere = sessionOf(await app.logIn('alice'));
    const second = await app.logIn('alice', { deviceId: device });
    expect(second.body.session.epoch).toBe(2);
    expect(app.parts.ended).toEqual([BigInt(first.sessionId)]);
    expect(errorOf(await app.call('GET', '/v1/me', { token: first.accessToken }))).toEqual([401, 'SESSION_ENDED']);
    expect((await app.call('GET', '/v1/me', { token: elsewhere.accessToken })).status).toBe(200);
  });
});

describe('tokens', () => {
  it('an access token ends with its time, and a refresh gives the next one', async () => {
    const app = shared;
    app.parts.ended.length = 0;
    const session = await app.person(anyName());
    app.parts.clock.advance(15 * MINUTE - 1);
    expect((await app.call('GET', '/v1/me', { token: session.accessToken })).status).toBe(200);
    app.parts.clock.advance(1);
    expect(errorOf(await app.call('GET', '/v1/me', { token: session.accessToken }))).toEqual([401, 'UNAUTHENTICATED']);
    const next = sessionOf(await app.refresh(session));
    expect((await app.call('GET', '/v1/me', { token: next.accessToken })).status).toBe(200);
    expect(next.sessionId).toBe(session.sessionId);
  });

  it('a refresh stops the access token before it at once', async () => {
    const app = shared;
    app.parts.ended.length = 0;
    const session = await app.person(anyName());
    expect((await app.call('GET', '/v1/me', { token: session.accessToken })).status).toBe(200);
    await app.refresh(session);
    expect(errorOf(await app.call('GET', '/v1/me', { token: session.accessToken }))).toEqual([401, 'UNAUTHENTICATED']);
  });

  it('a refresh slides the thirty days, and after them the session is over', async () => {
    const app = shared;
    app.parts.ended.length = 0;
    let session = await app.person(anyName());
    for (let month = 0; month < 3; month += 1) {
      app.parts.clock.advance(29 * DAY);
      session = sessionOf(await app.refresh(session));
    }
    app.parts.clock.advance(30 * DAY);
    expect(errorOf(await app.refresh(session))).toEqual([401, 'SESSION_ENDED']);
  });

  it('a lost answer is made good within the grace time', async () => {
    const app = shared;
    app.parts.ended.length = 0;
    const session = await app.person(anyName());
    await app.refresh(session);
    app.parts.clock.advance(29_000);
    const again = sessionOf(await app.refresh(session));
    expect((await app.call('GET', '/v1/me', { token: again.accessToken })).status).toBe(200);
    expect(app.parts.ended).toEqual([]);
  });

  it('a spent refresh token that comes back ends the session everywhere', async () => {
    const app = shared;
    app.parts.ended.length = 0;
    const session = await app.person(anyName());
    const next = sessionOf(await app.refresh(session));
    app.parts.clock.advance(31_000);
    expect((await app.call('GET', '/v1/me', { token: next.accessToken })).status).toBe(200);
    expect(errorOf(await app.refresh(session))).toEqual([401, 'SESSION_ENDED']);
    expect(app.parts.ended).toEqual([BigInt(session.sessionId)]);
    expect(errorOf(await app.call('GET', '/v1/me', { token: next.accessToken }))).toEqual([401, 'SESSION_ENDED']);
    expect(errorOf(await app.refresh(next))).toEqual([401, 'SESSION_ENDED']);
  });

  it('of many refreshes with one token at once, one successor lives', async () => {
    const app = shared;
    app.parts.ended.length = 0;
    const session = await app.person(anyName());
    const answers = await Promise.all(Array.from({ length: 50 }, () => app.refresh(session)));
    const issued = answers.filter((answer) => answer.status === 200).map(sessionOf);
    expect(issued.length).toBeGreaterThan(0);
    const alive = await Promise.all(
      issued.map(async (one) => (await app.call('GET', '/v1/me', { token: one.accessToken })).status),
    );
    expect(alive.filter((status) => status === 200)).toHaveLength(1);
  });

  it('a refresh token of another device is worth nothing', async () => {
    const app = shared;
    app.parts.ended.length = 0;
    const session = await app.person(anyName());
    const stolen = await app.refresh({ ...session, deviceId: newDeviceId() });
    expect(errorOf(stolen)).toEqual([401, 'SESSION_ENDED']);
  });

  it.each([
    ['nothing', ''],
    ['a word', 'Bearer x'],
    ['another scheme', 'Basic YWxpY2U6eA=='],
    ['an unknown token', `Bearer ${'A'.repeat(43)}`],
    ['a token with more behind it', `Bearer ${'A'.repeat(43)} x`],
    ['SQL', "Bearer ' OR 1=1 --"],
    ['a very long token', `Bearer ${'A'.repeat(4_000)}`],
  ])('%s opens no door', async (_what, authorization) => {
    const app = shared;
    const answer = await app.call('GET', '/v1/me', { headers: { authorization } });
    expect(errorOf(answer)).toEqual([401, 'UNAUTHENTICATED']);
  });

  it('a refresh token is not an access token, nor the other way round', async () => {
    const app = shared;
    app.parts.ended.length = 0;
    const session = await app.person(anyName());
    const swapped = { refreshToken: session.accessToken, deviceId: session.deviceId };
    expect((await app.call('GET', '/v1/me', { token: session.refreshToken })).status).toBe(401);
    expect((await app.refresh(swapped)).status).toBe(401);
    expect((await app.call('GET', '/v1/me', { token: session.accessToken })).status).toBe(200);
  });

  it('log-out ends the session and its connections, and cannot be repeated with its token', async () => {
    const app = shared;
    app.parts.ended.length = 0;
    const session = await app.person(anyName());
    const answer = await app.call('POST', '/v1/auth/logout', { token: session.accessToken });
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(app.parts.ended).toEqual([BigInt(session.sessionId)]);
    for (const again of [
      await app.call('POST', '/v1/auth/logout', { token: session.accessToken, body: {} }),
      await app.refresh(session),
    ]) {
      expect(errorOf(again)).toEqual([401, 'SESSION_ENDED']);
    }
  });

  it('are unavailable, not wrong, while the store cannot say', async () => {
    const app = await api();
    const session = await app.person('alice');
    await app.parts.storage.close();
    const answer = await app.call('GET', '/v1/me', { token: session.accessToken });
    expect(errorOf(answer)).toEqual([503, 'UNAVAILABLE']);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('in the store are hashes only', async () => {
    const app = shared;
    app.parts.ended.length = 0;
    const session = await app.person(anyName());
    const record = await app.parts.storage.sessions.byId(BigInt(session.sessionId));
    const text = JSON.stringify(record, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
    expect(record?.accessHash).toHaveLength(32);
    for (const token of [session.accessToken, session.refreshToken]) expect(text).not.toContain(token);
  });
});
