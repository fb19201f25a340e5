import { connect, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { CLUSTER_VERSION } from './cluster-version.ts';
import { createGateDialer } from './gate-dialer.ts';
import { createLinkContext } from './link-context.ts';
import { type GateLink, gateLink } from './testing/gate-link.ts';
import { gateSelf, logicSelf, metricOf, realClock, record, testNode, until } from './testing/inner-world.ts';
import { recordingGate, recordingLogic } from './testing/recording-ports.ts';
import { PacketType } from './wire/packet-type.ts';

let world: GateLink;
afterEach(() => world?.stop());

type Parts = Partial<Parameters<typeof gateLink>[0]>;

async function setUp(parts: Parts = {}): Promise<GateLink> {
  world = await gateLink({ gate: recordingGate('gate-1', []), logic: recordingLogic([]), ...parts });
  return world;
}

const skewed = (ms: number) => ({ ...realClock, now: () => Date.now() + ms });
const reasons = (): string[] => world.directory.refusals.map(({ reason }) => reason);
const warnings = (logs: GateLink['gateNode']['logs']): unknown[] =>
  logs.filter(({ level }) => level >= 40).map(({ msg, code }) => [msg, code]);

/** Dials until the other side has been refused, by either. */
async function refused(): Promise<void> {
  world.dialer.start();
  await until('somebody was refused', () => world.directory.refusals.length > 0);
  await until('both have logged it', () =>
    [world.gateNode, world.logicNode].every(({ logs }) => warnings(logs).length > 0),
  );
  expect(world.attached.size).toBe(0);
  expect(world.listener.linked).toEqual([]);
}

describe('the handshake of an inner link', () => {
  it('links two nodes with the same secret, in any clock difference that is allowed', async () => {
    await setUp({ logicOptions: { clock: skewed(4_000) } });
    await world.up();
    expect(world.dialer.gates).toEqual(['gate-1']);
    expect(world.listener.linked).toEqual(['logic-1']);
    expect(world.directory.refusals).toEqual([]);
    expect(await metricOf(world.gateNode.registry, 'fastim_inner_links', { link: 'logic' })).toBe(1);
  });

  it('never sends the secret, nor the same proof twice', async () => {
    await setUp();
    const target = innerOf(world);
    const sent: Buffer[] = [];
    const relay = createServer((client) => {
      const server = connect(target);
      client.on('data', (chunk: Buffer) => {
        sent.push(chunk);
        server.write(chunk);
      });
      server.on('data', (chunk: Buffer) => {
        sent.push(chunk);
        client.write(chunk);
      });
      for (const socket of [client, server]) socket.on('error', () => undefined);
      server.on('close', () => client.destroy());
      client.on('close', () => server.destroy());
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    const { port } = relay.address() as { port: number };
    world.directory.set(record(gateSelf('gate-1'), { host: '127.0.0.1', port }));
    await world.up();
    const all = Buffer.concat(sent);
    expect(all.includes('the secret of the cluster')).toBe(false);
    expect(all.includes(Buffer.from(world.gateNode.context.key))).toBe(false);
    await world.dialer.stop();
    relay.close();
  });

  it('refuses a node with another secret, and the node is told', async () => {
    await setUp({ logicOptions: { config: { secret: 'guessed' } } });
    await refused();
    expect(reasons()).toEqual(['it does not know the secret of this cluster']);
    expect(warnings(world.gateNode.logs)).toEqual([['link refused', 'secret']]);
    expect(warnings(world.logicNode.logs)).toEqual([['the other side refused the link', 'secret']]);
    expect(await metricOf(world.gateNode.registry, 'fastim_inner_link_refusals_total', { side: 'ours' })).toBe(1);
  });

  it.each([6_000, -6_000])('refuses a clock that is %i ms off', async (ms) => {
    await setUp({ logicOptions: { clock: skewed(ms) } });
    await refused();
    expect(reasons()[0]).toMatch(ms > 0 ? /^its clock is [56]\d{3} ms ahead/ : /^its clock is [56]\d{3} ms behind/);
    expect(world.directory.refusals[0]).toMatchObject({ by: 'gate-1', from: expect.stringContaining('logic-1') });
  });

  it('refuses another version of what is spoken inside, whatever follows it', async () => {
    await setUp();
    const answer = await hello({ version: CLUSTER_VERSION + 1, rest: Buffer.from('whatever that version says') });
    expect(answer.toString('latin1')).toContain(
      `its cluster version is ${CLUSTER_VERSION + 1}, mine ${CLUSTER_VERSION}`,
    );
    expect(reasons()).toEqual([`its cluster version is ${CLUSTER_VERSION + 1}, mine ${CLUSTER_VERSION}`]);
  });

  it.each([
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a frame of a client', Buffer.from('46535431000000010101000000000000000000000000', 'hex')],
    ['a packet that is large before anybody was proved', Buffer.from('00100000', 'hex')],
    ['a packet of a link that is up', Buffer.from([0, 0, 0, 9, PacketType.ping, 0, 0, 0, 0, 0, 0, 0, 0])],
  ])('hangs up on %s', async (_name, bytes) => {
    await setUp();
    const answer = await exchange(bytes);
    expect(answer.length).toBeLessThan(200);
    expect(world.listener.linked).toEqual([]);
  });

  it('hangs up on who says nothing', async () => {
    await setUp({ gateOptions: { config: { linkSilenceMs: 50 } } });
    expect((await exchange(Buffer.alloc(0))).toString('latin1')).toContain('it did not say who it is');
  });

  it('refuses roles that do not link in here, and an id that is listed as something else', async () => {
    await setUp();
    world.directory.add(record({ nodeId: 'logic-1', name: 'x', role: 'api' }, { host: '127.0.0.1', port: 1 }));
    await refused();
    expect(reasons()).toEqual(['logic-1 is listed as a api, not as a logic']);
  });

  it('refuses an id that belongs to another process, also when that one is gone', async () => {
    await setUp();
    await world.up();
    const pretender = dialerAs(world, 'logic-1');
    pretender.start();
    await until('it was refused', () => world.directory.refusals.length > 0);
    expect(reasons()[0]).toBe('the id logic-1 belongs to another process');
    expect(world.dialer.gates).toEqual(['gate-1']);
    await world.dialer.stop();
    await until('nobody is linked', () => world.listener.linked.length === 0);
    await pretender.stop();
    const another = dialerAs(world, 'logic-1');
    another.start();
    await until('it was refused too', () => world.gateNode.logs.filter(({ code }) => code === 'taken').length > 0);
    expect(world.listener.linked).toEqual([]);
    await another.stop();
  });

  it('refuses a gate that pretends the id of one that is linked: the link stays where it was', async () => {
    await setUp();
    await world.up();
    world.directory.set(record(gateSelf('gate-1'), { host: '127.0.0.1', port: 9 }));
    expect(reasons()[0]).toMatch(/^gate-1 is linked at 127\.0\.0\.1:\d+ and listed at 127\.0\.0\.1:9$/);
    expect(world.dialer.gates).toEqual(['gate-1']);
  });

  it('refuses a gate under an id that another process had, when the first is gone', async () => {
    await setUp();
    await world.up();
    const pretender = await gateLink({ gate: recordingGate('gate-1', []), logic: recordingLogic([]) });
    await world.listener.stop();
    world.directory.set(...pretender.directory.nodes());
    await until('it was refused', () => world.directory.refusals.length > 0);
    expect(reasons()[0]).toBe('the id gate-1 belongs to another process');
    expect(world.dialer.gates).toEqual([]);
    await pretender.stop();
  });

  it('does not call it an intrusion when a node was started anew at the address of the old one', async () => {
    await setUp();
    const [gate] = world.directory.nodes();
    world.directory.set(record(gateSelf('gate-0'), innerOf(world)));
    world.dialer.start();
    await until('both have logged it', () =>
      [world.gateNode, world.logicNode].every(({ logs }) => logs.some(({ code }) => code === 'another')),
    );
    expect(world.directory.refusals).toEqual([]);
    world.directory.set(gate!);
    await until('the new one is linked', () => world.attached.has('gate-1'));
  });

  it('tells the same refusal of the same peer once in half a minute', async () => {
    await setUp();
    for (let index = 0; index < 5; index += 1) {
      world.gateNode.context.refused('ours', '192.0.2.1', { code: 'secret', reason: 'no' });
    }
    expect(world.directory.refusals).toHaveLength(1);
    expect(await metricOf(world.gateNode.registry, 'fastim_inner_link_refusals_total')).toBe(5);
  });

  it('is not begun without a secret', async () => {
    await setUp();
    const { context } = world.gateNode;
    expect(() => createLinkContext({ ...context, config: { ...context.config, secret: '' } })).toThrow(
      /cluster.secret/,
    );
  });
});

/** Where the gate of a world is listed. */
function innerOf({ directory }: GateLink): { host: string; port: number } {
  const [gate] = directory.nodes();
  if (gate?.role !== 'gate') throw new Error('no gate is listed');
  return gate.inner;
}

/** Another process that dials the gate of this world under the given id. */
function dialerAs(of: GateLink, nodeId: string) {
  const { context } = testNode(of.directory, logicSelf(nodeId));
  return createGateDialer(context, {
    logic: { ...recordingLogic([]), attachGate: () => undefined, detachGate: () => undefined },
  });
}

async function hello({ version, rest }: { version: number; rest: Buffer }): Promise<Buffer> {
  const head = Buffer.alloc(6);
  head.writeUInt32BE(0x46_49_4c_4b);
  head.writeUInt16BE(version, 4);
  const payload = Buffer.concat([head, rest]);
  const packet = Buffer.alloc(5);
  packet.writeUInt32BE(payload.length + 1);
  packet[4] = PacketType.hello;
  return exchange(Buffer.concat([packet, payload]));
}

/** What the listener answers until it hangs up. */
function exchange(bytes: Buffer): Promise<Buffer> {
  const socket = connect(innerOf(world));
  const got: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => got.push(chunk));
  if (bytes.length > 0) socket.write(bytes);
  return new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(Buffer.concat(got)));
  });
}
