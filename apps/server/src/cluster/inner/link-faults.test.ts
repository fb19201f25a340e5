import { randomInt } from 'node:crypto';
import { ManualClock } from '@fastim/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import type { UplinkPacket } from '../contract.ts';
import { type GateLink, gateLink } from './testing/gate-link.ts';
import { metricOf, until } from './testing/inner-world.ts';
import { LinkProxy } from './testing/link-proxy.ts';
import { type Call, recordingGate, recordingLogic } from './testing/recording-ports.ts';
import { CONGESTED_BYTES, OVERFLOW_BYTES } from './wire/limits.ts';

let world: GateLink;
let proxy: LinkProxy;
let toLogic: Call[];
let toGate: Call[];

afterEach(async () => {
  await proxy?.stop();
  await world?.stop();
});

async function setUp(linkSilenceMs = 5_000, clock?: ManualClock): Promise<void> {
  [toLogic, toGate] = [[], []];
  const options = { config: { linkSilenceMs }, ...(clock && { clock }) };
  world = await gateLink({
    gate: recordingGate('gate-1', toGate),
    logic: recordingLogic(toLogic),
    gateOptions: options,
    logicOptions: options,
    async via(inner) {
      const made = await LinkProxy.start(inner);
      proxy = made.proxy;
      return made.inner;
    },
  });
}

function uplink(connectionId: number, sequenceId: number, data = Buffer.alloc(100, sequenceId)): UplinkPacket {
  const connection = { gateId: 'gate-1', connectionId };
  const identity = { userId: BigInt(connectionId), deviceId: 'phone', sessionId: 1n, epoch: 1 };
  return { connection, identity, remoteAddress: '192.0.2.1', cmd: 16, msgType: 1, logId: 1, sequenceId, data };
}

const sequences = (): number[] =>
  toLogic.flatMap(([name, packet]) => (name === 'uplink' ? [(packet as UplinkPacket).sequenceId] : []));
const closes = (): unknown[] => toGate.filter(([name]) => name === 'close');
const ends = (node: 'gateNode' | 'logicNode', reason: string): Promise<number> =>
  metricOf(world[node].registry, 'fastim_inner_link_ends_total', { reason });

describe('a link that is cut', () => {
  it('at any byte, in the handshake or behind it, gives whole packets in order up to there, and comes back', async () => {
    await setUp();
    await world.up();
    let said = 0;
    const talking = setInterval(() => {
      for (let count = 0; count < 10; count += 1) world.attached.get('gate-1')?.view(++said, 7n);
    }, 1);
    try {
      for (let round = 0; round < 15; round += 1) {
        proxy.cutAfter = round < 5 ? randomInt(1, 160) : randomInt(160, 6_000);
        proxy.slice = round % 3 === 0 ? 1 : round % 3 === 1 ? 7 : Number.POSITIVE_INFINITY;
        proxy.cut();
        await until('the next one was cut too', () => proxy.cuts > round);
        proxy.cutAfter = undefined;
        proxy.cut();
        await until('both know', () => world.attached.size === 0);
        await until('the link is back', () => world.attached.size === 1 && world.listener.linked.length === 1);
        const heard = toGate.length;
        await until('it carries packets', () => toGate.length > heard);
      }
    } finally {
      clearInterval(talking);
    }
    const ids = toGate.map(([, id]) => id as number);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    expect(toGate.every((call) => call[0] === 'view' && call[2] === 7n)).toBe(true);
    expect(world.gateNode.errors).toEqual([]);
    expect(await ends('gateNode', 'malformed')).toBe(0);
  });

  it('closes its connections at the gate, takes nothing more of them, and gives new ones to it when it is back', async () => {
    await setUp();
    await world.up();
    for (let id = 1; id <= 3; id += 1) world.links.uplink(uplink(id, id));
    await until('they have arrived', () => sequences().length === 3);
    proxy.cut();
    await until('its connections are closed', () => closes().length === 3);
    await until('it is detached', () => world.attached.size === 0);
    await until('it is back', () => world.attached.size === 1 && world.listener.linked.length === 1);
    world.links.uplink(uplink(1, 10));
    world.links.uplink(uplink(4, 11));
    await until('the new one has arrived', () => sequences().includes(11));
    expect(sequences()).toEqual([1, 2, 3, 11]);
  });
});

describe('a link whose other end is silent', () => {
  it.each([
    [
      'its network drops everything',
      () => {
        proxy.swallowing = true;
      },
    ],
    ['it is stopped and reads nothing', () => proxy.stall()],
  ])('is found by the silence, by both sides, and dialled anew: %s', async (_name, fault) => {
    await setUp(200);
    await world.up();
    fault();
    const startedAt = performance.now();
    await until('both have given it up', () => world.attached.size === 0 && world.listener.linked.length === 0);
    const took = performance.now() - startedAt;
    expect(took).toBeGreaterThan(140);
    expect(took).toBeLessThan(1_500);
    expect(await ends('gateNode', 'silence')).toBe(1);
    proxy.swallowing = false;
    proxy.resume();
    proxy.cut();
    await until('it is back', () => world.attached.size === 1);
  });

  it('stays up for as long as there is nothing to say', async () => {
    await setUp(100);
    await world.up();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(proxy.connections).toBe(1);
    expect(await metricOf(world.gateNode.registry, 'fastim_inner_link_round_trip_seconds')).toBeGreaterThan(0);
  });

  it('is not given up by a process that was itself asleep and has bytes to read', async () => {
    const clock = new ManualClock(Date.now());
    await setUp(4_000, clock);
    await world.up();
    // Asleep for long: timers are late by far, and fire before the socket is read.
    for (let looks = 0; looks < 5; looks += 1) {
      clock.jump(60_000);
      clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect([world.attached.size, world.listener.linked.length]).toEqual([1, 1]);
    expect(proxy.connections).toBe(1);
  });
});

describe('a link that is not read', () => {
  it('is congested first, which the gate can ask for, then broken: nothing piles up without bound', async () => {
    await setUp(60_000);
    await world.up();
    const connection = { gateId: 'gate-1', connectionId: 1 };
    world.links.uplink(uplink(1, 0));
    await until('it has arrived', () => sequences().length === 1);
    expect(world.links.congested(connection)).toBe(false);
    expect(world.links.congested({ gateId: 'gate-1', connectionId: 2 })).toBe(false);
    proxy.stall();
    const data = Buffer.alloc(60_000);
    let sent = 0;
    while (!world.links.congested(connection)) {
      world.links.uplink(uplink(1, ++sent, data));
      if (sent % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sent * data.length).toBeGreaterThan(CONGESTED_BYTES - data.length);
    expect(closes()).toEqual([]);
    proxy.resume();
    await until('everything has arrived', () => sequences().length === sent + 1);
    expect(world.links.congested(connection)).toBe(false);
    proxy.stall();
    let bytes = 0;
    while (closes().length === 0) {
      world.links.uplink(uplink(1, 0, data));
      bytes += data.length;
      if (bytes % (20 * data.length) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(bytes).toBeGreaterThan(OVERFLOW_BYTES - data.length);
    expect(bytes).toBeLessThan(OVERFLOW_BYTES + 16 * 1024 * 1024);
    expect(await ends('gateNode', 'overflow')).toBe(1);
  });
});

describe('one turn of the event loop', () => {
  it('is one write, however many packets it makes', async () => {
    await setUp();
    await world.up();
    const sent = (): Promise<number> => metricOf(world.logicNode.registry, 'fastim_inner_link_packets_out_total');
    const [before, flushes] = [await sent(), world.logicNode.flushes];
    for (let id = 0; id < 500; id += 1) world.gate().view(id, undefined);
    await until('all have arrived', () => toGate.length === 500);
    expect((await sent()) - before).toBeGreaterThanOrEqual(500);
    // A ping may have fallen into the time.
    expect(world.logicNode.flushes - flushes).toBeLessThanOrEqual(2);
  });
});

describe('the ends of links', () => {
  it('start and stop any number of times, on both sides, and leave nothing behind', async () => {
    await setUp();
    await Promise.all([world.listener.start(), world.listener.start()]);
    world.dialer.start();
    world.dialer.start();
    await world.up();
    expect(world.directory.watchers).toBe(1);
    expect(proxy.connections).toBe(1);
    await Promise.all([world.dialer.stop(), world.dialer.stop()]);
    expect([world.attached.size, world.directory.watchers]).toEqual([0, 0]);
    await until('the gate knows', () => world.listener.linked.length === 0);
    expect(await ends('gateNode', 'goodbye')).toBe(1);
    expect(world.gateNode.logs.filter(({ level }) => level >= 40)).toEqual([]);
    world.dialer.start();
    await Promise.all([world.listener.stop(), world.listener.stop()]);
    await expect(world.listener.start()).rejects.toThrow('closed for good');
    expect(world.attached.size).toBe(0);
  });

  it('leave no timer behind, whether the link is up, is dialled or waits to be dialled again', async () => {
    for (const state of ['up', 'dialled', 'waiting'] as const) {
      const clock = new ManualClock(Date.now());
      await setUp(1_000, clock);
      if (state === 'up') await world.up();
      else {
        if (state === 'waiting') await proxy.stop();
        world.dialer.start();
        if (state === 'waiting') await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await Promise.all([world.dialer.stop(), world.listener.stop()]);
      await until('all is over', () => clock.pendingTimers === 0);
      const { connections } = proxy;
      clock.advance(60_000);
      expect([clock.pendingTimers, world.attached.size, proxy.connections]).toEqual([0, 0, connections]);
    }
  });

  it('carry what was said before the stop, also when it is more than the network takes at once', async () => {
    await setUp();
    await world.up();
    const gate = world.gate();
    const frame = { cmd: 1, msgType: 2, logId: 0, sequenceId: 0, data: Buffer.alloc(60_000) };
    for (let id = 0; id < 200; id += 1) gate.downlink({ connectionIds: [id], frame });
    await world.dialer.stop();
    gate.downlink({ connectionIds: [200], frame });
    await until('all has arrived', () => toGate.length === 200);
    await until('the gate knows', () => world.listener.linked.length === 0);
    expect(toGate).toHaveLength(200);
    expect(await ends('gateNode', 'goodbye')).toBe(1);
  });

  it('tell a gate that its node leaves in order: it keeps its connections and gets no new ones', async () => {
    await setUp();
    await world.up();
    const other: number[] = [];
    world.links.uplink(uplink(1, 0));
    world.gate().leaving?.();
    await until('it has arrived', () => sequences().length === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    world.links.nodeCame('logic-2', {
      uplink: ({ connection }) => other.push(connection.connectionId),
      connectionClosed: () => undefined,
      interestStale: () => undefined,
      interested: () => undefined,
    });
    for (let id = 2; id < 20; id += 1) world.links.uplink(uplink(id, 1));
    world.links.uplink(uplink(1, 2));
    await until('its own has arrived', () => sequences().length === 2);
    expect(sequences()).toEqual([0, 2]);
    expect(other).toHaveLength(18);
  });

  it('keep a link that is up when the registry forgets its gate, and give it up only when it breaks then', async () => {
    await setUp();
    await world.up();
    const nodes = world.directory.nodes();
    world.directory.set();
    world.gate().view(1, undefined);
    await until('it has arrived', () => toGate.length === 1);
    world.directory.set(...nodes);
    proxy.cut();
    await until('it is back', () => world.attached.size === 1 && proxy.connections === 2);
    world.directory.set();
    proxy.cut();
    await until('it is gone', () => world.attached.size === 0);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(proxy.connections).toBe(2);
  });
});
