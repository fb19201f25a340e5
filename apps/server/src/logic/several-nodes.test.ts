import { ManualClock } from '@fastim/core/testing';
import { CloseCode, errorName, loginResponse, statusResponse } from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import type { ConnectionRef } from '../cluster/contract.ts';
import { RegistryUnavailable } from '../registry/contract.ts';
import { MemoryRouteTable, type PresenceListener, type Route, type RouteTable } from '../routing/route-table.ts';
import { GatedStorage } from './testing/gated-storage.ts';
import { LogicHarness } from './testing/logic-harness.ts';
import { RecordingGate } from './testing/recording-gate.ts';

/** Routes that are kept outside: others see them when they are written, and nobody while it is down. */
class OutsideRoutes implements RouteTable {
  readonly #all: MemoryRouteTable;
  down = false;
  /** `written` waits for it. */
  writing: Promise<void> = Promise.resolve();

  constructor(all: MemoryRouteTable) {
    this.#all = all;
  }
  get size(): number {
    return this.#all.size;
  }
  add(route: Route): void {
    this.#all.add(route);
  }
  remove(connection: ConnectionRef): Route | undefined {
    return this.#all.remove(connection);
  }
  find(connection: ConnectionRef): Route | undefined {
    return this.#all.find(connection);
  }
  async written(): Promise<void> {
    await this.writing;
    if (this.down) throw new RegistryUnavailable('down');
  }
  async ofUser(userId: bigint): Promise<readonly Route[]> {
    if (this.down) throw new RegistryUnavailable('down');
    return this.#all.ofUser(userId);
  }
  ofSession(sessionId: bigint): readonly Route[] {
    return this.#all.ofSession(sessionId);
  }
  removeGate(gateId: string): readonly Route[] {
    return this.#all.removeGate(gateId);
  }
  watch(listener: PresenceListener): () => void {
    return this.#all.watch(listener);
  }
}

async function setUp() {
  const all = new MemoryRouteTable();
  const shared = { storage: new GatedStorage(), clock: new ManualClock() };
  const routes = [new OutsideRoutes(all), new OutsideRoutes(all)] as const;
  const one = new LogicHarness({ ...shared, routes: routes[0], gate: new RecordingGate('gate-1') });
  const two = new LogicHarness({ ...shared, routes: routes[1], gate: new RecordingGate('gate-2') });
  await one.users(3);
  // Each node reaches both gates.
  one.logic.attachGate(two.gate);
  two.logic.attachGate(one.gate);
  return { one, two, routes, storage: shared.storage };
}

describe('a log-in where routes are kept outside', () => {
  it('is answered when others can see the route, and bound only then', async () => {
    const { one, routes } = await setUp();
    const written = Promise.withResolvers<void>();
    routes[0].writing = written.promise;
    const connection = one.connect();
    const sequenceId = connection.logIn('1/phone/100/1');
    await one.settle();
    expect(connection.answered(sequenceId)).toBe(false);
    written.resolve();
    await one.settle();
    expect(connection.read(sequenceId, loginResponse).status).toBeUndefined();
  });

  it('waits for the registry: come again, and nothing is left of it', async () => {
    const { one, routes } = await setUp();
    routes[0].down = true;
    const connection = one.connect();
    const sequenceId = connection.logIn('1/phone/100/1');
    await one.settle();
    const { status } = connection.read(sequenceId, statusResponse);
    expect(errorName(status!.code)).toBe('UNAVAILABLE');
    expect(status!.retryAfterMs).toBeGreaterThan(0);
    expect(routes[0].size).toBe(0);
    routes[0].down = false;
    const again = connection.logIn('1/phone/100/1');
    await one.settle();
    expect(connection.read(again, loginResponse).status).toBeUndefined();
  });

  it('leaves one connection of a device that two nodes let in at the same time', async () => {
    const { one, two, routes } = await setUp();
    const written = Promise.withResolvers<void>();
    routes[0].writing = written.promise;
    routes[1].writing = written.promise;
    const here = one.connect();
    const there = two.connect();
    const answers = [here.logIn('1/phone/100/1'), there.logIn('1/phone/100/1')] as const;
    await one.settle();
    written.resolve();
    await one.settle();
    const loggedIn = [here, there].filter((each, index) => {
      const answer = each.answered(answers[index]!) && each.read(answers[index]!, loginResponse);
      return answer && !answer.status;
    });
    expect(await one.logic.onlineSessions(1n)).toEqual(new Set([100n]));
    expect(routes[0].size).toBe(1);
    expect(loggedIn.length).toBeGreaterThanOrEqual(1);
  });

  it('is over when its session is ended while the route is written', async () => {
    const { one, routes } = await setUp();
    const written = Promise.withResolvers<void>();
    routes[0].writing = written.promise;
    const connection = one.connect();
    const sequenceId = connection.logIn('1/phone/100/1');
    await one.settle();
    one.logic.endSession(100n, CloseCode.loggedOut);
    written.resolve();
    await one.settle();
    expect(connection.answered(sequenceId)).toBe(false);
    expect(routes[0].size).toBe(0);
  });
});

describe('a message while routes cannot be looked up', () => {
  it('is stored and acked, and its receiver learns of it by his next pull', async () => {
    const { one, two, routes } = await setUp();
    const alice = await one.online(1n);
    const bob = await two.online(2n);
    const conversationId = await one.direct(1n, 2n, 1n << 20n);
    routes[0].down = true;
    const sent = alice.send(conversationId, 'hello');
    await one.settle();
    expect(alice.ack(sent).convSeq).toBe(1);
    expect(bob.texts()).toEqual([]);
    const states = await two.storage.conversations.membership(conversationId, 2n);
    expect(states?.lastSeq).toBe(1);
  });
});

describe('a node that leaves in order', () => {
  it('sends its connections away a few at a time, and is done when they are gone', async () => {
    const { one } = await setUp();
    const connections: Awaited<ReturnType<typeof one.online>>[] = [];
    for (let device = 0; device < 9; device += 1)
      connections.push(await one.online(1n, `device${device}`, { sessionId: BigInt(device + 1) }));
    let done = false;
    const left = one.logic.leave(1_000).then(() => {
      done = true;
    });
    await one.settle();
    const closes = () =>
      connections.flatMap(({ id }) => one.gate.told(id).flatMap((each) => ('closed' in each ? [each.closed] : [])));
    const first = closes().length;
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(5);
    for (let step = 0; step < 12; step += 1) await one.advance(100);
    expect(closes()).toHaveLength(9);
    expect(closes().every(({ code }) => code === CloseCode.nodeLost)).toBe(true);
    expect(done).toBe(false);
    for (const connection of connections) connection.close();
    await one.advance(100);
    await left;
    expect(done).toBe(true);
  });

  it('does not wait for ever for those that do not go', async () => {
    const { one } = await setUp();
    await one.online(1n);
    let done = false;
    void one.logic.leave(500).then(() => {
      done = true;
    });
    for (let step = 0; step < 20; step += 1) await one.advance(100);
    expect(done).toBe(true);
    expect(one.clock.pendingTimers).toBeLessThan(5);
  });
});
