import { CloseCode, Command, loginRequest } from '@fastim/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Client } from './client.ts';
import { SERVER_URL, World } from './testing/index.ts';
import type { ConnectionView } from './views.ts';

const drain = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a session', () => {
  let world: World;
  let bob: bigint;

  beforeEach(() => {
    world = new World(drain);
    bob = world.server.addUser('bob');
  });

  const state = async (client: Client) => (await client.app()).connection;
  const logins = () => world.server.handled.get(Command.login) ?? 0;
  const refreshes = () => world.server.network.requests.filter(({ url }) => url.endsWith('/v1/auth/refresh')).length;

  it('goes from idle over connecting and syncing to online, and back to idle', async () => {
    const process = world.device().boot();
    const states: string[] = [];
    process.client.on('connection', (view) => states.push(view.state));
    await world.finish(process.client.start());
    expect(await state(process.client)).toEqual({ state: 'idle' });
    await world.finish(process.client.logIn({ serverUrl: SERVER_URL, username: 'bob', password: 'password' }));
    await world.online(process.client);
    expect(states).toEqual(['connecting', 'syncing', 'online']);
    await world.finish(process.client.stop());
    await world.finish(process.client.stop());
    await world.advance(100_000, 1_000);
    expect(world.server.network.connections).toBe(0);
    expect(world.clock.pendingTimers).toBe(0);
    await expect(process.client.app()).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
    await world.finish(process.client.start());
    await world.online(process.client);
  });

  it('waits longer and longer while there is no network, up to 30 s, and starts again from the first step', async () => {
    const b = await world.loggedIn('bob');
    await world.advance(20_000, 100);
    const waits: number[] = [];
    b.client.on('connection', (view) => {
      if (view.state === 'offline') waits.push(view.retryAtMs - world.clock.now());
    });
    world.server.network.down = true;
    world.server.network.cutAll();
    await world.advance(20 * 60_000, 200);
    expect(waits.length).toBeGreaterThan(30);
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
    expect(waits[0]).toBeLessThanOrEqual(1_000);
    expect(Math.max(...waits.slice(8))).toBeGreaterThan(10_000);
    world.server.network.down = false;
    await world.finish(b.client.retryConnection());
    await world.advance(100);
    expect(await state(b.client)).toMatchObject({ state: 'online' });
    await world.advance(20_000, 100);
    waits.length = 0;
    world.server.network.cutAll();
    await world.advance(2_000);
    expect(waits).toHaveLength(1);
    expect(waits[0]).toBeLessThanOrEqual(1_000);
  });

  it('beats every 30 s, and takes 75 s of silence for death', async () => {
    const b = await world.loggedIn('bob');
    await world.advance(5 * 60_000, 500);
    expect(world.server.handled.get(Command.heartbeat)).toBeGreaterThanOrEqual(9);
    expect(world.server.handled.get(Command.heartbeat)).toBeLessThanOrEqual(12);
    world.server.network.fate = () => 'lose';
    await world.advance(60_000, 500);
    expect((await state(b.client)).state).toBe('online');
    await world.advance(20_000, 500);
    expect((await state(b.client)).state).not.toBe('online');
    world.server.network.fate = () => 'deliver';
    await world.online(b.client);
    expect(logins()).toBe(2);
  });

  it('finds a dead connection within seconds of waking up, and keeps a live one', async () => {
    const b = await world.loggedIn('bob');
    await world.advance(5_000, 100);
    world.clock.jump(60_000);
    await world.advance(15_000, 100);
    expect(logins()).toBe(1);
    world.clock.jump(60_000);
    world.server.network.fate = () => 'lose';
    await world.advance(10_100, 100);
    await world.advance(5_500, 100);
    world.server.network.fate = () => 'deliver';
    await world.online(b.client);
    expect(logins()).toBe(2);
    // The clock set back by an hour does not silence the heartbeats.
    world.clock.jump(-3_600_000);
    const beats = world.server.handled.get(Command.heartbeat) ?? 0;
    await world.advance(65_000, 500);
    expect(world.server.handled.get(Command.heartbeat)).toBeGreaterThan(beats);
    expect((await state(b.client)).state).toBe('online');
  });

  it('does not wait out its backoff when the machine wakes', async () => {
    const b = await world.loggedIn('bob');
    world.server.network.down = true;
    world.server.network.cutAll();
    await world.advance(5 * 60_000, 500);
    world.server.network.down = false;
    world.clock.jump(3_600_000);
    await world.advance(10_500, 100);
    expect((await state(b.client)).state).toBe('online');
  });

  it('gets a new access token when the old one is past its time, without the user', async () => {
    const b = await world.loggedIn('bob');
    world.server.expireAccessTokens();
    world.server.closeConnections(bob, CloseCode.unauthenticated);
    await world.advance(500);
    expect((await state(b.client)).state).toBe('online');
    expect(refreshes()).toBe(1);
    // In the middle of the session: two calls at once share one refresh, and the connection stays.
    world.server.expireAccessTokens();
    const found = await world.finish(
      Promise.all([b.client.searchUsers({ query: 'bo' }), b.client.searchUsers({ query: 'bob' })]),
    );
    expect(found.map((users) => users.length)).toEqual([1, 1]);
    expect(refreshes()).toBe(2);
    expect(logins()).toBe(2);
    // The new tokens are those that the next process uses.
    b.crash();
    const next = await world.rebooted(b.device);
    await world.online(next.client);
    expect(refreshes()).toBe(2);
  });

  it('survives the loss of the answer to a refresh, and a crash before it is stored', async () => {
    const b = await world.loggedIn('bob');
    let lost = 0;
    world.server.network.httpFate = ({ url }) => {
      if (!url.endsWith('/refresh') || lost >= 2) return 'deliver';
      lost += 1;
      return 'lose-answer';
    };
    world.server.expireAccessTokens();
    world.server.network.cutAll();
    await world.advance(200);
    await world.online(b.client);
    expect(lost).toBe(2);
    b.store.beforeWrite = (operation) => {
      if (operation === 'apply') b.crash();
    };
    world.server.expireAccessTokens();
    world.server.network.cutAll();
    await world.until(() => !b.store.disk.opened);
    const next = await world.rebooted(b.device);
    await world.online(next.client);
    expect(world.server.sessionsOf(bob).filter(({ ended }) => !ended)).toHaveLength(1);
  });

  it.each([
    [CloseCode.loggedOut, 'logged-out'],
    [CloseCode.banned, 'banned'],
    [CloseCode.upgradeRequired, 'upgrade'],
  ] as const)('ends on close code %i as %s, and comes back only when the user acts', async (code, reason) => {
    const b = await world.loggedIn('bob');
    world.server.closeConnections(bob, code);
    await world.advance(100);
    expect(await state(b.client)).toEqual({ state: 'ended', reason });
    const requests = world.server.network.requests.length;
    await world.finish(b.client.retryConnection());
    await world.advance(10 * 60_000, 1_000);
    expect(world.server.network.requests.length).toBe(requests);
    expect((await b.client.app()).account?.user.username).toBe('bob');
    await world.finish(b.client.logIn({ serverUrl: SERVER_URL, username: 'bob', password: 'password' }));
    await world.online(b.client);
  });

  it('ends when the session was ended while it was away', async () => {
    const b = await world.loggedIn('bob');
    world.server.network.down = true;
    world.server.network.cutAll();
    world.server.endSessions(bob);
    world.server.network.down = false;
    await world.until(async () => (await state(b.client)).state === 'ended');
    expect(await state(b.client)).toEqual({ state: 'ended', reason: 'logged-out' });
  });

  it.each([
    [CloseCode.slowConsumer, 1_100],
    [CloseCode.goingAway, 100],
    [CloseCode.gateFull, 100],
    [CloseCode.internalError, 1_100],
  ])('comes back by itself after close code %i', async (code, withinMs) => {
    const b = await world.loggedIn('bob');
    await world.advance(15_000, 100);
    world.server.closeConnections(bob, code);
    await world.advance(withinMs + 100);
    expect((await state(b.client)).state).toBe('online');
    expect(logins()).toBe(2);
  });

  it('does not go on with a server that takes it for somebody else', async () => {
    const b = await world.loggedIn('bob');
    const alice = world.server.addUser('alice');
    const sessions = world.server.sessionsOf(bob) as ReadonlyArray<{ userId: bigint }>;
    for (const session of sessions) session.userId = alice;
    world.server.network.cutAll();
    await world.advance(20_000, 50);
    expect((await state(b.client)).state).not.toBe('online');
    expect(world.server.handled.get(Command.sync)).toBe(1);
  });

  it('does not race round when every gate sends it away', async () => {
    const b = await world.loggedIn('bob');
    world.server.refuse = (cmd) => {
      if (cmd === Command.login) world.server.network.cutAll();
      return undefined;
    };
    let closed = 0;
    const original = world.server.connected.bind(world.server);
    world.server.connected = (end) => {
      closed += 1;
      setImmediate(() => end.close(CloseCode.gateFull));
      return original(end);
    };
    world.server.network.cutAll();
    await world.advance(60_000, 20);
    expect(closed).toBeGreaterThan(3);
    expect(closed).toBeLessThan(80);
    expect((await state(b.client)).state).not.toBe('online');
  });

  it('moves to another gate after the delay that the draining one gave, and works until then', async () => {
    const b = await world.loggedIn('bob');
    world.server.askToReconnect(5_000);
    await world.advance(4_800, 100);
    expect(logins()).toBe(1);
    await world.advance(400, 50);
    expect(logins()).toBe(2);
    expect((await state(b.client)).state).toBe('online');
  });

  it('keeps the delays that the server asks for', async () => {
    const b = await world.loggedIn('bob');
    const views: ConnectionView[] = [];
    b.client.on('connection', (view) => views.push(view));
    world.server.gateDelayMs = 20_000;
    world.server.network.cutAll();
    await world.advance(15_000, 100);
    expect(views.at(-1)).toMatchObject({ state: 'offline', reason: 'overloaded' });
    expect(logins()).toBe(1);
    world.server.gateDelayMs = 0;
    await world.advance(7_000, 100);
    expect(logins()).toBe(2);
    world.server.refuse = (cmd) => (cmd === Command.login ? { reason: 'OVERLOADED', retryAfterMs: 30_000 } : undefined);
    world.server.network.cutAll();
    await world.advance(3_000, 50);
    expect(logins()).toBe(3);
    await world.advance(25_000, 100);
    expect(logins()).toBe(3);
    world.server.refuse = () => undefined;
    await world.online(b.client);
  });

  describe('with tickets', () => {
    const gates = ['one', 'two', 'three'].map((host) => ({
      gateId: host,
      tcp: { host, port: 1 },
      websocket: null,
      ticket: `ticket of ${host}`,
    }));
    let shown: string[];

    beforeEach(() => {
      shown = [];
      world.server.gates = gates;
      world.server.refuse = (cmd, data) => {
        if (cmd === Command.login) shown.push(loginRequest.decode(data).gateTicket);
        return undefined;
      };
    });
    const asked = () => world.server.network.requests.filter(({ url }) => url.endsWith('/v1/gates')).length;

    it('shows each gate its own', async () => {
      const b = await world.loggedIn('bob');
      expect(shown).toEqual(['ticket of one']);
      world.server.network.unreachable.add('one').add('two');
      world.server.network.cutAll();
      await world.advance(3_000, 50);
      await world.online(b.client);
      expect(shown).toEqual(['ticket of one', 'ticket of three']);
    });

    it('takes the one ticket of a server that has no others', async () => {
      world.server.gates = gates.map(({ ticket: _ticket, ...gate }) => gate);
      await world.loggedIn('bob');
      expect(shown).toEqual(['ticket']);
    });

    it.each([
      ['an answer', undefined],
      ['a close', CloseCode.ticketInvalid],
    ])(
      'asks for another at once when it is refused by %s, and with backoff when that is refused too',
      async (_what, code) => {
        const b = await world.loggedIn('bob');
        await world.advance(20_000, 100);
        const before = asked();
        let refused = 0;
        let good = false;
        world.server.refuse = (cmd) => {
          if (cmd !== Command.login || good) return undefined;
          refused += 1;
          if (code !== undefined) world.server.closeStrangers(code);
          return { reason: 'TICKET_INVALID' };
        };
        const views: ConnectionView[] = [];
        b.client.on('connection', (view) => views.push(view));
        world.server.closeConnections(bob, CloseCode.goingAway);
        await world.advance(100, 10);
        // Asked again without a wait in between, then not before the wait is over.
        expect([refused, asked() - before]).toEqual([2, 2]);
        expect(views.at(-1)).toMatchObject({ state: 'offline', reason: 'server' });
        await world.advance(20_000, 100);
        expect(refused).toBeGreaterThan(3);
        expect(refused).toBeLessThan(20);
        good = true;
        await world.online(b.client);
        // A log-in that lasted pays for the next try in haste.
        good = false;
        refused = 0;
        await world.advance(20_000, 100);
        world.server.closeConnections(bob, CloseCode.goingAway);
        await world.advance(100, 10);
        expect(refused).toBe(2);
      },
    );
  });
});
