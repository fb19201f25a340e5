import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOf, TestApi, type TestSession } from './testing/test-api.ts';

let app: TestApi;
let alice: TestSession;
beforeAll(async () => {
  app = await TestApi.open({ name: 'Our chat' });
  alice = await app.person('alice');
});
afterAll(() => app.close());

describe('GET /v1/server', () => {
  it('says who it is', async () => {
    expect((await app.call('GET', '/v1/server')).body).toEqual({
      name: 'Our chat',
      version: '1.2.3',
      protocol: { min: 1, max: 1 },
      tls: false,
      serverTimeMs: app.parts.clock.now(),
    });
  });
});

describe('GET /v1/users', () => {
  it('finds others by name, exact before prefix before the rest, never the asker', async () => {
    for (const [username, displayName] of [
      ['annabel', 'Annabel'],
      ['ann', 'Ann'],
      ['joanna', 'Joanna'],
      ['zoe', 'Zoë ANN'],
      ['per_cent', '100%'],
    ] as const) {
      await app.register(username, { displayName });
    }
    const find = async (query: string, token = alice.accessToken) => {
      const answer = await app.call('GET', `/v1/users?query=${encodeURIComponent(query)}`, { token });
      return answer.body.users.map((user: { username: string }) => user.username);
    };
    expect(await find('ＡNN')).toEqual(['ann', 'annabel', expect.any(String), expect.any(String)]);
    expect((await find('ann')).toSorted()).toEqual(['ann', 'annabel', 'joanna', 'zoe']);
    expect(await find('alice')).toEqual([]);
    expect(await find('%')).toEqual(['per_cent']);
    expect(await find('_')).toEqual(['per_cent']);
    expect(await find("' OR '1'='1")).toEqual([]);
    const one = await app.call('GET', '/v1/users?query=ann&limit=1', { token: alice.accessToken });
    expect(one.body.users).toEqual([{ userId: expect.any(String), username: 'ann', displayName: 'Ann' }]);
  });
});

describe('POST /v1/conversations/direct', () => {
  it('opens one conversation for two people, whoever asks and however often at once', async () => {
    const carol = await app.person('carol');
    const asks = Array.from({ length: 10 }, (_, index) =>
      app.call('POST', '/v1/conversations/direct', {
        body: { userId: index % 2 ? alice.userId : carol.userId },
        token: index % 2 ? carol.accessToken : alice.accessToken,
      }),
    );
    const answers = await Promise.all(asks);
    expect(new Set(answers.map((answer) => answer.body.conversationId)).size).toBe(1);
    expect(answers.filter((answer) => answer.body.created)).toHaveLength(1);
    expect(answers[0]?.body.peer).toEqual({ userId: carol.userId, username: 'carol', displayName: 'carol' });
  });
});

describe('POST /v1/gates', () => {
  const ask = (headers: Record<string, string> = {}, token = alice.accessToken) =>
    app.call('POST', '/v1/gates', { body: { clientVersion: 'test/1.0.0' }, token, headers });

  it('names the gate and gives a ticket for a minute', async () => {
    expect((await ask()).body).toEqual({
      gates: [
        {
          gateId: 'gate-test',
          tcp: { host: '127.0.0.1', port: 4001 },
          websocket: 'ws://127.0.0.1:4002',
          ticket: expect.stringMatching(/^[\w-]+\.[\w-]{43}$/),
        },
      ],
      ticket: expect.stringMatching(/^[\w-]+\.[\w-]{43}$/),
      ticketExpiresAt: app.parts.clock.now() + 60_000,
      delayMs: 0,
    });
  });

  it('is for logged-in clients', async () => {
    expect(errorOf(await ask({}, 'A'.repeat(43)))).toEqual([401, 'UNAUTHENTICATED']);
  });

  it('says to come back later while the gate drains', async () => {
    app.parts.state.accepting = false;
    const answer = await ask();
    app.parts.state.accepting = true;
    expect(errorOf(answer)).toEqual([503, 'UNAVAILABLE']);
    expect(answer.body.error.retryAfterMs).toBeGreaterThanOrEqual(1_000);
    expect(answer.body.error.retryAfterMs).toBeLessThanOrEqual(3_000);
  });
});

describe('health', () => {
  it('/livez answers whatever the parts do', async () => {
    app.parts.state.components = { storage: 'failing', gate: 'draining' };
    expect(await app.call('GET', '/livez')).toMatchObject({ status: 200, body: { alive: true } });
  });

  it.each([
    [200, { storage: 'ok', gate: 'ok' }],
    [503, { storage: 'failing', gate: 'ok' }],
    [503, { storage: 'ok', gate: 'draining' }],
    [503, { storage: 'starting', gate: 'starting' }],
  ] as const)('/readyz answers %i for %j', async (status, components) => {
    app.parts.state.components = components;
    app.parts.clock.advance(1_000);
    const answer = await app.call('GET', '/readyz');
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({ ready: status === 200, components });
  });
});

describe('the OpenAPI document', () => {
  it('covers every route, with its answers and what it needs', async () => {
    const routes = new Set<string>();
    const tree = app.parts.server.http.printRoutes({ commonPrefix: false, includeHooks: false });
    // A line is deeper than the one it belongs to: what it says comes behind that one's path.
    const above: Array<{ depth: number; path: string }> = [];
    for (const line of tree.split('\n')) {
      const found = /^(\W*[─] )(\S+)(?: \(([A-Z, ]+)\))?/.exec(line);
      if (!found) continue;
      const depth = found[1]!.length;
      while (above.length > 0 && above.at(-1)!.depth >= depth) above.pop();
      const path = (above.at(-1)?.path ?? '') + found[2]!;
      above.push({ depth, path });
      for (const method of found[3]?.split(', ') ?? []) {
        if (method !== 'HEAD') routes.add(`${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
      }
    }
    const { body: document } = await app.call('GET', '/v1/openapi.json');
    expect(document.openapi).toBe('3.1.0');
    const documented = Object.entries<Record<string, object>>(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(documented).toHaveLength(14);
    expect(documented.toSorted()).toEqual([...routes].filter((route) => !route.includes('openapi.json')).toSorted());

    const login = document.paths['/v1/auth/login'].post;
    const asked = login.requestBody.content['application/json'].schema;
    expect(asked).toMatchObject({ type: 'object', additionalProperties: false });
    expect(asked.required.toSorted()).toEqual(['device', 'password', 'username']);
    expect(Object.keys(login.responses).toSorted()).toEqual(['200', '4XX', '5XX']);
    expect(document.paths['/v1/me'].get.security).toEqual([{ bearer: [] }]);
    expect(document.components.securitySchemes.bearer).toEqual({ type: 'http', scheme: 'bearer' });
  });

  it('has no reference that leads nowhere', async () => {
    const { text, body } = await app.call('GET', '/v1/openapi.json');
    for (const [, reference] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      let node = body;
      for (const part of reference!.split('/')) node = node?.[part];
      expect(node).toBeDefined();
    }
    for (const methods of Object.values<Record<string, { summary?: string; responses: object }>>(body.paths)) {
      for (const operation of Object.values(methods)) {
        expect(operation.summary).toBeTruthy();
        expect(Object.keys(operation.responses)[0]).toMatch(/^20[0-4]$/);
      }
    }
  });
});

describe('metrics and logs', () => {
  it('know routes by their pattern, so that nobody can make them grow', async () => {
    for (let index = 0; index < 20; index += 1) await app.call('GET', `/v1/no-such-${index}`);
    await app.call('GET', '/v1/users?query=canary-query', { token: alice.accessToken });
    const metrics = await app.parts.registry.metrics();
    expect(metrics).toContain('route="unmatched"');
    expect(metrics).toContain('route="/v1/users"');
    expect(metrics).not.toContain('no-such');
    expect(app.parts.log.join('')).toContain('"route":"/v1/users"');
    expect(app.parts.log.join('')).not.toContain('canary-query');
  });
});
