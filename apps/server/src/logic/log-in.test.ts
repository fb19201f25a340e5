import {
  CloseCode,
  Command,
  errorCatalogue,
  loginResponse,
  MAX_DATA_AFTER_LOGIN,
  statusResponse,
} from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import type { AccessOutcome } from './access-verifier.ts';
import { LogicHarness } from './testing/logic-harness.ts';

const granted = (sessionId: bigint): AccessOutcome => ({
  outcome: 'granted',
  identity: { userId: 1n, deviceId: 'phone', sessionId, epoch: 1 },
  expiresAtMs: 0,
});

describe('LOGIN', () => {
  it('binds the connection before it answers, and tells the client how to live here', async () => {
    const harness = new LogicHarness({ gateConfig: { heartbeatIntervalMs: 11_000, heartbeatTimeoutMs: 22_000 } });
    const connection = harness.connect();
    const sequenceId = connection.logIn('42/phone/77/3');
    await harness.settle();
    expect(connection.read(sequenceId, loginResponse)).toEqual({
      status: undefined,
      userId: 42n,
      deviceId: 'phone',
      epoch: 3,
      serverTimeMs: harness.clock.now(),
      heartbeatIntervalMs: 11_000,
      heartbeatTimeoutMs: 22_000,
      maxDataLength: MAX_DATA_AFTER_LOGIN,
      historyEpoch: harness.storage.historyEpoch,
      editWindowMs: 24 * 3_600_000,
      recallWindowMs: 2 * 60_000,
    });
    const told = harness.gate.told(connection.id);
    expect(told[0]).toEqual({ bound: { userId: 42n, deviceId: 'phone', sessionId: 77n, epoch: 3 } });
    expect(told).toHaveLength(2);
    expect(await harness.metric('fastim_logins_total{outcome="ok"}')).toBe(1);
    expect(await harness.metric('fastim_routes')).toBe(1);
  });

  it.each<[string, AccessOutcome | Error, keyof typeof errorCatalogue, number | undefined]>([
    ['an unknown token', { outcome: 'unauthenticated' }, 'UNAUTHENTICATED', CloseCode.unauthenticated],
    ['a token of an ended session', { outcome: 'ended' }, 'SESSION_ENDED', CloseCode.loggedOut],
    ['a token that cannot be looked up', { outcome: 'unavailable' }, 'UNAVAILABLE', undefined],
    ['a verifier that fails', new Error('broken'), 'INTERNAL', undefined],
  ])('refuses %s without binding', async (_name, outcome, reason, closeCode) => {
    const harness = new LogicHarness();
    harness.access.answers.set('token', outcome);
    const connection = harness.connect();
    const sequenceId = connection.logIn('token');
    await harness.settle();
    const { status } = connection.read(sequenceId, statusResponse);
    expect(status?.code).toBe(errorCatalogue[reason].code);
    if (errorCatalogue[reason].retry === 'later') expect(status?.retryAfterMs).toBeGreaterThan(0);
    expect(harness.gate.closed(connection.id)?.code).toBe(closeCode);
    expect(harness.gate.told(connection.id).some((item) => 'bound' in item)).toBe(false);
    expect(await harness.metric('fastim_routes')).toBe(0);
  });

  it.each([
    ['empty', ''],
    ['absurdly long', 'x'.repeat(3_000)],
    ['full of quotes', "' OR 1=1 --"],
  ])('refuses a token that is %s', async (_name, token) => {
    const harness = new LogicHarness();
    const connection = harness.connect();
    const sequenceId = connection.logIn(token);
    await harness.settle();
    expect(connection.read(sequenceId, statusResponse).status?.code).toBe(errorCatalogue.UNAUTHENTICATED.code);
  });

  it('answers ALREADY_BOUND to a second login, and the connection lives on', async () => {
    const harness = new LogicHarness();
    const connection = await harness.online(1n);
    const sequenceId = connection.logIn('2/other/200/1');
    await harness.settle();
    expect(connection.read(sequenceId, statusResponse).status?.code).toBe(errorCatalogue.ALREADY_BOUND.code);
    expect(harness.gate.closed(connection.id)).toBeUndefined();
    const heartbeat = connection.request(Command.heartbeat, new Uint8Array(0));
    await harness.settle();
    expect(connection.read(heartbeat, statusResponse).status).toBeUndefined();
  });

  it('answers ALREADY_BOUND to a second login while the first is being checked', async () => {
    const harness = new LogicHarness();
    const { promise, resolve } = Promise.withResolvers<AccessOutcome>();
    harness.access.answers.set('slow', promise);
    const connection = harness.connect();
    const first = connection.logIn('slow');
    const second = connection.logIn('slow');
    await harness.settle();
    expect(connection.read(second, statusResponse).status?.code).toBe(errorCatalogue.ALREADY_BOUND.code);
    resolve(granted(5n));
    await harness.settle();
    expect(connection.read(first, loginResponse).userId).toBe(1n);
  });

  it('allows another try on the same connection after a failed one', async () => {
    const harness = new LogicHarness();
    harness.access.answers.set('later', { outcome: 'unavailable' });
    const connection = harness.connect();
    connection.logIn('later');
    await harness.settle();
    const sequenceId = connection.logIn('1/phone/10/1');
    await harness.settle();
    expect(connection.read(sequenceId, loginResponse).userId).toBe(1n);
  });

  it('binds nothing for a connection that closed while its token was checked', async () => {
    const harness = new LogicHarness();
    const { promise, resolve } = Promise.withResolvers<AccessOutcome>();
    harness.access.answers.set('slow', promise);
    const connection = harness.connect();
    connection.logIn('slow');
    await harness.settle();
    connection.close();
    resolve(granted(5n));
    await harness.settle();
    expect(harness.gate.told(connection.id)).toEqual([]);
    expect(await harness.metric('fastim_routes')).toBe(0);
  });

  it('binds nothing when the gate went away while the token was checked', async () => {
    const harness = new LogicHarness();
    const { promise, resolve } = Promise.withResolvers<AccessOutcome>();
    harness.access.answers.set('slow', promise);
    harness.connect().logIn('slow');
    await harness.settle();
    harness.logic.detachGate(harness.gate.gateId);
    resolve(granted(5n));
    await harness.settle();
    expect(await harness.metric('fastim_routes')).toBe(0);
  });

  it('lets a new connection of a device take over from the old one', async () => {
    const harness = new LogicHarness();
    const old = await harness.online(1n, 'phone');
    const fresh = await harness.online(1n, 'phone');
    expect(harness.gate.closed(old.id)?.code).toBe(CloseCode.replaced);
    expect(harness.gate.closed(fresh.id)).toBeUndefined();
    // The old connection is heard no more, and its end does not touch the new one.
    const stale = old.request(Command.heartbeat, new Uint8Array(0));
    old.close();
    const alive = fresh.request(Command.heartbeat, new Uint8Array(0));
    await harness.settle();
    expect(old.read(stale, statusResponse).status?.code).toBe(errorCatalogue.UNAUTHENTICATED.code);
    expect(fresh.read(alive, statusResponse).status).toBeUndefined();
    expect(await harness.metric('fastim_routes')).toBe(1);
  });

  it('turns away a connection of an earlier session of the device', async () => {
    const harness = new LogicHarness();
    const current = await harness.online(1n, 'phone', { sessionId: 12n, epoch: 2 });
    const stale = harness.connect();
    const sequenceId = stale.logIn('1/phone/11/1');
    await harness.settle();
    expect(stale.read(sequenceId, statusResponse).status?.code).toBe(errorCatalogue.UNAUTHENTICATED.code);
    expect(harness.gate.closed(stale.id)?.code).toBe(CloseCode.replaced);
    expect(harness.gate.closed(current.id)).toBeUndefined();
  });

  it('keeps two devices of one user side by side', async () => {
    const harness = new LogicHarness();
    const phone = await harness.online(1n, 'phone', { sessionId: 10n });
    const laptop = await harness.online(1n, 'laptop', { sessionId: 11n });
    expect(harness.gate.closed(phone.id)).toBeUndefined();
    expect(harness.gate.closed(laptop.id)).toBeUndefined();
  });

  it('holds a user to the number of connections allowed, and still lets a known device come back', async () => {
    const harness = new LogicHarness({ gateConfig: { connectionsPerUser: 2 } });
    await harness.online(1n, 'phone', { sessionId: 10n });
    await harness.online(1n, 'laptop', { sessionId: 11n });
    const third = harness.connect();
    const sequenceId = third.logIn('1/tablet/12/1');
    await harness.settle();
    const { status } = third.read(sequenceId, statusResponse);
    expect(status?.code).toBe(errorCatalogue.RATE_LIMITED.code);
    expect(status?.retryAfterMs).toBeGreaterThan(0);
    expect(harness.gate.closed(third.id)?.code).toBe(CloseCode.rateLimited);
    const again = await harness.online(1n, 'phone', { sessionId: 10n });
    expect(harness.gate.closed(again.id)).toBeUndefined();
    const other = await harness.online(2n, 'phone');
    expect(harness.gate.closed(other.id)).toBeUndefined();
  });
});

describe('endSession', () => {
  it('closes the connections of that session within the turn, and of no other', async () => {
    const harness = new LogicHarness();
    const phone = await harness.online(1n, 'phone', { sessionId: 10n });
    const laptop = await harness.online(1n, 'laptop', { sessionId: 11n });
    harness.logic.endSession(10n, CloseCode.loggedOut);
    await harness.settle();
    expect(harness.gate.closed(phone.id)?.code).toBe(CloseCode.loggedOut);
    expect(harness.gate.closed(laptop.id)).toBeUndefined();
  });

  it('takes nothing more from the connection, even if its frames are still on their way', async () => {
    const harness = new LogicHarness();
    const conversationId = await harness.direct(1n, 2n, 9n);
    const phone = await harness.online(1n);
    harness.logic.endSession(100n, CloseCode.loggedOut);
    const sequenceId = phone.send(conversationId, 'too late');
    await harness.settle();
    expect(phone.read(sequenceId, statusResponse).status?.code).toBe(errorCatalogue.UNAUTHENTICATED.code);
    expect(harness.storage.batches).toEqual([]);
  });

  it('stops a login whose token was found good just before', async () => {
    const harness = new LogicHarness();
    const { promise, resolve } = Promise.withResolvers<AccessOutcome>();
    harness.access.answers.set('slow', promise);
    const connection = harness.connect();
    const sequenceId = connection.logIn('slow');
    await harness.settle();
    harness.logic.endSession(5n, CloseCode.loggedOut);
    resolve(granted(5n));
    await harness.settle();
    expect(connection.read(sequenceId, statusResponse).status?.code).toBe(errorCatalogue.SESSION_ENDED.code);
    expect(harness.gate.closed(connection.id)?.code).toBe(CloseCode.loggedOut);
    expect(await harness.metric('fastim_routes')).toBe(0);
  });
});
