import {
  CloseCode,
  Command,
  errorCatalogue,
  type Frame,
  MsgType,
  type OutgoingFrame,
  statusResponse,
} from '@fastim/protocol';
import pino from 'pino';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { UplinkPacket } from '../../cluster/contract.ts';
import { configSchema } from '../../config.ts';
import type { Connection } from '../connection.ts';
import { GateMetrics } from '../gate-metrics.ts';
import { commandStep } from './command-step.ts';
import { directionStep } from './direction-step.ts';
import { forwardStep } from './forward-step.ts';
import { limitStep } from './limit-step.ts';
import { metricsStep } from './metrics-step.ts';
import { sequenceStep } from './sequence-step.ts';
import { stateStep } from './state-step.ts';
import type { UplinkContext } from './uplink-step.ts';

/** As much of a connection as steps use; tests set what it says and read what was done to it. */
class StepConnection {
  state = 'bound';
  isBound = true;
  isCongested = false;
  inFlight = 0;
  lastSequenceId = -1;
  unknownInRow = 0;
  forwarded = false;
  framesLeft = 10;
  heartbeatsLeft = 1;
  id = 3;
  ref = { gateId: 'gate-1', connectionId: 3 };
  remoteAddress = '192.0.2.1';
  identity = undefined;
  readonly did: string[] = [];
  takeFrame = () => this.framesLeft-- > 0;
  takeHeartbeat = () => this.heartbeatsLeft-- > 0;
  waitForLink = () => this.did.push('waits for the link');
  leave = () => this.did.push('leaves');
  loginForwarded = () => this.did.push('login forwarded');
  answered = () => this.did.push('answered');
  close = (code: number) => this.did.push(`closed ${code}`);
  send = (frame: OutgoingFrame) => this.did.push(`said ${statusResponse.decode(frame.data).status?.code}`);

  as(): Connection {
    return this as unknown as Connection;
  }
}

const frame = (more: Partial<Frame> = {}): Frame => ({
  cmd: Command.send,
  msgType: MsgType.request,
  version: 1,
  logId: 9,
  sequenceId: 1,
  data: new Uint8Array(4),
  ...more,
});

function setUp(logic: Partial<UplinkContext['logic']> = {}) {
  const registry = new Registry();
  const census = { count: () => undefined, unsent: () => ({ sum: 0, max: 0 }), unauthenticated: () => 0 };
  const packets: UplinkPacket[] = [];
  const context: UplinkContext = {
    config: configSchema.parse({}).gate,
    metrics: new GateMetrics(registry, census),
    logger: pino({ level: 'silent' }),
    logic: {
      uplink: (packet) => packets.push(packet),
      connectionClosed: () => undefined,
      interestStale: () => undefined,
      interested: () => undefined,
      ...logic,
    },
  };
  return { context, packets, connection: new StepConnection(), registry };
}

describe('the step "limit"', () => {
  it('lets a frame on while there is room, and takes it from the allowance', () => {
    const { context, connection } = setUp();
    expect(limitStep.take(context, connection.as(), frame())).toBe('next');
    expect(connection.framesLeft).toBe(9);
  });

  it.each([
    ['a login is under way', { state: 'authenticating' }],
    ['as many requests as may be are with logic', { inFlight: 64 }],
    ['the client does not read', { isCongested: true }],
    ['its allowance is used up', { framesLeft: 0 }],
  ])('keeps it back while %s', (_what, state) => {
    const { context, connection } = setUp();
    Object.assign(connection, state);
    expect(limitStep.take(context, connection.as(), frame())).toBe('wait');
    expect(connection.did).toEqual([]);
  });

  it('keeps it back while the link is full, without taking anything from the allowance', () => {
    const { context, connection } = setUp({ congested: ({ connectionId }) => connectionId === 3 });
    expect(limitStep.take(context, connection.as(), frame())).toBe('wait');
    expect([connection.did, connection.framesLeft]).toEqual([['waits for the link'], 10]);
  });

  it('closes for too many heartbeats', () => {
    const { context, connection } = setUp();
    expect(limitStep.take(context, connection.as(), frame({ cmd: Command.heartbeat }))).toBe('next');
    expect(limitStep.take(context, connection.as(), frame({ cmd: Command.heartbeat }))).toBe('done');
    expect(connection.did).toEqual([`closed ${CloseCode.rateLimited}`]);
  });
});

describe('the steps "direction", "state", "command" and "sequence"', () => {
  it('let only requests on, and hear a goodbye', () => {
    const { context, connection } = setUp();
    expect(directionStep.take(context, connection.as(), frame())).toBe('next');
    expect(directionStep.take(context, connection.as(), frame({ msgType: MsgType.response }))).toBe('done');
    expect(directionStep.take(context, connection.as(), frame({ msgType: MsgType.notify }))).toBe('done');
    expect(connection.did).toEqual([]);
    directionStep.take(context, connection.as(), frame({ msgType: MsgType.notify, cmd: Command.goodbye }));
    expect(connection.did).toEqual(['leaves']);
  });

  it('let LOGIN on first, and once', () => {
    const { context, connection } = setUp();
    const login = frame({ cmd: Command.login });
    expect(stateStep.take(context, connection.as(), login)).toBe('done');
    expect(stateStep.take(context, connection.as(), frame())).toBe('next');
    connection.isBound = false;
    expect(stateStep.take(context, connection.as(), login)).toBe('next');
    expect(stateStep.take(context, connection.as(), frame())).toBe('done');
    expect(connection.did).toEqual([
      `said ${errorCatalogue.ALREADY_BOUND.code}`,
      `said ${errorCatalogue.UNAUTHENTICATED.code}`,
      `closed ${CloseCode.unauthenticated}`,
    ]);
  });

  it('refuse commands that there are not, and close after too many in a row', () => {
    const { context, connection } = setUp();
    const unknown = frame({ cmd: 250 });
    for (let index = 0; index < 19; index += 1) commandStep.take(context, connection.as(), unknown);
    expect(commandStep.take(context, connection.as(), frame())).toBe('next');
    for (let index = 0; index < 19; index += 1) commandStep.take(context, connection.as(), unknown);
    expect(connection.did.filter((did) => did.startsWith('closed'))).toEqual([]);
    commandStep.take(context, connection.as(), unknown);
    expect(connection.did.slice(-2)).toEqual([
      `said ${errorCatalogue.UNKNOWN_CMD.code}`,
      `closed ${CloseCode.protocolError}`,
    ]);
  });

  it('refuse a sequenceId that does not rise', () => {
    const { context, connection } = setUp();
    const verdicts = [5, 5, 4, 9].map((sequenceId) =>
      sequenceStep.take(context, connection.as(), frame({ sequenceId })),
    );
    expect(verdicts).toEqual(['next', 'done', 'done', 'next']);
    expect(connection.lastSequenceId).toBe(9);
  });
});

describe('the steps "metrics" and "forward"', () => {
  it('count what goes on by command', async () => {
    const { context, connection, registry } = setUp();
    expect(metricsStep.take(context, connection.as(), frame())).toBe('next');
    const frames = await registry.getSingleMetric('fastim_gate_frames_total')!.get();
    expect(frames.values).toMatchObject([{ value: 1, labels: { direction: 'up' } }]);
  });

  it('hand a frame to logic unread, with who sent it', () => {
    const { context, connection, packets } = setUp();
    const data = Uint8Array.of(1, 2, 3);
    expect(forwardStep.take(context, connection.as(), frame({ data, cmd: Command.login }))).toBe('done');
    expect(packets).toMatchObject([
      { connection: { connectionId: 3 }, remoteAddress: '192.0.2.1', cmd: Command.login, logId: 9, sequenceId: 1 },
    ]);
    expect(packets[0]!.data).toBe(data);
    expect([connection.inFlight, connection.forwarded, connection.did]).toEqual([1, true, ['login forwarded']]);
  });

  it('answer for a logic that threw', () => {
    const { context, connection } = setUp({
      uplink: () => {
        throw new Error('a bug');
      },
    });
    expect(forwardStep.take(context, connection.as(), frame())).toBe('done');
    expect(connection.did).toEqual(['answered', `said ${errorCatalogue.INTERNAL.code}`]);
  });
});
