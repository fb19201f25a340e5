import { afterEach, describe, expect, it } from 'vitest';
import type { GatePort, LogicPort } from '../contract.ts';
import { type LinkErrorHandler, linkToGate, linkToLogic } from '../in-process.ts';
import { anyGateCall, anyLogicCall, fc, type GateCall, type LogicCall } from './testing/arbitrary-packets.ts';
import { gateLink } from './testing/gate-link.ts';
import { until } from './testing/inner-world.ts';
import { type Call, recordingGate, recordingLogic } from './testing/recording-ports.ts';

/** Both ends of one way between a gate and a logic node. */
interface Way {
  /** What the gate calls, and what logic calls. */
  readonly logic: LogicPort;
  readonly gate: GatePort;
  stop(): Promise<void>;
}

type MakeWay = (gate: GatePort, logic: LogicPort, onError: LinkErrorHandler) => Promise<Way>;

const inProcess: MakeWay = async (gate, logic, onError) => ({
  logic: linkToLogic(logic, onError),
  gate: linkToGate(gate, onError),
  stop: async () => undefined,
});

const overTcp: MakeWay = async (gate, logic, onError) => {
  const world = await gateLink({ gate, logic });
  await world.up();
  return {
    logic: world.links,
    gate: world.gate(),
    async stop() {
      for (const error of [...world.gateNode.errors, ...world.logicNode.errors]) onError(error);
      await world.stop();
    },
  };
};

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

describe.each([
  ['in one process', inProcess],
  ['over TCP', overTcp],
])('the way between a gate and a logic node %s', (_name, make) => {
  async function setUp(failOn?: (call: Call) => boolean) {
    const toLogic: Call[] = [];
    const toGate: Call[] = [];
    const errors: unknown[] = [];
    const way = await make(recordingGate('gate-1', toGate, failOn), recordingLogic(toLogic, failOn), (error) =>
      errors.push(error),
    );
    stops.push(() => way.stop());
    return { way, toLogic, toGate, errors };
  }

  const callLogic = (logic: LogicPort, [name, ...args]: LogicCall): void =>
    (logic[name] as (...args: unknown[]) => void)(...args);
  const callGate = (gate: GatePort, [name, ...args]: GateCall): void =>
    (gate[name] as (...args: unknown[]) => void)(...args);
  /** Uplinks of a link say when they were handed over; of one that came before its connection's first, nobody hears. */
  const comparable = (calls: readonly Call[]): unknown[] =>
    calls
      .filter(([name, change]) => !(name === 'interested' && change === undefined))
      .map(([name, ...args]) => [name, ...args.map((arg) => withoutTime(arg))]);
  const withoutTime = (arg: unknown): unknown =>
    typeof arg === 'object' && arg !== null && 'handedOverMs' in arg ? { ...arg, handedOverMs: 0 } : arg;

  it('has no effect before a call returns, and keeps all calls in order in each direction', async () => {
    const { way, toLogic, toGate } = await setUp();
    await until('what a node that comes is told has arrived', () => way.gate !== undefined);
    const uplinks = fc
      .sample(anyLogicCall('gate-1'), { numRuns: 300, seed: 5 })
      .filter(([name]) => name === 'uplink') as LogicCall[];
    const downlinks = fc.sample(anyGateCall, { numRuns: 300, seed: 6 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    toLogic.length = 0;
    for (let index = 0; index < downlinks.length; index += 1) {
      if (uplinks[index]) callLogic(way.logic, uplinks[index]!);
      callGate(way.gate, downlinks[index]!);
      if (index === 20) expect([toLogic, toGate]).toEqual([[], []]);
    }
    await until('all has arrived', () => toLogic.length >= uplinks.length && toGate.length >= downlinks.length);
    expect(comparable(toLogic)).toEqual(comparable(uplinks));
    expect(toGate).toEqual(downlinks);
  });

  it('tells the end of a connection behind its last packet, with who it was', async () => {
    const { way, toLogic } = await setUp();
    const identity = { userId: 1n, deviceId: 'phone', sessionId: 2n, epoch: 3 };
    const connection = { gateId: 'gate-1', connectionId: 9 };
    const packet = {
      connection,
      identity: undefined,
      remoteAddress: '192.0.2.1',
      cmd: 1,
      msgType: 1,
      logId: 1,
      sequenceId: 0,
      data: Buffer.from('x'),
    };
    way.logic.uplink(packet);
    way.logic.uplink({ ...packet, identity, sequenceId: 1 });
    way.logic.connectionClosed(connection, identity);
    const seen = (): Call[] => toLogic.filter(([name]) => name !== 'interested');
    await until('the end is told', () => seen().length === 3);
    expect(seen()).toMatchObject([
      ['uplink', { identity: undefined, sequenceId: 0, connection, remoteAddress: '192.0.2.1' }],
      ['uplink', { identity, sequenceId: 1 }],
      ['connectionClosed', connection, identity],
    ]);
  });

  it('delivers what is behind a packet on which the receiver failed, and reports the failure', async () => {
    const { way, toGate, errors } = await setUp(([, id]) => id === 2);
    for (const id of [1, 2, 3]) way.gate.view(id, 7n);
    await until('all has arrived', () => toGate.length === 3);
    expect(toGate).toEqual([1, 2, 3].map((id) => ['view', id, 7n]));
    for (const stop of stops.splice(0)) await stop();
    expect(errors).toEqual([new Error("choked on [ 'view', 2, 7n ]")]);
  });
});

describe('a link over TCP', () => {
  it('says when the gate handed the packets over, by the clock of the gate', async () => {
    const seen: Call[] = [];
    const ahead = { now: () => Date.now() + 2_000, setTimer: (_ms: number, _run: () => void) => () => undefined };
    const world = await gateLink({
      gate: recordingGate('gate-1', []),
      logic: recordingLogic(seen),
      gateOptions: { clock: ahead },
    });
    stops.push(() => world.stop());
    await world.up();
    const [call] = fc.sample(anyLogicCall('gate-1'), { numRuns: 20, seed: 1 }).filter(([name]) => name === 'uplink');
    const packet = { ...(call![1] as Parameters<LogicPort['uplink']>[0]), handedOverMs: undefined };
    const { handedOverMs: _none, ...plain } = packet;
    world.links.uplink(plain);
    await until('it has arrived', () => seen.some(([name]) => name === 'uplink'));
    const [, uplink] = seen.find(([name]) => name === 'uplink') as [string, { handedOverMs: number }];
    expect(Math.abs(uplink.handedOverMs - ahead.now())).toBeLessThan(1_500);
  });

  it('reports a packet that no link takes, and carries those behind it', async () => {
    const seen: Call[] = [];
    const world = await gateLink({ gate: recordingGate('gate-1', seen), logic: recordingLogic([]) });
    stops.push(() => world.stop());
    await world.up();
    world.gate().close(1, { code: 1, reason: 'x'.repeat(70_000), retryAfterMs: 0 });
    world.gate().view(1, undefined);
    await until('it has arrived', () => seen.length > 0);
    expect(seen).toEqual([['view', 1, undefined]]);
    expect(world.logicNode.errors).toEqual([expect.any(RangeError)]);
  });
});
