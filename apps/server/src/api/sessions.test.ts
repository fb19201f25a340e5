import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorOf, newDeviceId, sessionOf, TestApi, type TestSession } from './testing/test-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await TestApi.open();
});
afterEach(() => api.close());

const list = async ({ accessToken }: TestSession) =>
  (await api.call('GET', '/v1/sessions', { token: accessToken })).body.sessions;
const end = (by: TestSession, sessionId: string) =>
  api.call('DELETE', `/v1/sessions/${sessionId}`, { token: by.accessToken });

describe('GET /v1/sessions', () => {
  it('lists the own sessions that live, which one asks, and which are connected', async () => {
    const phone = await api.person('alice');
    api.parts.clock.advance(60_000);
    const laptop = sessionOf(await api.logIn('alice'));
    await api.person('bob');
    api.parts.online.add(BigInt(phone.sessionId));
    const at = api.parts.clock.now();
    expect(await list(laptop)).toEqual([
      {
        sessionId: laptop.sessionId,
        deviceId: laptop.deviceId,
        deviceName: 'test',
        current: true,
        online: false,
        createdAt: at,
        lastSeenAt: at,
      },
      {
        sessionId: phone.sessionId,
        deviceId: phone.deviceId,
        deviceName: 'test',
        current: false,
        online: true,
        createdAt: at - 60_000,
        lastSeenAt: at - 60_000,
      },
    ]);
  });

  it('does not list what ended: logged out, or taken over by a new log-in of the device', async () => {
    const deviceId = newDeviceId();
    await api.person('alice', deviceId);
    const again = sessionOf(await api.logIn('alice', { deviceId }));
    const other = sessionOf(await api.logIn('alice'));
    await api.call('POST', '/v1/auth/logout', { token: other.accessToken });
    expect((await list(again)).map(({ sessionId }: TestSession) => sessionId)).toEqual([again.sessionId]);
  });

  it('needs a token', async () => {
    expect(errorOf(await api.call('GET', '/v1/sessions'))).toEqual([401, 'UNAUTHENTICATED']);
    expect(errorOf(await api.call('DELETE', '/v1/sessions/1'))).toEqual([401, 'UNAUTHENTICATED']);
  });
});

describe('DELETE /v1/sessions/{sessionId}', () => {
  it('ends another of the own devices: connections, access token and refresh token, at once', async () => {
    const phone = await api.person('alice');
    const laptop = sessionOf(await api.logIn('alice'));
    expect((await end(laptop, phone.sessionId)).status).toBe(204);
    expect(api.parts.ended).toEqual([BigInt(phone.sessionId)]);
    expect(errorOf(await api.call('GET', '/v1/me', { token: phone.accessToken }))).toEqual([401, 'SESSION_ENDED']);
    expect(errorOf(await api.refresh(phone))).toEqual([401, 'SESSION_ENDED']);
    expect((await list(laptop)).map(({ sessionId }: TestSession) => sessionId)).toEqual([laptop.sessionId]);
  });

  it('may be said again, and of the session that asks', async () => {
    const phone = await api.person('alice');
    const laptop = sessionOf(await api.logIn('alice'));
    expect((await end(laptop, phone.sessionId)).status).toBe(204);
    expect((await end(laptop, phone.sessionId)).status).toBe(204);
    expect((await end(laptop, laptop.sessionId)).status).toBe(204);
    expect(errorOf(await end(laptop, laptop.sessionId))).toEqual([401, 'SESSION_ENDED']);
  });

  it.each([
    ['of somebody else', (other: TestSession) => other.sessionId, 404, 'NOT_FOUND'],
    ['that never was', () => '123456789', 404, 'NOT_FOUND'],
    ['that is no id', () => 'all', 400, 'BAD_REQUEST'],
    ['over 64 bits', () => '99999999999999999999', 400, 'BAD_REQUEST'],
  ] as const)('is refused for a session %s, and ends nothing', async (_what, sessionId, status, code) => {
    const alice = await api.person('alice');
    const bob = await api.person('bob');
    expect(errorOf(await end(alice, sessionId(bob)))).toEqual([status, code]);
    expect(api.parts.ended).toEqual([]);
    expect(await list(bob)).toHaveLength(1);
  });
});

describe('/v1/me', () => {
  it('says who it is and whether others see when', async () => {
    const alice = await api.person('alice');
    const answer = await api.call('GET', '/v1/me', { token: alice.accessToken });
    expect(answer.body).toEqual({
      user: { userId: alice.userId, username: 'alice', displayName: 'alice' },
      showOnline: true,
    });
  });

  it('changes what is given, for good, and may be said again', async () => {
    const alice = await api.person('alice');
    const change = (body: object) => api.call('PATCH', '/v1/me', { token: alice.accessToken, body });
    for (let times = 0; times < 2; times += 1) {
      expect((await change({ showOnline: false })).body).toMatchObject({ showOnline: false });
    }
    expect((await change({})).body).toMatchObject({ showOnline: false });
    expect(api.parts.shownOrHidden).toEqual([BigInt(alice.userId), BigInt(alice.userId)]);
    const other = sessionOf(await api.logIn('alice'));
    expect((await api.call('GET', '/v1/me', { token: other.accessToken })).body.showOnline).toBe(false);
    expect((await change({ showOnline: true })).body.showOnline).toBe(true);
  });

  it.each([{ showOnline: 'no' }, { showOnline: null }, { showOnline: false, username: 'root' }, [], 'text'])(
    'refuses %j, and changes nothing',
    async (body) => {
      const alice = await api.person('alice');
      const answer = await api.call('PATCH', '/v1/me', { token: alice.accessToken, body });
      expect(errorOf(answer)).toEqual([400, 'BAD_REQUEST']);
      expect((await api.call('GET', '/v1/me', { token: alice.accessToken })).body.showOnline).toBe(true);
    },
  );

  it('needs a token', async () => {
    expect(errorOf(await api.call('PATCH', '/v1/me', { body: {} }))).toEqual([401, 'UNAUTHENTICATED']);
  });
});
