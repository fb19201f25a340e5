import { Command } from '@fastim/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ClientEvents } from './client-api.ts';
import { StoreError } from './store.ts';
import { SERVER_URL, World } from './testing/index.ts';

const drain = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('an account', () => {
  let world: World;
  let alice: bigint;
  let bob: bigint;
  let wireId: bigint;
  let conversationId: string;

  beforeEach(() => {
    world = new World(drain);
    alice = world.server.addUser('alice');
    bob = world.server.addUser('bob');
    wireId = world.server.openDirect(alice, bob);
    conversationId = wireId.toString();
  });

  it('is registered with the device of the profile, which stays the same', async () => {
    const device = world.device();
    const first = device.boot();
    await world.finish(first.client.start());
    expect(await first.client.app()).toMatchObject({ account: null, suggestedServerUrl: SERVER_URL });
    const account = await world.finish(
      first.client.register({
        serverUrl: 'HTTP://Server.Test/',
        username: 'carol',
        displayName: 'Carol',
        password: 'password',
      }),
    );
    expect(account).toMatchObject({ user: { username: 'carol', displayName: 'Carol' }, serverUrl: SERVER_URL });
    expect(account.deviceId).toMatch(/^[0-9a-f]{32}$/);
    await world.finish(first.client.logOut());
    first.crash();
    const second = await world.rebooted(device);
    const again = await world.finish(
      second.client.logIn({ serverUrl: SERVER_URL, username: 'carol', password: 'password' }),
    );
    expect(again.deviceId).toBe(account.deviceId);
  });

  describe('whose registration’s answer was lost', () => {
    const carol = { serverUrl: SERVER_URL, username: 'carol', displayName: 'Carol', password: 'password' };
    const keysSent = () =>
      world.server.network.requests
        .filter(({ url }) => url.endsWith('/register'))
        .map(({ headers }) => headers['idempotency-key']);

    it('is the same account when the same words are tried again', async () => {
      const { client } = await world.rebooted(world.device());
      world.server.network.httpFate = () => 'lose-answer';
      for (const attempt of [carol, { ...carol, serverUrl: 'HTTP://server.test/' }]) {
        await expect(world.finish(client.register(attempt))).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
      }
      world.server.network.httpFate = () => 'deliver';
      const account = await world.finish(client.register(carol));
      expect(account.user).toMatchObject({ username: 'carol', displayName: 'Carol' });
      expect(new Set(keysSent()).size).toBe(1);
      expect(keysSent()[0]).toMatch(/^[0-9a-f]{32}$/);
      await world.online(client);
      expect(world.server.sessionsOf(BigInt(account.user.userId))).toHaveLength(1);
    });

    it('is not lost to a full disk either', async () => {
      const device = await world.rebooted(world.device());
      device.store.beforeWrite = (operation) => {
        if (operation === 'beginAccount') throw new StoreError('full', 'no space');
      };
      await expect(world.finish(device.client.register(carol))).rejects.toMatchObject({ reason: 'STORAGE_FULL' });
      device.store.beforeWrite = () => undefined;
      expect((await world.finish(device.client.register(carol))).user.username).toBe('carol');
    });

    it.each([
      ['another name', { username: 'caroline' }],
      ['another password', { password: 'other words' }],
      ['another display name', { displayName: 'C' }],
    ])('is another registration with %s', async (_what, change) => {
      const { client } = await world.rebooted(world.device());
      world.server.network.httpFate = () => 'lose-answer';
      await expect(world.finish(client.register(carol))).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
      await expect(world.finish(client.register({ ...carol, ...change }))).rejects.toMatchObject({
        reason: 'UNAVAILABLE',
      });
      expect(new Set(keysSent()).size).toBe(2);
    });

    it('is forgotten with any definite answer', async () => {
      const { client } = await world.rebooted(world.device());
      const taken = { ...carol, username: 'bob' };
      for (let attempt = 0; attempt < 2; attempt += 1) {
        await expect(world.finish(client.register(taken))).rejects.toMatchObject({ reason: 'NAME_TAKEN' });
      }
      expect(new Set(keysSent()).size).toBe(2);
    });
  });

  it('answers wrong input, a taken name and a server that is away with the reason', async () => {
    const { client } = world.device().boot();
    const credentials = { serverUrl: SERVER_URL, username: 'bob', password: 'wrong' };
    await expect(client.logIn(credentials)).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
    await world.finish(client.start());
    await expect(world.finish(client.logIn(credentials))).rejects.toMatchObject({ reason: 'INVALID_CREDENTIALS' });
    await expect(world.finish(client.register({ ...credentials, displayName: '' }))).rejects.toMatchObject({
      reason: 'NAME_TAKEN',
    });
    for (const serverUrl of ['file:///etc/passwd', 'javascript:alert(1)', 'http://user:pw@host/', 'http://h/?q', '']) {
      await expect(world.finish(client.logIn({ ...credentials, serverUrl }))).rejects.toMatchObject({
        reason: 'BAD_REQUEST',
      });
    }
    world.server.network.down = true;
    await expect(world.finish(client.logIn(credentials))).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
    for (const call of [
      () => client.listConversations(),
      () => client.sendMessage({ conversationId, text: 'x' }),
      () => client.markRead({ conversationId, convSeq: 1 }),
      () => client.searchUsers({ query: '' }),
    ]) {
      await expect(call()).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
    }
  });

  describe('looks for its server and', () => {
    const check = async () =>
      world.finish((await world.rebooted(world.device())).client.checkServer({ serverUrl: SERVER_URL }));
    /** Whatever is asked, this is the answer. */
    const answer = (status: number, body: unknown) => {
      world.server.http = () => ({ status, body: typeof body === 'string' ? body : JSON.stringify(body) });
    };
    const self = { name: 'Fake', version: '1.0.0', protocol: { min: 1, max: 1 }, tls: false };

    it('finds it', async () => {
      expect(await check()).toEqual({ ok: true, name: 'Fake', version: '1.0.0', tls: false, latencyMs: 10 });
    });

    it.each([
      ['address', 'address'],
      ['tls', 'tls'],
      ['timeout', 'timeout'],
      ['answer', 'not-fastim'],
    ] as const)('without an answer (%s) says so: %s', async (fault, step) => {
      world.server.network.down = true;
      world.server.network.httpFault = fault;
      expect(await check()).toEqual({ ok: false, step, detail: 'the server cannot be reached: network' });
    });

    it.each<[what: string, status: number, body: unknown]>([
      ['a web page', 200, '<html>hello</html>'],
      ['nothing', 200, ''],
      ['a proxy without its server', 502, '<html>Bad Gateway</html>'],
      ['somebody else’s JSON', 404, { error: 'not found' }],
      ['half of what a server says', 200, { name: 'Fake', protocol: { min: 1 } }],
      ['a name that is none', 200, { ...self, name: 7 }],
    ])('finds %s: not-fastim', async (_what, status, body) => {
      answer(status, body);
      expect(await check()).toMatchObject({ ok: false, step: 'not-fastim' });
    });

    it.each([
      ['too new', { min: 7, max: 9 }],
      ['too old', { min: 0, max: 0 }],
    ])('finds one that is %s: version', async (_what, protocol) => {
      answer(200, { ...self, protocol });
      expect(await check()).toEqual({
        ok: false,
        step: 'version',
        detail: `the server speaks versions ${protocol.min} to ${protocol.max}`,
      });
    });

    it('hears its refusals as what they are', async () => {
      answer(429, { error: { code: 'RATE_LIMITED', message: 'slowly', retryAfterMs: 700 } });
      await expect(check()).rejects.toMatchObject({ reason: 'RATE_LIMITED', retryAfterMs: 700 });
      await expect(
        world.finish(world.device().boot().client.checkServer({ serverUrl: 'file:///etc/passwd' })),
      ).rejects.toMatchObject({ reason: 'BAD_REQUEST' });
    });
  });

  it('leaves nothing on the device at log-out, and the server ends the session', async () => {
    const b = await world.loggedIn('bob');
    world.server.write(wireId, alice, 'secret');
    await world.advance(200);
    await world.finish(b.client.sendMessage({ conversationId, text: 'mine' }));
    const events: Array<ClientEvents['account']> = [];
    b.client.on('account', (account) => events.push(account));
    await world.finish(b.client.logOut());
    expect(events).toEqual([null]);
    expect(await b.client.app()).toMatchObject({ account: null, connection: { state: 'idle' } });
    expect(b.store.disk.state.account).toBeUndefined();
    await world.advance(100);
    expect(world.server.sessionsOf(bob).map(({ ended }) => ended)).toEqual([true]);
    expect(b.store.disk.pendingLogOuts.size).toBe(0);
    await world.finish(b.client.logOut());
  });

  it('is ended at the server as soon as that can be reached, over restarts, with an old token too', async () => {
    const b = await world.loggedIn('bob');
    world.server.network.down = true;
    world.server.network.cutAll();
    await world.finish(b.client.logOut());
    expect(b.store.disk.state.account).toBeUndefined();
    b.crash();
    await world.advance(30 * 60_000, 60_000);
    world.server.expireAccessTokens();
    const next = await world.rebooted(b.device);
    await world.advance(1_000);
    expect(world.server.sessionsOf(bob)[0]?.ended).toBe(false);
    world.server.network.down = false;
    await world.until(() => world.server.sessionsOf(bob)[0]!.ended);
    await world.advance(100);
    expect(next.store.disk.pendingLogOuts.size).toBe(0);
  });

  it('of somebody else starts clean, and the earlier one’s session is ended', async () => {
    const b = await world.loggedIn('bob');
    world.server.write(wireId, alice, 'for bob only');
    await world.advance(200);
    world.server.refuse = (cmd) => (cmd === Command.send ? { reason: 'UNAVAILABLE' } : undefined);
    await world.finish(b.client.sendMessage({ conversationId, text: 'from bob' }));
    const stranger = world.server.addUser('stranger');
    await world.finish(b.client.logIn({ serverUrl: SERVER_URL, username: 'stranger', password: 'password' }));
    await world.online(b.client);
    world.server.refuse = () => undefined;
    await world.advance(60_000, 100);
    expect(await b.client.listConversations()).toEqual([]);
    expect(b.store.disk.state.account?.messages.size).toBe(0);
    expect(b.store.disk.state.account?.outbox.size).toBe(0);
    expect(world.server.sessionsOf(bob).map(({ ended }) => ended)).toEqual([true]);
    expect(world.server.sessionsOf(stranger).map(({ ended }) => ended)).toEqual([false]);
    expect(world.server.history(wireId)).toHaveLength(1);
  });

  it('that logs in again after its session ended keeps its data and its outbox', async () => {
    const b = await world.loggedIn('bob');
    world.server.write(wireId, alice, 'kept');
    await world.advance(200);
    world.server.endSessions(bob);
    await world.advance(100);
    await world.finish(b.client.sendMessage({ conversationId, text: 'waits' }));
    expect((await world.shown(b.client, conversationId)).map(({ text }) => text)).toEqual(['kept', 'waits']);
    await world.finish(b.client.logIn({ serverUrl: SERVER_URL, username: 'bob', password: 'password' }));
    await world.online(b.client);
    await world.advance(500);
    expect((await world.shown(b.client, conversationId)).map(({ status }) => status)).toEqual(['stored', 'stored']);
    expect(world.server.history(wireId)).toHaveLength(2);
  });

  it('cannot be opened by two engines at once', async () => {
    const b = await world.loggedIn('bob');
    const second = b.device.boot();
    await expect(world.finish(second.client.start())).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
    await world.finish(b.client.stop());
    await world.finish(second.client.start());
    await world.online(second.client);
  });

  it('stays whole when the disk is full at log-in and log-out', async () => {
    const b = await world.loggedIn('bob');
    b.store.beforeWrite = (operation) => {
      if (operation === 'endAccount' || operation === 'beginAccount') throw new StoreError('full', 'no space');
    };
    await expect(world.finish(b.client.logOut())).rejects.toMatchObject({ reason: 'STORAGE_FULL' });
    await expect(
      world.finish(b.client.logIn({ serverUrl: SERVER_URL, username: 'alice', password: 'password' })),
    ).rejects.toMatchObject({ reason: 'STORAGE_FULL' });
    await world.online(b.client);
    expect((await b.client.app()).account?.user.username).toBe('bob');
    world.server.write(wireId, alice, 'still here');
    await world.advance(200);
    expect(await world.shown(b.client, conversationId)).toHaveLength(1);
  });
});
