import {
  CloseCode,
  Command,
  encodeFrames,
  errorCatalogue,
  HEADER_LENGTH,
  MAX_DATA_AFTER_LOGIN,
  MAX_DATA_BEFORE_LOGIN,
  MsgType,
  writeHeader,
} from '@fastim/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { GateFixture, until } from './testing/gate-fixture.ts';
import { request, type TcpClient } from './testing/tcp-client.ts';

const code = (name: keyof typeof errorCatalogue) => errorCatalogue[name].code;

function header(fields: Partial<Parameters<typeof writeHeader>[2]>): Buffer {
  const bytes = Buffer.alloc(HEADER_LENGTH);
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_LENGTH);
  const usual = { version: 1, cmd: Command.login, msgType: MsgType.request, logId: 5, sequenceId: 3, dataLength: 0 };
  writeHeader(view, 0, { ...usual, ...fields });
  return bytes;
}

/** What the client sees: statuses by sequenceId, and how it ends (undefined: the connection lives). */
interface Case {
  name: string;
  bound?: boolean;
  play(client: TcpClient, fixture: GateFixture): void | Promise<void>;
  statuses?: Record<number, number>;
  end?: CloseCode | 'silence';
}

/** The commands that reached logic from the client under test (the second one to connect). */
function commandsOf(fixture: GateFixture): number[] {
  return fixture.logic.packets.filter(({ connection }) => connection.connectionId === 2).map(({ cmd }) => cmd);
}

/** Sends bytes and waits until the gate has read them. */
async function deliver(fixture: GateFixture, client: TcpClient, bytes: Buffer): Promise<void> {
  const read = () => fixture.count('fastim_gate_bytes_total', { direction: 'up' });
  const before = await read();
  client.write(bytes);
  await until('the gate has read it', async () => (await read()) >= before + bytes.length);
}

/** One byte at a time, until the gate has had enough; returns the time that took. */
async function drip(fixture: GateFixture, client: TcpClient, bytes: Buffer, everyMs: number): Promise<number> {
  const started = fixture.clock.now();
  for (const byte of bytes) {
    await deliver(fixture, client, Buffer.of(byte));
    fixture.clock.advance(everyMs);
    if ((await fixture.count('fastim_gate_closes_total')) > 0) break;
  }
  return fixture.clock.now() - started;
}

const cases: Case[] = [
  { name: '1: wrong magic', play: (client) => client.write('\0\0\0\0'), end: 'silence' },
  { name: '1: wrong magic in the first byte alone', play: (client) => client.write('X'), end: 'silence' },
  {
    name: '2: dataLength 0xFFFFFFFF before login',
    play: (client) => client.write(header({ dataLength: 0xffffffff })),
    statuses: { 3: code('FRAME_TOO_LARGE') },
    end: CloseCode.protocolError,
  },
  {
    name: '2: dataLength 0xFFFFFFFF after login',
    bound: true,
    play: (client) => client.write(header({ cmd: Command.send, dataLength: 0xffffffff })),
    statuses: { 3: code('FRAME_TOO_LARGE') },
    end: CloseCode.protocolError,
  },
  {
    name: '3: one byte over the limit before login',
    play: (client) => client.write(header({ dataLength: MAX_DATA_BEFORE_LOGIN + 1 })),
    statuses: { 3: code('FRAME_TOO_LARGE') },
    end: CloseCode.protocolError,
  },
  {
    name: '3: one byte over the limit after login',
    bound: true,
    play: (client) => client.write(header({ cmd: Command.sync, dataLength: MAX_DATA_AFTER_LOGIN + 1 })),
    statuses: { 3: code('FRAME_TOO_LARGE') },
    end: CloseCode.protocolError,
  },
  {
    name: 'a good frame in front of a broken one is still served',
    bound: true,
    play(client) {
      const good = encodeFrames([request(Command.send, 2)]);
      client.write(Buffer.concat([good, header({ cmd: Command.sync, dataLength: 1e6 })]));
    },
    statuses: { 2: 0, 3: code('FRAME_TOO_LARGE') },
    end: CloseCode.protocolError,
  },
  {
    name: '4: header cut at byte 21, then silence, after login',
    bound: true,
    play: async (client, fixture) => {
      await deliver(fixture, client, header({}).subarray(0, 21));
      fixture.clock.advance(14_000);
      expect(await fixture.count('fastim_gate_closes_total')).toBe(0);
      fixture.clock.advance(1_250);
    },
    end: CloseCode.protocolError,
  },
  {
    name: '4: header cut at byte 21, then silence, before login',
    play: async (client, fixture) => {
      await deliver(fixture, client, header({}).subarray(0, 21));
      fixture.clock.advance(15_250);
    },
    end: CloseCode.loginTimeout,
  },
  {
    name: '5: one byte every 14 s',
    bound: true,
    play: async (client, fixture) => {
      // The frame began at 0 s and has to end within 30 s, so the third pause is the last.
      expect(await drip(fixture, client, header({}), 14_000)).toBe(42_000);
    },
    end: CloseCode.protocolError,
  },
  {
    name: '7: an unknown command',
    bound: true,
    play: (client) => client.send(request(200, 1), request(Command.send, 2)),
    statuses: { 1: code('UNKNOWN_CMD'), 2: 0 },
  },
  {
    name: '7: a command that only the server sends',
    bound: true,
    play: (client) => client.send(request(Command.messages, 1)),
    statuses: { 1: code('UNKNOWN_CMD') },
  },
  {
    name: '7: an unknown msgType',
    bound: true,
    play: (client) => client.send({ ...request(Command.send, 1), msgType: 9 }),
    statuses: { 1: code('UNKNOWN_CMD') },
  },
  {
    name: '7: a notification that the gate does not know',
    bound: true,
    play: async (client, fixture) => {
      client.send({ ...request(200, 1), msgType: MsgType.notify }, request(Command.send, 2));
      await client.status(2);
      expect(client.response(1)).toBeUndefined();
      expect(await fixture.count('fastim_gate_frames_rejected_total', { reason: 'notify_ignored' })).toBe(1);
    },
    statuses: { 2: 0 },
  },
  {
    name: '7: twenty unknown commands in a row',
    bound: true,
    play(client) {
      for (let sequenceId = 1; sequenceId <= 20; sequenceId += 1) client.send(request(99, sequenceId));
    },
    statuses: { 1: code('UNKNOWN_CMD'), 20: code('UNKNOWN_CMD') },
    end: CloseCode.protocolError,
  },
  {
    name: '7: nineteen unknown commands, a known one, and nineteen again',
    bound: true,
    play(client) {
      for (let sequenceId = 1; sequenceId <= 39; sequenceId += 1) {
        client.send(request(sequenceId === 20 ? Command.sync : 99, sequenceId));
      }
    },
    statuses: { 19: code('UNKNOWN_CMD'), 20: 0, 39: code('UNKNOWN_CMD') },
  },
  ...[0, 2, 2 ** 32 - 1].map(
    (version): Case => ({
      name: `8: version ${version}`,
      play: (client) => client.write(header({ version })),
      statuses: { 0: code('UPGRADE_REQUIRED') },
      end: CloseCode.upgradeRequired,
    }),
  ),
  {
    name: '9: a response nobody asked for',
    bound: true,
    play: async (client, fixture) => {
      client.send({ ...request(Command.send, 1), msgType: MsgType.response }, request(Command.send, 2));
      await client.status(2);
      expect(client.response(1)).toBeUndefined();
      expect(await fixture.count('fastim_gate_frames_rejected_total', { reason: 'response_ignored' })).toBe(1);
    },
    statuses: { 2: 0 },
  },
  {
    name: '9: a sequenceId that is in flight',
    bound: true,
    play: async (client, fixture) => {
      fixture.logic.holding = true;
      client.send(request(Command.send, 7), request(Command.sync, 7));
      expect(await client.status(7)).toMatchObject({ code: code('DUP_SEQ') });
      expect(client.response(7)).toMatchObject({ cmd: Command.sync });
      expect(fixture.logic.requests).toHaveLength(1);
      fixture.logic.holding = false;
      fixture.logic.release();
    },
  },
  {
    name: '9: a sequenceId that goes back',
    bound: true,
    play: (client) => client.send(request(Command.send, 4_000_000_000), request(Command.send, 3)),
    statuses: { 4000000000: 0, 3: code('DUP_SEQ') },
  },
  {
    name: '10: a business command before login',
    play: async (client, fixture) => {
      client.send(request(Command.send, 1), request(Command.login, 2));
      await client.gone();
      expect(commandsOf(fixture)).toEqual([]);
    },
    statuses: { 1: code('UNAUTHENTICATED') },
    end: CloseCode.unauthenticated,
  },
  {
    name: '10: a heartbeat before login',
    play: (client) => client.send(request(Command.heartbeat, 1)),
    statuses: { 1: code('UNAUTHENTICATED') },
    end: CloseCode.unauthenticated,
  },
  {
    name: '11: a second login',
    bound: true,
    play: async (client, fixture) => {
      client.send(request(Command.login, 1), request(Command.send, 2));
      await client.status(2);
      expect(commandsOf(fixture)).toEqual([Command.login, Command.send]);
    },
    statuses: { 1: code('ALREADY_BOUND'), 2: 0 },
  },
  {
    name: '13: a TLS hello',
    play: (client) => client.write(Buffer.from('16030100c8010000c403', 'hex')),
    end: 'silence',
  },
  { name: '13: an HTTP request', play: (client) => client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), end: 'silence' },
  {
    name: '16: a flood of heartbeats',
    bound: true,
    play(client) {
      for (let sequenceId = 1; sequenceId <= 1000; sequenceId += 1) client.send(request(Command.heartbeat, sequenceId));
    },
    statuses: { 1: 0, 20: 0 },
    end: CloseCode.rateLimited,
  },
];

describe('bad input over TCP', () => {
  let fixture: GateFixture;
  afterEach(() => fixture.stop());

  it.each(cases)('$name', async ({ bound, play, statuses = {}, end }) => {
    fixture = await new GateFixture().start();
    const bystander = await fixture.connectBound('9:bystander');
    const client = bound ? await fixture.connectBound() : await fixture.connect();
    const answersBefore = client.frames.length;
    await play(client, fixture);
    if (end !== undefined) await client.gone();
    for (const [sequenceId, expected] of Object.entries(statuses)) {
      const status = await client.status(Number(sequenceId));
      expect(status?.code ?? 0, `status of ${sequenceId}`).toBe(expected);
      if (expected === code('UPGRADE_REQUIRED')) expect(status).toMatchObject({ minVersion: 1, maxVersion: 1 });
    }
    if (end === 'silence') expect(client.frames.length).toBe(answersBefore);
    else expect(client.goodbye?.closeCode).toBe(end);
    if (end === undefined) {
      client.send(request(Command.sync, 4_294_967_295));
      expect(await client.status(4_294_967_295)).toBeUndefined();
    }
    bystander.send(request(Command.send, 1));
    expect(await bystander.status(1)).toBeUndefined();
  });

  it('6: ten thousand frames in one packet are handled in order, with at most 64 in flight', async () => {
    fixture = await new GateFixture({ framesBurst: 20_000 }).start();
    const client = await fixture.connectBound();
    fixture.logic.holding = true;
    const frames = Array.from({ length: 10_000 }, (_, index) => request(Command.send, index + 1));
    client.send(...frames);
    let most = 0;
    while (client.frames.length < 10_001) {
      await until('logic has work or all is done', () => fixture.logic.held > 0 || client.frames.length >= 10_001);
      most = Math.max(most, fixture.logic.held);
      fixture.logic.release();
    }
    expect(most).toBe(64);
    const order = fixture.logic.requests.map(({ sequenceId }) => sequenceId);
    expect(order).toEqual(frames.map(({ sequenceId }) => sequenceId));
    expect(client.frames.slice(1).map(({ sequenceId }) => sequenceId)).toEqual(order);
  });

  it('6: a burst over the frame rate is read more slowly and served whole, in order', async () => {
    fixture = await new GateFixture({ framesBurst: 100, framesPerSecond: 50 }).start();
    const client = await fixture.connectBound();
    client.send(...Array.from({ length: 300 }, (_, index) => request(Command.sync, index + 1)));
    await client.until('the burst is served', () => client.frames.length >= 100);
    expect(fixture.logic.requests.length).toBeLessThanOrEqual(100);
    for (let second = 1; second <= 4; second += 1) {
      fixture.clock.advance(1_000);
      await client.until('the rate is served', () => client.frames.length >= 99 + second * 49);
      expect(fixture.logic.requests.length).toBeLessThanOrEqual(100 + second * 50);
    }
    fixture.clock.advance(1_000);
    await client.until('all is served', () => client.response(300) !== undefined);
    expect(client.frames.map(({ sequenceId }) => sequenceId)).toEqual(Array.from({ length: 301 }, (_, index) => index));
  });

  it('16: a client that stays over the frame rate for half a minute is closed', async () => {
    fixture = await new GateFixture({ framesBurst: 100, framesPerSecond: 50 }).start();
    const client = await fixture.connectBound();
    client.send(...Array.from({ length: 10_000 }, (_, index) => request(Command.sync, index + 1)));
    await client.until('the burst is served', () => client.frames.length >= 100);
    for (let second = 0; second < 31; second += 1) {
      expect(client.goodbye).toBeUndefined();
      fixture.clock.advance(1_000);
    }
    await client.gone();
    expect(client.goodbye?.closeCode).toBe(CloseCode.rateLimited);
    expect(fixture.logic.requests.length).toBeLessThanOrEqual(100 + 31 * 50);
  });

  it('1: logs at most one line a minute and address about peers that do not speak the protocol', async () => {
    fixture = await new GateFixture().start();
    const lines = () => fixture.logs.filter(({ msg }) => msg === 'a peer broke the protocol').length;
    for (let round = 0; round < 5; round += 1) {
      const client = await fixture.connect();
      client.write('nonsense');
      await client.gone();
    }
    expect(lines()).toBe(1);
    fixture.clock.advance(60_000);
    const client = await fixture.connect();
    client.write('nonsense');
    await client.gone();
    expect(lines()).toBe(2);
  });
});
