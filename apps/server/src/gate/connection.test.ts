import { ManualClock } from '@fastim/core/testing';
import { CloseCode, Command, encodeFrames, type Frame, MsgType } from '@fastim/protocol';
import fc from 'fast-check';
import pino from 'pino';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { configSchema, type GateConfig } from '../config.ts';
import { Connection, type ConnectionHost } from './connection.ts';
import { ConnectionTable } from './connection-table.ts';
import { DeadlineWheel } from './deadline-wheel.ts';
import { Downlink } from './downlink.ts';
import { TICK_MS } from './gate-limits.ts';
import { GateMetrics } from './gate-metrics.ts';
import { GroupIndex } from './groups/group-index.ts';
import { GroupMetrics } from './groups/group-metrics.ts';
import { connectionRates } from './rate-allowance.ts';
import { FakeLogic } from './testing/fake-logic.ts';
import { FakeSocket } from './testing/fake-socket.ts';
import { request } from './testing/tcp-client.ts';
import { Uplink, uplinkSteps } from './uplink/uplink.ts';

/** One connection with everything around it but the network; ticks end when told to. */
function setUp(config: Partial<GateConfig> = {}, transport: 'tcp' | 'websocket' = 'tcp') {
  const clock = new ManualClock();
  const wheel = new DeadlineWheel(clock);
  wheel.start();
  const merged = { ...configSchema.parse({}).gate, ...config };
  const logger = pino({ level: 'silent' });
  const table = new ConnectionTable();
  const census = { count: () => undefined, unsent: () => ({ sum: 0, max: 0 }), unauthenticated: () => 0 };
  const registry = new Registry();
  const metrics = new GateMetrics(registry, census);
  const logic = new FakeLogic();
  const deferred: Array<() => void> = [];
  const downlink = new Downlink(
    table,
    logger,
    (callback) => deferred.push(callback),
    () => groups.endTick(),
  );
  const groupMetrics: GroupMetrics = new GroupMetrics(registry, {
    conversations: () => groups.conversations,
    follows: () => groups.follows,
  });
  const groups: GroupIndex = new GroupIndex({
    gateId: 'gate-1',
    logic,
    metrics: groupMetrics,
    logger,
    clock,
    connectionsOf: (userId) => table.ofUser(userId),
    flushLater: (each) => downlink.flushLater(each),
    now: () => wheel.now,
  });
  const host: ConnectionHost = {
    config: merged,
    rates: connectionRates(merged),
    wheel,
    metrics,
    logger,
    uplink: new Uplink({ config: merged, logic, metrics, logger }),
    groups,
    groupMetrics,
    flushLater: (each) => downlink.flushLater(each),
    isShedding: false,
    expected: () => undefined,
    loginsUnderWay: () => undefined,
    ticketRefused: () => undefined,
    bound: (each) => table.bound(each, each.identity!.userId) > 0,
    gone: (connection) => table.remove(connection),
    complain: () => undefined,
  };
  const socket = new FakeSocket(transport);
  const connection = new Connection(host, { gateId: 'gate-1', connectionId: table.nextId() }, socket, '192.0.2.1', 0);
  table.add(connection);
  connection.start();
  logic.gate = {
    gateId: 'gate-1',
    bind: (id, identity) => table.get(id)?.bind(identity),
    downlink: (packet) => downlink.deliver(packet),
    follow: (id, wanted) => groups.follow(table.get(id)!, wanted),
    view: (id, conversationId) => groups.view(table.get(id)!, conversationId),
    confirm: (...answer) => groups.confirm(...answer),
    group: (packet) => groups.group(packet),
    signal: (signal) => groups.signal(signal),
    close: (id, { code, reason }) => table.get(id)?.close(code, reason),
  };
  const endTick = () => {
    for (const callback of deferred.splice(0)) callback();
  };
  return { clock, wheel, logic, socket, connection, endTick, metrics, groupMetrics, config: merged };
}

describe('a connection', () => {
  let parts: ReturnType<typeof setUp>;
  afterEach(() => parts.wheel.stop());
  const logIn = () => {
    parts.socket.arrive(encodeFrames([request(Command.login, 0)]));
    parts.endTick();
  };

  it('writes nothing before the tick ends, then everything at once', () => {
    parts = setUp();
    parts.socket.arrive(encodeFrames([request(Command.login, 0), request(Command.send, 1), request(Command.sync, 2)]));
    expect(parts.socket.sent.frames).toEqual([]);
    parts.endTick();
    parts.endTick();
    expect(parts.socket.sent.frames).toHaveLength(3);
    expect(parts.metrics.writes).toBe(1);
  });

  it('copies a small request out of a large chunk, and keeps views of chunks of its own size', () => {
    parts = setUp();
    logIn();
    const large = encodeFrames([request(Command.send, 1, 'small'), request(Command.send, 2, Buffer.alloc(60_000))]);
    parts.socket.arrive(large);
    const [, small, big] = parts.logic.packets;
    expect(Buffer.from(small!.data).toString()).toBe('small');
    expect(small!.data.buffer.byteLength).toBeLessThan(100);
    expect(big!.data.buffer).toBe(large.buffer);
  });

  it('finishes what it was doing when the socket is gone, and takes nothing after it', () => {
    parts = setUp();
    logIn();
    parts.logic.holding = true;
    parts.socket.arrive(encodeFrames([request(Command.send, 1)]));
    parts.socket.close();
    parts.logic.release();
    parts.endTick();
    parts.clock.advance(100_000);
    expect(parts.connection.state).toBe('closed');
    expect(parts.socket.sent.frames).toHaveLength(1);
    expect([parts.socket.ends, parts.socket.destroyed]).toEqual([[], false]);
  });

  it('closes while it is paused, and reads on to drop what comes', () => {
    parts = setUp({ inFlightPerConnection: 1 });
    logIn();
    parts.logic.holding = true;
    parts.socket.arrive(encodeFrames([request(Command.send, 1), request(Command.send, 2)]));
    expect(parts.socket.paused).toBe(true);
    parts.connection.close(CloseCode.loggedOut, 'revoked');
    expect(parts.socket.paused).toBe(false);
    parts.socket.arrive(encodeFrames([request(Command.send, 3)]));
    expect(parts.logic.requests).toHaveLength(1);
    expect(parts.socket.ends).toEqual([{ code: CloseCode.loggedOut, reason: 'revoked' }]);
  });

  it('is closed when logic answers nothing for 75 s, though it is not read', () => {
    parts = setUp({ inFlightPerConnection: 1 });
    logIn();
    parts.logic.holding = true;
    parts.socket.arrive(encodeFrames([request(Command.send, 1), request(Command.send, 2)]));
    parts.clock.advance(75_000 + TICK_MS);
    expect(parts.socket.ends).toMatchObject([{ code: CloseCode.heartbeatTimeout }]);
  });

  it('does not hold a half frame against a client that it does not read', () => {
    parts = setUp({ inFlightPerConnection: 1 });
    logIn();
    parts.logic.holding = true;
    const bytes = encodeFrames([request(Command.send, 1), request(Command.send, 2), request(Command.send, 3)]);
    parts.socket.arrive(bytes.subarray(0, bytes.length - 5));
    parts.clock.advance(40_000);
    expect(parts.connection.isOpen).toBe(true);
    parts.logic.release();
    parts.endTick();
    parts.clock.advance(14_000);
    expect(parts.connection.isOpen).toBe(true);
    parts.clock.advance(2_000);
    expect(parts.socket.ends).toMatchObject([{ code: CloseCode.protocolError }]);
  });

  it('goes on when the last bytes that a socket took were not ours, as an answer to a ping is not', () => {
    parts = setUp({}, 'websocket');
    logIn();
    const { clock, config, connection, socket, endTick } = parts;
    const received = () => socket.sent.frames.filter((frame) => frame.cmd === Command.messages).length;
    const push = () => {
      connection.send({
        cmd: Command.messages,
        msgType: MsgType.notify,
        logId: 0,
        sequenceId: 0,
        data: new Uint8Array(9),
      });
      endTick();
    };
    socket.blocked = true;
    push();
    push();
    socket.drainUnannounced();
    expect(received()).toBe(1);
    push();
    expect(received()).toBe(3);

    socket.blocked = true;
    push();
    push();
    socket.drainUnannounced();
    clock.advance(config.unwrittenTimeoutMs + TICK_MS);
    expect(received()).toBe(5);
    expect(connection.isOpen).toBe(true);
  });

  it('names its steps in the order in which they are taken', () => {
    parts = setUp();
    const names = uplinkSteps.map((step) => step.name);
    expect(names).toEqual(['limit', 'direction', 'state', 'command', 'sequence', 'metrics', 'login', 'forward']);
  });

  it('loses, doubles and reorders nothing, however bytes are cut and whoever is slow', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('arrive' as const), bytes: fc.integer({ min: 1, max: 3_000 }) }),
      fc.record({ kind: fc.constant('answer' as const), count: fc.integer({ min: 1, max: 20 }) }),
      fc.record({ kind: fc.constant('push' as const), length: fc.nat({ max: 40_000 }) }),
      fc.constantFrom(
        { kind: 'block' as const },
        { kind: 'unblock' as const },
        { kind: 'tick' as const },
        { kind: 'wait' as const },
      ),
    );
    const sizes = fc.array(fc.nat({ max: 4_000 }), { minLength: 1, maxLength: 150 });
    fc.assert(
      fc.property(sizes, fc.array(step, { maxLength: 200 }), (lengths, steps) => {
        parts = setUp({ inFlightPerConnection: 8, framesBurst: 40, framesPerSecond: 100, outQueueSoftBytes: 20_000 });
        const { socket, logic, clock, endTick, connection } = parts;
        logIn();
        logic.holding = true;
        const requests = lengths.map((length, index) =>
          request(Command.send, index + 1, Buffer.alloc(length, index & 0xff)),
        );
        const stream = encodeFrames(requests);
        let at = 0;
        let pushes = 0;
        const arrive = (bytes: number) => {
          if (socket.paused || at === stream.length) return;
          socket.arrive(stream.subarray(at, at + bytes));
          at = Math.min(stream.length, at + bytes);
        };
        for (const action of steps) {
          if (action.kind === 'arrive') arrive(action.bytes);
          else if (action.kind === 'answer') logic.release(action.count);
          else if (action.kind === 'block') socket.blocked = true;
          else if (action.kind === 'unblock') socket.unblock();
          else if (action.kind === 'tick') endTick();
          else if (action.kind === 'wait') clock.advance(TICK_MS);
          else if (action.kind === 'push' && !socket.blocked) {
            pushes += 1;
            const data = Buffer.alloc(action.length);
            const frame = { cmd: Command.messages, msgType: MsgType.notify, logId: 0, sequenceId: pushes, data };
            logic.deliver([1], frame);
          }
          expect(logic.held).toBeLessThanOrEqual(8);
        }
        // Everyone is well again: all that was sent is dealt with.
        for (let round = 0; round < 5_000 && !socket.sent.response(requests.length); round += 1) {
          socket.unblock();
          arrive(2_000);
          logic.release();
          endTick();
          clock.advance(TICK_MS);
        }
        endTick();
        parts.wheel.stop();
        expect(connection.isOpen).toBe(true);
        const ordered = requests.map(({ sequenceId }) => sequenceId);
        const ofType = (type: number) => (frame: Frame) => frame.msgType === type;
        expect(logic.requests.map(({ sequenceId }) => sequenceId)).toEqual(ordered);
        expect(logic.requests.map(({ data }) => data.length)).toEqual(lengths);
        expect(
          logic.requests.every(({ data, sequenceId }) => data.every((byte) => byte === ((sequenceId - 1) & 0xff))),
        ).toBe(true);
        const responses = socket.sent.frames.filter(ofType(MsgType.response)).map(({ sequenceId }) => sequenceId);
        expect(responses).toEqual([0, ...ordered]);
        const notified = socket.sent.frames.filter(ofType(MsgType.notify)).map(({ sequenceId }) => sequenceId);
        expect(notified).toEqual(Array.from({ length: pushes }, (_, index) => index + 1));
      }),
      { numRuns: runs(60) },
    );
  });

  it('survives any bytes: never throws, and ends broken streams', () => {
    const header = fc
      .tuple(
        fc.nat({ max: 3 }),
        fc.nat({ max: 255 }),
        fc.nat({ max: 4 }),
        fc.nat({ max: 200 }),
        fc.nat({ max: 70_000 }),
      )
      .map(([version, cmd, msgType, sequenceId, length]) => {
        const bytes = Buffer.from(encodeFrames([{ cmd, msgType, logId: 0, sequenceId, data: Buffer.alloc(0) }]));
        bytes.writeUInt32BE(version, 4);
        bytes.writeUInt32BE(length < 100 ? 0 : length, 18);
        return bytes;
      });
    const piece = fc.oneof(
      header,
      fc.uint8Array({ maxLength: 60 }),
      fc.constant(encodeFrames([request(Command.login, 0)])),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 60 }),
        fc.constantFrom('tcp' as const, 'websocket' as const),
        (pieces, transport) => {
          parts = setUp({}, transport);
          for (const bytes of pieces) {
            if (!parts.socket.paused) parts.socket.arrive(bytes);
            parts.endTick();
          }
          parts.clock.advance(80_000);
          parts.wheel.stop();
          // Nobody said anything for 80 s: whatever happened before, it is on its way out.
          expect(parts.connection.isOpen).toBe(false);
          expect(parts.socket.destroyed).toBe(true);
        },
      ),
      { numRuns: runs(300) },
    );
  });
});
