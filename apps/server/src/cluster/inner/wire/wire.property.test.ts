import { describe, expect, it } from 'vitest';
import {
  anyAppend,
  anyGateCall,
  anyLogicCall,
  anyOutcome,
  fc,
  type GateCall,
  type LogicCall,
} from '../testing/arbitrary-packets.ts';
import { type Call, recordingGate, recordingLogic } from '../testing/recording-ports.ts';
import {
  appendLength,
  readAppend,
  readAppended,
  readRejected,
  writeAppend,
  writeAppended,
  writeRejected,
} from './appends.ts';
import { MAX_PACKET } from './limits.ts';
import { MalformedPacket, PacketReader } from './packet-reader.ts';
import { PacketSplitter } from './packet-splitter.ts';
import { PacketType } from './packet-type.ts';
import { PacketWriter } from './packet-writer.ts';
import { ToGateWriter, takeForGate } from './to-gate.ts';
import { ToLogicReader, ToLogicWriter } from './to-logic.ts';

type Take = (type: number, from: PacketReader) => unknown;

/** Gives the bytes to a splitter in pieces of the given lengths, again and again. */
function through(bytes: Buffer, cuts: readonly number[], take: Take): void {
  const reader = new PacketReader();
  const splitter = new PacketSplitter((type, chunk, from, to) => take(type, reader.open(chunk, from, to)));
  let at = 0;
  for (let index = 0; at < bytes.length; index += 1) {
    const length = cuts.length === 0 ? bytes.length : cuts[index % cuts.length]!;
    splitter.push(Buffer.from(bytes.subarray(at, at + length)));
    at += length;
  }
  expect(splitter.waiting).toBe(0);
}

const cuts = fc.oneof(
  fc.constant([]),
  fc.constant([1]),
  fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
  fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 5 }),
);

function toLogicBytes(calls: readonly LogicCall[]): Buffer {
  const to = new PacketWriter();
  const writer = new ToLogicWriter(to);
  writer.time(7);
  for (const call of calls) {
    if (call[0] === 'uplink') writer.uplink(call[1]);
    else if (call[0] === 'connectionClosed') writer.connectionClosed(call[1], call[2]);
    else if (call[0] === 'interestStale') writer.interestStale(call[2], call[3]);
    else writer.interested(call[2]);
  }
  const length = to.length;
  const bytes = Buffer.concat(to.take());
  expect([bytes.length, to.length]).toEqual([length, 0]);
  return bytes;
}

function toGateBytes(calls: readonly GateCall[]): Buffer {
  const to = new PacketWriter();
  const writer = new ToGateWriter(to);
  for (const [name, ...args] of calls) (writer[name] as (...args: unknown[]) => void)(...args);
  return Buffer.concat(to.take());
}

describe('packets between a gate and a logic node', () => {
  it('come out of the stream as they went in, in order, wherever it is cut: to logic', () => {
    fc.assert(
      fc.property(fc.array(anyLogicCall('gate-1'), { maxLength: 20 }), cuts, (calls, cutAt) => {
        const seen: Call[] = [];
        const reader = new ToLogicReader('gate-1', recordingLogic(seen));
        through(toLogicBytes(calls), cutAt, (type, from) => expect(reader.take(type, from)).toBe(true));
        expect(seen).toEqual(calls);
      }),
      { numRuns: 60 },
    );
  });

  it('come out of the stream as they went in, in order, wherever it is cut: to a gate', () => {
    fc.assert(
      fc.property(fc.array(anyGateCall, { maxLength: 20 }), cuts, (calls, cutAt) => {
        const seen: Call[] = [];
        const gate = recordingGate('gate-1', seen);
        through(toGateBytes(calls), cutAt, (type, from) => expect(takeForGate(gate, type, from)).toBe(true));
        expect(seen).toEqual(calls);
      }),
      { numRuns: 60 },
    );
  });

  it('say who a connection is once, and again when it has logged in', () => {
    const identity = { userId: 1n, deviceId: 'a phone with a long name', sessionId: 2n, epoch: 1 };
    const uplink = (who: typeof identity | undefined): LogicCall => [
      'uplink',
      {
        connection: { gateId: 'gate-1', connectionId: 1 },
        identity: who,
        remoteAddress: '192.0.2.1',
        cmd: 16,
        msgType: 1,
        logId: 0,
        sequenceId: 0,
        data: Buffer.alloc(0),
      },
    ];
    const lengths = [1, 2, 3, 4].map(
      (count) => toLogicBytes([undefined, undefined, identity, identity].slice(0, count).map(uplink)).length,
    );
    const [second, third, fourth] = [1, 2, 3].map((index) => lengths[index]! - lengths[index - 1]!);
    expect(second).toBe(21);
    expect(fourth).toBe(21);
    expect(third).toBeGreaterThan(21 + 'a phone with a long name'.length);
  });

  it('do not let a large blob be copied on its way out, and keep many small packets in one piece', () => {
    const to = new PacketWriter();
    const writer = new ToGateWriter(to);
    const data = new Uint8Array(50_000);
    const frame = { cmd: 1, msgType: 3, logId: 0, sequenceId: 0, data };
    writer.downlink({ connectionIds: [1], frame });
    expect(to.take()).toContain(data);
    for (let id = 0; id < 100; id += 1) {
      writer.downlink({ connectionIds: [id], frame: { ...frame, data: data.subarray(0, 100) } });
    }
    expect(to.take()).toHaveLength(1);
  });
});

describe('packets between logic nodes', () => {
  it('come out of the stream as they went in, wherever it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(anyAppend, { maxLength: 10 }),
        fc.array(anyOutcome, { maxLength: 10 }),
        fc.nat(),
        fc.string({ unit: 'binary', maxLength: 500 }),
        cuts,
        (requests, outcomes, requestId, message, cutAt) => {
          const to = new PacketWriter();
          const issuer = requestId % 2 === 0 ? undefined : { number: 1_023, fence: 9n };
          const batch = { requestId, sentAtMs: 17.5, issuer, requests };
          writeAppend(to, appendLength(requests)!, batch);
          writeAppended(to, requestId, outcomes);
          writeRejected(to, { requestId, unsure: true, message });
          const seen: unknown[] = [];
          through(Buffer.concat(to.take()), cutAt, (type, from) => {
            if (type === PacketType.append) seen.push(readAppend(from));
            else if (type === PacketType.appended) seen.push(readAppended(from));
            else seen.push(readRejected(from));
          });
          const issued = { ...batch, requests: requests.map((request) => (issuer ? { ...request, issuer } : request)) };
          expect(seen).toEqual([issued, { requestId, outcomes }, { requestId, unsure: true, message }]);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('are not made of more than one packet holds', () => {
    const body = Buffer.alloc(64 * 1024);
    const [request] = fc.sample(anyAppend, { numRuns: 1, seed: 1 });
    const many = Array.from({ length: MAX_PACKET / body.length }, () => ({ ...request!, body }));
    expect(appendLength(many)).toBeUndefined();
    expect(appendLength(many.slice(0, 100))).toBeGreaterThan(100 * body.length);
    expect(appendLength([{ ...request!, clientMsgId: Buffer.alloc(15) }])).toBeUndefined();
  });
});

describe('bytes that nobody means', () => {
  const takers: Take[] = [
    (type, from) => takeForGate(recordingGate('gate-1', []), type, from),
    (type, from) => new ToLogicReader('gate-1', recordingLogic([])).take(type, from),
    (type, from) => (type % 2 === 0 ? readAppend(from) : readAppended(from)),
  ];

  /** Whether the stream was taken to its end; anything but MalformedPacket fails the test. */
  function survives(run: () => void): boolean {
    try {
      run();
      return true;
    } catch (error) {
      if (!(error instanceof MalformedPacket)) throw error;
      return false;
    }
  }

  const feed = (bytes: Buffer, take: Take): void => {
    const reader = new PacketReader();
    const splitter = new PacketSplitter((type, chunk, from, to) => take(type, reader.open(chunk, from, to)));
    for (let at = 0; at < bytes.length; at += 97) splitter.push(bytes.subarray(at, at + 97));
  };

  it('are refused as malformed, and by nothing else, when they are random', () => {
    let refused = 0;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 2 }), fc.nat({ max: 63 }), (junk, taker, type) => {
        const head = Buffer.from([0, 0, (junk.length + 1) >> 8, (junk.length + 1) & 255, type]);
        if (!survives(() => feed(Buffer.concat([head, junk]), takers[taker]!))) refused += 1;
      }),
      { numRuns: 2_000 },
    );
    expect(refused).toBeGreaterThan(200);
  });

  it('are refused as malformed, and by nothing else, when one byte of a good stream is another', () => {
    let refused = 0;
    fc.assert(
      fc.property(
        fc.array(anyGateCall, { minLength: 1, maxLength: 5 }),
        fc.array(anyLogicCall('gate-1'), { minLength: 1, maxLength: 5 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (gateCalls, logicCalls, place, change) => {
          for (const [bytes, take] of [
            [toGateBytes(gateCalls), takers[0]!],
            [toLogicBytes(logicCalls), takers[1]!],
          ] as const) {
            const at = place % Math.min(bytes.length, 400);
            bytes[at] = bytes[at]! ^ change;
            if (!survives(() => feed(bytes, take))) refused += 1;
          }
        },
      ),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(30);
  });

  it('take no memory for a length or a count that is only promised', () => {
    const heap = (): number => process.memoryUsage().arrayBuffers;
    const before = heap();
    const splitters = Array.from({ length: 100 }, () => {
      const splitter = new PacketSplitter(() => undefined);
      const head = Buffer.alloc(6);
      head.writeUInt32BE(MAX_PACKET);
      splitter.push(head);
      return splitter;
    });
    expect(heap() - before).toBeLessThan(MAX_PACKET / 8);
    expect(splitters.every(({ waiting }) => waiting === 6)).toBe(true);
    const many = Buffer.alloc(12, 0xff);
    const reader = (): PacketReader => new PacketReader().open(many, 0, many.length);
    expect(() => reader().ids()).toThrow(MalformedPacket);
    expect(() => reader().blob()).toThrow(MalformedPacket);
    expect(() => reader().text()).toThrow(MalformedPacket);
    expect(() => readAppend(reader())).toThrow(MalformedPacket);
  });

  it('end the stream for good when a length is over the limit, or nothing', () => {
    for (const length of [0, MAX_PACKET + 1, 0xffff_ffff]) {
      const seen: number[] = [];
      const splitter = new PacketSplitter((type) => seen.push(type));
      const bytes = Buffer.from([0, 0, 0, 1, 9, 0, 0, 0, 0, 1, 2, 3, 4, 5]);
      bytes.writeUInt32BE(length, 5);
      expect(() => splitter.push(bytes)).toThrow(MalformedPacket);
      splitter.push(Buffer.from([0, 0, 0, 1, 9]));
      expect(seen).toEqual([9]);
    }
  });
});
