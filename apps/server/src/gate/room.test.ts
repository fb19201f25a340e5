import { CloseCode, Command, MsgType, reconnect } from '@fastim/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import type { GateConfig } from '../config.ts';
import { HEAP_LOOK_MS, TICK_MS } from './gate-limits.ts';
import type { FakeSocket } from './testing/fake-socket.ts';
import { GateFixture, until } from './testing/gate-fixture.ts';
import { GroupHarness } from './testing/group-harness.ts';
import { request } from './testing/tcp-client.ts';

describe('room at a gate', () => {
  let fixture: GateFixture;
  const start = async (...options: ConstructorParameters<typeof GateFixture>) => {
    fixture = await new GateFixture(...options).start();
    return fixture;
  };
  afterEach(() => fixture.stop());

  it('is for so many connections, and says so', async () => {
    await start({ connections: 2 });
    await fixture.connectBound('1:a');
    const second = await fixture.connectBound('2:a');
    expect(fixture.gate.load()).toEqual({ connections: 2, capacity: 2, accepting: true });
    const third = await fixture.connect();
    await third.gone();
    expect(third.goodbye?.closeCode).toBe(CloseCode.gateFull);
    second.destroy();
    await until('it is gone', () => fixture.gate.load().connections === 1);
    await fixture.connectBound('3:a');
  });

  it('ends for newcomers while memory runs out; those who are in stay', async () => {
    let used = 50;
    await start({ heapLimitPercent: 70 }, { heapUsedPercent: () => used });
    const client = await fixture.connectBound('1:a');
    const look = (times: number) => {
      for (let index = 0; index < times; index += 1) fixture.clock.advance(HEAP_LOOK_MS);
    };
    look(3);
    used = 75;
    // Once or twice may be garbage.
    look(2);
    expect(fixture.gate.load().accepting).toBe(true);
    look(1);
    expect(fixture.gate.load().accepting).toBe(false);
    const late = await fixture.connect();
    await late.gone();
    expect(late.goodbye).toMatchObject({ closeCode: CloseCode.gateFull, reason: 'memory runs out' });
    client.send(request(Command.sync, 1, 'still here'));
    await client.until('it is answered', () => client.response(1) !== undefined);
    used = 40;
    look(1);
    expect(fixture.gate.load().accepting).toBe(true);
    await fixture.connectBound('2:a');
    expect(fixture.logs.filter(({ msg }) => msg === 'memory of the gate')).toMatchObject([
      { isFull: true, isShedding: false },
      { isFull: false },
    ]);
  });

  it('drops what may be dropped when hardly any memory is left', async () => {
    let used = 90;
    await start({}, { heapUsedPercent: () => used });
    const client = await fixture.connectBound('1:a');
    for (let index = 0; index < 3; index += 1) fixture.clock.advance(HEAP_LOOK_MS);
    const push = (cmd: number) =>
      fixture.logic.deliver([1], { cmd, msgType: MsgType.notify, logId: 0, sequenceId: 0, data: Buffer.from('x') });
    push(Command.typingPush);
    push(Command.messages);
    used = 10;
    fixture.clock.advance(HEAP_LOOK_MS);
    push(Command.typingPush);
    await client.until('two came', () => client.frames.length === 3);
    expect(client.frames.slice(1).map(({ cmd }) => cmd)).toEqual([Command.messages, Command.typingPush]);
    expect(await fixture.count('fastim_gate_dropped_total')).toBe(1);
  });

  it('is listed, connection by connection', async () => {
    await start();
    fixture.clock.advance(10_000);
    await fixture.connectBound('7:phone');
    await fixture.connectBound('7:tablet');
    await fixture.connect();
    await until('all are in', () => fixture.gate.load().connections === 3);
    const all = fixture.gate.list({ limit: 10 });
    expect(all.map(({ userId, deviceId, state }) => [userId, deviceId, state])).toEqual([
      ['7', 'phone', 'bound'],
      ['7', 'tablet', 'bound'],
      [null, null, 'accepted'],
    ]);
    expect(all[0]).toEqual({
      connectionId: 1,
      userId: '7',
      deviceId: 'phone',
      transport: 'tcp',
      remoteAddress: '127.0.0.1',
      state: 'bound',
      sinceMs: fixture.clock.now(),
      queuedBytes: 0,
    });
    expect(fixture.gate.list({ userId: 7n, limit: 1 })).toMatchObject([{ deviceId: 'phone' }]);
    expect(fixture.gate.list({ userId: 8n, limit: 10 })).toEqual([]);
  });

  it('asks all who are logged in to come back at a moment of their own, and goes on as before', async () => {
    await start();
    const clients = await Promise.all(Array.from({ length: 40 }, (_, user) => fixture.connectBound(`${user + 1}:a`)));
    const stranger = await fixture.connect();
    await until('all are in', () => fixture.gate.load().connections === 41);
    expect(fixture.gate.reconnectAll(60_000)).toBe(40);
    await Promise.all(clients.map((client) => client.until('it is told', () => client.frames.length === 2)));
    const delays = clients.map(({ frames }) => reconnect.decode(frames[1]!.data).delayMs).toSorted((a, b) => a - b);
    expect(delays[0]).toBeLessThan(15_000);
    expect(delays.at(-1)).toBeGreaterThan(45_000);
    expect(delays.at(-1)).toBeLessThan(60_000);
    expect(new Set(delays).size).toBeGreaterThan(30);
    expect(stranger.frames).toEqual([]);
    clients[0]!.send(request(Command.sync, 1));
    await clients[0]!.until('it is served', () => clients[0]!.response(1) !== undefined);
    await fixture.connectBound('100:a');
    expect(fixture.gate.load().accepting).toBe(true);
    expect(fixture.gate.reconnectAll(0)).toBe(41);
  });

  it('counts somebody who arrived from the moment in which it says so', async () => {
    const arrivals: Array<[bigint, number]> = [];
    await start({}, { arrived: (userId) => arrivals.push([userId, fixture.gate.load().connections]) });
    await fixture.connectBound('7:a');
    expect(arrivals).toEqual([[7n, 1]]);
  });
});

describe('a connection whose link to logic is full', () => {
  const setUp = async (config: Partial<GateConfig> = {}) => {
    const gate = await new GroupHarness(config).start();
    const full = new Set<number>();
    gate.logic.congested = (connection) => full.has(connection.connectionId);
    return { gate, full };
  };

  it('is not read until there is room again; nothing is lost or reordered, and others go on', async () => {
    const { gate, full } = await setUp();
    const [one, other] = [gate.connect(1n), gate.connect(2n)];
    full.add(one.id);
    one.send(request(Command.send, 1, 'a'), request(Command.send, 2, 'b'));
    other.send(request(Command.send, 1, 'c'));
    const arrived = () => gate.logic.requests.map(({ data }) => Buffer.from(data).toString());
    expect(arrived()).toEqual(['c']);
    expect(one.socket.paused).toBe(true);
    // For as long as it takes: it is not the client's fault.
    for (let passed = 0; passed < 40_000; passed += TICK_MS) gate.clock.advance(TICK_MS);
    expect(arrived()).toEqual(['c']);
    expect(one.socket.ends).toEqual([]);
    full.clear();
    gate.clock.advance(TICK_MS);
    expect(arrived()).toEqual(['c', 'a', 'b']);
    expect(one.socket.paused).toBe(false);
    await gate.stop();
  });
});

describe('strangers from many addresses', () => {
  it('a thousand of them hold up nobody: whoever comes with a LOGIN is in at once', async () => {
    const gate = await new GroupHarness({
      ...{ unauthenticatedConnections: 1_000, connectionsPerAddress: 50, acceptBurstPerAddress: 1_000 },
    }).start();
    const held: FakeSocket[] = [];
    for (let address = 0; address < 20; address += 1) {
      for (let each = 0; each < 50; each += 1) held.push(gate.arrives(`198.51.100.${address}`)!);
    }
    expect(held.every((socket) => socket !== undefined)).toBe(true);
    for (let user = 1n; user <= 200n; user += 1n) {
      const socket = gate.arrives(`203.0.113.${user % 100n}`);
      expect(socket).toBeDefined();
      gate.logsIn(socket!, user);
    }
    const loggedIn = gate.gate.list({ limit: 10_000 }).filter(({ userId }) => userId !== null);
    expect(loggedIn).toHaveLength(200);
    // One place was needed at a time: whoever logged in left it to the next.
    expect(held.filter(({ ends }) => ends.length > 0)).toHaveLength(1);
    expect(await gate.metric('fastim_gate_unauthenticated')).toBe(999);
    for (const socket of held) socket.close();
    await gate.stop();
  });
});
