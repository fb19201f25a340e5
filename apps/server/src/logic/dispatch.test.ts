import { CloseCode, Command, errorCatalogue, MsgType, requestCommands, statusResponse } from '@fastim/protocol';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { StorageError } from '../storage/storage.ts';
import { LogicHarness } from './testing/logic-harness.ts';

const malformed: [string, Uint8Array][] = [
  ['a cut varint', new Uint8Array([0x08, 0x80])],
  ['an 11-byte varint', new Uint8Array([0x08, ...Array.from({ length: 11 }, () => 0xff), 0x01])],
  ['a length beyond the end', new Uint8Array([0x0a, 0x7f, 1])],
  ['a cut fixed64', new Uint8Array([0x11, 1, 2, 3])],
  ['field number 0', new Uint8Array([0x02, 0x01, 0x00])],
  ['an end of a group that was never begun', new Uint8Array([0x0c])],
  ['1,000 groups in each other', new Uint8Array(1_000).fill(0x2b)],
];

const commands: [string, number][] = Object.entries(Command)
  .filter(([, cmd]) => requestCommands.has(cmd) && cmd !== Command.login)
  .map(([name, cmd]) => [name.toUpperCase(), cmd]);

describe('dispatch', () => {
  it.each([...commands, ['an unknown command', 200] as [string, number]])(
    'answers %s before login with UNAUTHENTICATED and closes',
    async (_name, cmd) => {
      const harness = new LogicHarness();
      const connection = harness.connect();
      const sequenceId = connection.request(cmd, new Uint8Array(0));
      await harness.settle();
      expect(connection.read(sequenceId, statusResponse).status?.code).toBe(errorCatalogue.UNAUTHENTICATED.code);
      expect(harness.gate.closed(connection.id)?.code).toBe(CloseCode.unauthenticated);
      expect(harness.storage.batches).toEqual([]);
    },
  );

  it('believes no identity that only the packet claims', async () => {
    const harness = new LogicHarness();
    const conversationId = await harness.direct(1n, 2n, 9n);
    const connection = harness.connect();
    connection.identity = { userId: 1n, deviceId: 'phone', sessionId: 100n, epoch: 1 };
    const sequenceId = connection.send(conversationId, 'forged');
    await harness.settle();
    expect(connection.read(sequenceId, statusResponse).status?.code).toBe(errorCatalogue.UNAUTHENTICATED.code);
    expect(harness.storage.batches).toEqual([]);
  });

  it.each([0, 4, 15, 17, 19, 20, 23, 25, 53, 81, 255])(
    'answers cmd %i with UNKNOWN_CMD, and the connection lives',
    async (cmd) => {
      const harness = new LogicHarness();
      const connection = await harness.online(1n);
      const sequenceId = connection.request(cmd, new Uint8Array(0));
      await harness.settle();
      expect(harness.gate.response(connection.id, sequenceId)).toMatchObject({ cmd, msgType: MsgType.response });
      expect(connection.read(sequenceId, statusResponse).status?.code).toBe(errorCatalogue.UNKNOWN_CMD.code);
      expect(harness.gate.closed(connection.id)).toBeUndefined();
    },
  );

  describe.each(commands)('%s', (_command, cmd) => {
    it.each(malformed)('answers %s with BAD_REQUEST, and the connection lives', async (_name, data) => {
      const harness = new LogicHarness();
      const connection = await harness.online(1n);
      const sequenceId = connection.request(cmd, data);
      const next = connection.request(Command.heartbeat, new Uint8Array(0));
      await harness.settle();
      expect(connection.read(sequenceId, statusResponse).status?.code).toBe(errorCatalogue.BAD_REQUEST.code);
      expect(connection.read(next, statusResponse).status).toBeUndefined();
      expect(harness.gate.closed(connection.id)).toBeUndefined();
      expect(harness.linkErrors).toEqual([]);
      expect(await harness.metric('fastim_logic_internal_errors_total')).toBe(0);
    });
  });

  it.each([
    ['LOGIN', Command.login, new Uint8Array([0x0a, 0x7f])],
    ['SEND without an id', Command.send, new Uint8Array(0)],
    ['SEND with a short id', Command.send, new Uint8Array([0x0a, 2, 1, 2])],
    ['CURSOR with a negative seq', Command.cursor, negativeCursor()],
    ['CURSOR with too many moves', Command.cursor, new Uint8Array(2 * 1_001).map((_, i) => (i % 2 ? 0 : 0x0a))],
    ['CONVERSATIONS with too many ids', Command.conversations, manyIds(1_001)],
  ])('answers BAD_REQUEST to %s', async (_name, cmd, data) => {
    const harness = new LogicHarness();
    const connection = cmd === Command.login ? harness.connect() : await harness.online(1n);
    const sequenceId = connection.request(cmd, data);
    await harness.settle();
    expect(connection.read(sequenceId, statusResponse).status?.code).toBe(errorCatalogue.BAD_REQUEST.code);
    expect(harness.gate.closed(connection.id)).toBeUndefined();
  });

  it.each([
    ['a response', MsgType.response],
    ['a notification', MsgType.notify],
    ['an unknown type', 9],
  ])('ignores %s, and counts it', async (_name, msgType) => {
    const harness = new LogicHarness();
    const connection = await harness.online(1n);
    const before = harness.gate.told(connection.id).length;
    connection.request(Command.send, new Uint8Array(0), msgType);
    await harness.settle();
    expect(harness.gate.told(connection.id)).toHaveLength(before);
    expect(await harness.metric('fastim_uplink_ignored_total')).toBe(1);
  });

  it.each([
    ['SYNC', Command.sync],
    ['HEARTBEAT', Command.heartbeat],
  ])('answers %s with UNAVAILABLE when the storage fails, and with INTERNAL when it has a bug', async (_name, cmd) => {
    const lines: { level: number; msg: string; logId: number }[] = [];
    const logger = pino({ level: 'error' }, { write: (line: string) => lines.push(JSON.parse(line)) });
    const harness = new LogicHarness({ logger });
    const connection = await harness.online(1n);
    for (const [error, reason] of [
      [new StorageError('io', 'disk gone'), 'UNAVAILABLE'],
      [new TypeError('a bug with details'), 'INTERNAL'],
    ] as const) {
      harness.storage.mark = () => Promise.reject(error);
      const sequenceId = connection.request(cmd, new Uint8Array(0));
      await harness.settle();
      const { status } = connection.read(sequenceId, statusResponse);
      expect(status?.code).toBe(errorCatalogue[reason].code);
      expect(status?.message).toBe(errorCatalogue[reason].text);
      expect(status?.retryAfterMs).toBeGreaterThan(0);
      expect(lines.at(-1)?.logId).toBe(connection.id * 1000 + sequenceId);
    }
    expect(harness.gate.closed(connection.id)).toBeUndefined();
    expect(await harness.metric('fastim_logic_internal_errors_total')).toBe(1);
  });
});

function negativeCursor(): Uint8Array {
  // moves[0] = { conversation_id: 9, delivered_seq: -1 as a ten-byte varint }
  const move = [0x09, 9, 0, 0, 0, 0, 0, 0, 0, 0x10, ...Array.from({ length: 9 }, () => 0xff), 0x01];
  return new Uint8Array([0x0a, move.length, ...move]);
}

function manyIds(count: number): Uint8Array {
  const bytes = count * 8;
  return new Uint8Array([0x0a, (bytes & 0x7f) | 0x80, bytes >> 7, ...new Uint8Array(bytes)]);
}
