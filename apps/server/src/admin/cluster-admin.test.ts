import { ManualClock } from '@fastim/core/testing';
import pino from 'pino';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMetricsServer } from '../observe/metrics-server.ts';
import { TraceRing } from '../observe/trace-ring.ts';
import type { ClusterEvent, ClusterRegistry } from '../registry/contract.ts';
import { redisServerBinary } from '../registry/testing/redis-server.ts';
import { gateRecord, logicRecord, type RegistryWorld, redisWorld } from '../registry/testing/registry-world.ts';
import { adminTokenOfSecret } from './admin-token.ts';
import { runAdmin } from './run-admin.ts';
import { startAdmin } from './start-admin.ts';

const logger = pino({ level: 'silent' });
const secret = 'the secret of the cluster, with spaces and ünïcode';
const token = adminTokenOfSecret(secret);

describe.skipIf(!redisServerBinary)('admin of a cluster', () => {
  let world: RegistryWorld;
  let gate: ClusterRegistry;
  let logic: ClusterRegistry;
  const traces = { gate: new TraceRing({ now: () => 1 }), logic: new TraceRing({ now: () => 2 }) };
  const ended: string[] = [];
  let stopAll: (() => Promise<void>)[] = [];
  let at: string;

  beforeEach(async () => {
    world = await redisWorld();
    [gate, logic] = [await world.open('g', 'gate'), await world.open('l', 'logic')];
    gate.directory.announce(() => gateRecord('g', { name: 'gate-1', connections: 1 }));
    logic.directory.announce(() => logicRecord('l', { name: 'logic-1', gates: ['g'] }));
    await logic.routes.start();
    const clock = new ManualClock();
    const atGate = startAdmin({
      self: { nodeId: 'g', name: 'gate-1', role: 'gate' },
      registry: gate,
      gate: {
        gateId: 'g',
        load: () => ({ connections: 1 }),
        list: () => [{ connectionId: 4, userId: '7' }],
      },
      trace: traces.gate,
      token,
      clock,
      logger,
    });
    const session = { sessionId: 70n, deviceId: 'phone' };
    const atLogic = startAdmin({
      self: { nodeId: 'l', name: 'logic-1', role: 'logic' },
      registry: logic,
      storage: {
        sessions: {
          ofUser: async (userId) => (userId === 7n ? [session as never] : []),
          end: async (sessionId) => void ended.push(`end ${sessionId}`) as never,
        },
        users: { byUsernameKey: async (key) => (key === 'alice' ? ({ userId: 7n } as never) : undefined) },
        conversations: { directMembers: async () => [], states: async () => [] },
        messages: { history: async () => [] },
        ended: (sessionId) => ended.push(`close ${sessionId}`),
      },
      trace: traces.logic,
      token,
      clock,
      logger,
    });
    // The operator asks the gate, which has no storage.
    const server = createMetricsServer({ port: 0, registry: new Registry(), logger, admin: atGate.handle });
    at = `http://127.0.0.1:${await server.start()}`;
    stopAll = [async () => atGate.stop(), async () => atLogic.stop(), () => server.stop()];
    await world.until(() => {
      expect([gate, logic].map((registry) => registry.directory.nodes().length)).toEqual([2, 2]);
    });
  });
  afterEach(async () => {
    for (const stop of stopAll) await stop();
    await world.stop();
    ended.length = 0;
  });

  async function admin(...words: string[]) {
    const lines: string[] = [];
    const exitCode = await runAdmin(
      [...words, '--at', at],
      { FASTIM_CLUSTER_SECRET: secret },
      {
        out: (line) => lines.push(line),
        complain: () => undefined,
      },
    );
    return { exitCode, answer: JSON.parse(lines.at(-1)!) };
  }

  it('asks the node that knows, and orders the one that can, from any node', async () => {
    logic.routes.add({
      connection: { gateId: 'g', connectionId: 4 },
      identity: { userId: 7n, deviceId: 'phone', sessionId: 70n, epoch: 1 },
    });
    await logic.routes.written({ gateId: 'g', connectionId: 4 });
    expect((await admin('gates')).answer.gates).toMatchObject([{ name: 'gate-1', logicNodes: ['logic-1'] }]);
    expect((await admin('connections', '--user', 'alice')).answer).toEqual({
      connections: [{ gateId: 'g', gate: 'gate-1', connectionId: 4, userId: '7' }],
      more: false,
      missing: [],
    });
    expect((await admin('routes', '--user', '7')).answer.routes).toMatchObject([
      { gate: 'gate-1', logicNode: 'logic-1' },
    ]);
    expect((await admin('kick', '--user', 'Alice')).answer).toMatchObject({ userId: '7', sessionIds: ['70'] });
    // Ended for good before its connections are closed.
    expect(ended).toEqual(['end 70', 'close 70']);
  });

  it('puts together what all know of a message, and orders gates', async () => {
    traces.gate.note('forwarded', 99, { connectionId: 4 });
    traces.logic.note('stored', 99, { msgId: 5n, conversationId: 3n, convSeq: 1 });
    const { answer } = await admin('trace', '--msg-id', '5');
    expect(answer.way).toMatchObject([
      { what: 'forwarded', node: 'gate-1' },
      { what: 'stored', node: 'logic-1', msgId: '5' },
    ]);
    const orders: ClusterEvent[] = [];
    logic.bus.subscribe((event) => orders.push(event));
    expect((await admin('reconnect', 'gate-1', '--window', '2m')).exitCode).toBe(0);
    expect((await admin('drain', 'g')).exitCode).toBe(0);
    await world.until(() => {
      expect(orders).toEqual([
        { type: 'reconnect-gate', gateId: 'g', windowMs: 120_000 },
        { type: 'drain-gate', gateId: 'g' },
      ]);
    });
  });

  it('says so when the registry is away, and shows what it knows without it', async () => {
    await world.down();
    await world.until(() => expect(gate.reachable).toBe(false));
    expect(await admin('drain', 'gate-1')).toMatchObject({
      exitCode: 1,
      answer: { error: { code: 'REGISTRY_UNAVAILABLE' } },
    });
    expect((await admin('nodes')).answer.nodes).toHaveLength(2);
  });
});

describe('the notes of messages', () => {
  it('are bounded, the newest stay, and lead from the msg_id to the request', () => {
    const clock = new ManualClock(1_000);
    const ring = new TraceRing({ now: () => clock.now(), size: 100 });
    for (let logId = 1; logId <= 250; logId += 1) {
      clock.advance(1);
      ring.note('accepted', logId);
      ring.note('stored', logId, { msgId: BigInt(logId) * 10n });
    }
    expect(ring.find({ logId: 1, msgId: null }, 10)).toEqual([]);
    expect(ring.find({ logId: 250, msgId: null }, 10).map((entry) => entry.what)).toEqual(['accepted', 'stored']);
    const found = ring.find({ logId: null, msgId: '2010' }, 10);
    expect(found.map((entry) => [entry.what, entry.logId])).toEqual([
      ['accepted', 201],
      ['stored', 201],
    ]);
    expect(ring.find({ logId: null, msgId: '2000' }, 10)).toEqual([]);
  });
});
