import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOf, TestApi } from './testing/test-api.ts';

const logInBody = { username: 'x', password: 'not the password', device: { deviceId: 'a'.repeat(32), name: 'x' } };

describe('a server on loopback', () => {
  let app: TestApi;
  beforeAll(async () => {
    app = await TestApi.open({ allowedOrigins: ['https://chat.example'] });
  });
  afterAll(() => app.close());

  it.each(['127.0.0.1:8600', 'localhost', 'LOCALHOST:8600', '[::1]:8600', '127.8.8.8', 'chat.example'])(
    'answers under the name %s',
    async (host) => {
      expect((await app.call('GET', '/v1/server', { headers: { host } })).status).toBe(200);
    },
  );

  it.each(['evil.example', 'evil.example:8600', '127.0.0.1.evil.example', 'localhost.evil.example', '10.0.0.1'])(
    'answers nothing under the name %j: a page may have rebound it',
    async (host) => {
      for (const path of ['/v1/server', '/livez', '/']) {
        expect(errorOf(await app.call('GET', path, { headers: { host } }))).toEqual([403, 'ORIGIN_REFUSED']);
      }
    },
  );

  it.each([
    'https://evil.example',
    'null',
    'http://127.0.0.1:9999',
    'http://localhost:8600',
    'file://',
    'chat.example',
  ])('lets a page of %s change nothing and read nothing', async (origin) => {
    const change = await app.call('POST', '/v1/auth/login', { body: logInBody, headers: { origin } });
    expect(errorOf(change)).toEqual([403, 'ORIGIN_REFUSED']);
    const preflight = await app.call('OPTIONS', '/v1/auth/login', {
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(403);
    const read = await app.call('GET', '/v1/server', { headers: { origin } });
    for (const answer of [change, preflight, read]) {
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('serves its own page and the pages of allowed origins', async () => {
    const own = await app.call('POST', '/v1/auth/login', {
      body: logInBody,
      headers: { origin: 'http://127.0.0.1:8600' },
    });
    expect(own.status).toBe(401);
    const headers = { origin: 'https://chat.example' };
    const foreign = await app.call('POST', '/v1/auth/login', { body: logInBody, headers });
    expect(foreign.status).toBe(401);
    expect(foreign.headers['access-control-allow-origin']).toBe('https://chat.example');
    expect(foreign.headers['access-control-allow-credentials']).toBeUndefined();
    expect(foreign.headers.vary).toContain('Origin');
    const preflight = await app.call('OPTIONS', '/v1/me', {
      headers: { ...headers, 'access-control-request-method': 'GET' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-headers']).toBe('Authorization, Content-Type, Idempotency-Key');
  });

  it('sends the headers that keep browsers strict with every answer', async () => {
    for (const path of ['/v1/server', '/v1/nothing', '/livez', '/v1/me']) {
      const { headers } = await app.call('GET', path);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'cache-control': 'no-store',
        'x-request-id': expect.stringMatching(/^[0-9a-f]{16}$/),
      });
      expect(headers.server).toBeUndefined();
    }
  });
});

describe('a server for everyone', () => {
  it('answers under any name, and still only to its own pages', async () => {
    const app = await TestApi.open({ host: '0.0.0.0' });
    try {
      const host = 'chat.example:8600';
      expect((await app.call('GET', '/v1/server', { headers: { host } })).status).toBe(200);
      const origin = 'http://evil.example';
      const answer = await app.call('POST', '/v1/auth/login', { body: logInBody, headers: { host, origin } });
      expect(errorOf(answer)).toEqual([403, 'ORIGIN_REFUSED']);
    } finally {
      await app.close();
    }
  });

  it('believes a proxy that it was told of, and nobody else, about addresses', async () => {
    const app = await TestApi.open({
      trustedProxies: ['10.0.0.0/8'],
      api: { requestsBurstPerAddress: 1, requestsPerSecondPerAddress: 1 },
    });
    const ask = async (address: string, forwarded: string) =>
      (await app.call('GET', '/livez', { address, headers: { 'x-forwarded-for': forwarded } })).status;
    try {
      expect(await ask('10.1.1.1', '192.0.2.1')).toBe(200);
      expect(await ask('10.1.1.1', '192.0.2.2')).toBe(200);
      expect(await ask('10.1.1.1', '192.0.2.1')).toBe(429);
      expect(await ask('198.51.100.1', '192.0.2.3')).toBe(200);
      expect(await ask('198.51.100.1', '192.0.2.4')).toBe(429);
    } finally {
      await app.close();
    }
  });
});
