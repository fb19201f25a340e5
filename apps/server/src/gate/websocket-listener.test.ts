import { once } from 'node:events';
import { connect } from 'node:net';
import {
  CloseCode,
  Command,
  encodeFrames,
  errorCatalogue,
  HEADER_LENGTH,
  MAX_DATA_AFTER_LOGIN,
  MAX_WEBSOCKET_MESSAGE,
} from '@fastim/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GateConfig } from '../config.ts';
import { TrustedProxies } from '../net/trusted-proxies.ts';
import { GateFixture, until } from './testing/gate-fixture.ts';
import { request } from './testing/tcp-client.ts';
import { RawWebSocketClient, WebSocketClient } from './testing/websocket-client.ts';
import { isAllowedOrigin } from './websocket-listener.ts';

const BINARY = 0x82;
const CONTINUATION = 0x00;

describe('the WebSocket listener', () => {
  let fixture: GateFixture;
  const clients: Array<{ destroy(): void }> = [];
  const open = async (options = {}) => track(await WebSocketClient.connect(fixture.wsPort, options));
  const openRaw = async () => track(await RawWebSocketClient.connect(fixture.wsPort));
  function track<Client extends { destroy(): void }>(client: Client): Client {
    clients.push(client);
    return client;
  }

  beforeEach(async () => {
    fixture = await new GateFixture({}, { allowedOrigins: ['https://chat.example'] }).start();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await fixture.stop();
  });

  it('21: carries several frames in one message, both ways', async () => {
    const client = await open();
    client.send(request(Command.login, 0, '5:web'));
    await client.until('the login is answered', () => client.frames.length === 1);
    client.send(request(Command.send, 1, 'one'), request(Command.sync, 2, 'two'));
    await client.until('both are answered', () => client.frames.length === 3);
    expect(client.messageSizes).toHaveLength(2);
    expect(fixture.logic.packets.map(({ sequenceId, identity }) => [sequenceId, identity?.userId])).toEqual([
      [0, undefined],
      [1, 5n],
      [2, 5n],
    ]);
  });

  it('21: closes when a frame is split over two messages', async () => {
    const client = await open();
    const bytes = encodeFrames([request(Command.login, 0, '5:web')]);
    client.websocket.send(bytes.subarray(0, 20));
    client.websocket.send(bytes.subarray(20));
    await client.gone();
    expect(client.goodbye).toMatchObject({ closeCode: CloseCode.protocolError, reason: /BAD_FRAME/ });
    expect(client.end).toEqual({ code: CloseCode.protocolError });
    expect(fixture.logic.packets).toEqual([]);
  });

  it('takes a message of the largest size there is', async () => {
    const client = await open();
    client.send(request(Command.login, 0, '5:web'));
    await client.until('the login is answered', () => client.frames.length === 1);
    const whole = Buffer.alloc(MAX_DATA_AFTER_LOGIN);
    const rest = Buffer.alloc(MAX_WEBSOCKET_MESSAGE - 3 * whole.length - 4 * HEADER_LENGTH);
    client.send(...[whole, whole, whole, rest].map((data, index) => request(Command.send, index + 1, data)));
    await client.until('all are answered', () => client.response(4) !== undefined);
    expect(fixture.logic.requests.map(({ data }) => data.length)).toEqual([65_536, 65_536, 65_536, rest.length]);
  });

  it('17: closes with 1003 on a text frame', async () => {
    const client = await open();
    client.websocket.send('hello');
    await client.gone();
    expect(client.end).toEqual({ code: 1003 });
  });

  it('1: closes on a message that is not a frame', async () => {
    const client = await open();
    client.websocket.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await client.gone();
    expect(client.end).toEqual({ code: CloseCode.protocolError });
  });

  it('18: refuses a frame over 64 KiB by the rule of TCP, a message over its own limit with 1009', async () => {
    const client = await open();
    client.send(request(Command.login, 0, '5:web'));
    await client.until('the login is answered', () => client.frames.length === 1);
    const frame = Buffer.alloc(MAX_DATA_AFTER_LOGIN + 1 + 22);
    frame.set(encodeFrames([request(Command.send, 1)]));
    frame.writeUInt32BE(MAX_DATA_AFTER_LOGIN + 1, 18);
    client.websocket.send(frame);
    expect(await client.status(1)).toMatchObject({ code: errorCatalogue.FRAME_TOO_LARGE.code });
    await client.gone();
    expect(client.end).toEqual({ code: CloseCode.protocolError });

    const second = await open();
    second.websocket.send(Buffer.alloc(MAX_WEBSOCKET_MESSAGE + 1));
    await second.gone();
    expect(second.end).toEqual({ code: 1009 });
  });

  const broken: Array<{ name: string; code: number; play(client: RawWebSocketClient): void }> = [
    {
      name: '18: a declared length of 2^63',
      code: 1009,
      play: (client) => client.frame({ first: BINARY, declaredLength: 2n ** 63n }),
    },
    {
      name: '18: a declared length just over the limit',
      code: 1009,
      play: (client) => client.frame({ first: BINARY, declaredLength: BigInt(MAX_WEBSOCKET_MESSAGE) + 1n }),
    },
    {
      name: '19: endless continuation fragments',
      code: 1009,
      play(client) {
        client.frame({ first: 0x02, payload: Buffer.alloc(60_000) });
        for (let index = 0; index < 20; index += 1)
          client.frame({ first: CONTINUATION, payload: Buffer.alloc(60_000) });
      },
    },
    {
      name: '19: endless empty continuation fragments',
      code: 1008,
      play(client) {
        client.frame({ first: 0x02 });
        for (let index = 0; index < 2_000; index += 1) client.frame({ first: CONTINUATION });
      },
    },
    { name: '20: an unmasked frame', code: 1002, play: (client) => client.frame({ first: BINARY, masked: false }) },
    { name: '20: a reserved bit', code: 1002, play: (client) => client.frame({ first: BINARY | 0x40 }) },
    { name: '20: a bad opcode', code: 1002, play: (client) => client.frame({ first: 0x83 }) },
    { name: '20: a continuation of nothing', code: 1002, play: (client) => client.frame({ first: 0x80 }) },
    {
      name: '20: a text message that is not UTF-8',
      code: 1007,
      play: (client) => client.frame({ first: 0x81, payload: Buffer.of(0xff, 0xfe) }),
    },
  ];
  it.each(broken)('$name closes with $code', async ({ code, play }) => {
    const client = await openRaw();
    play(client);
    await client.until('the close frame came', () => client.end !== undefined);
    expect(client.end).toEqual({ code });
    expect(await fixture.count('fastim_gate_closes_total', { code: String(code) })).toBe(1);
    await until('it is forgotten', () => fixture.gate.load().connections === 0);
    const other = await open();
    other.send(request(Command.login, 0, '5:web'));
    await other.until('the login is answered', () => other.frames.length === 1);
  });

  it('closes on a flood of pings', async () => {
    const client = await open();
    for (let index = 0; index < 100; index += 1) client.websocket.ping();
    await client.gone();
    expect(client.end).toEqual({ code: CloseCode.rateLimited });
  });

  it('22: refuses a page of a foreign origin with 403, and lets in its own, the listed and those without', async () => {
    await expect(open({ origin: 'https://evil.example' })).rejects.toThrow('403');
    await expect(open({ origin: 'null' })).rejects.toThrow('403');
    await expect(open({ origin: 'https://chat.example.evil.example' })).rejects.toThrow('403');
    await open({ origin: 'http://127.0.0.1:8600' });
    await open({ origin: 'https://chat.example' });
    await open();
    expect(await fixture.count('fastim_gate_connections_refused_total', { reason: 'origin' })).toBe(3);
    await until('refused ones are forgotten', () => fixture.gate.load().connections === 3);
  });

  it.each([
    ['http://localhost:8600', 'localhost:8602', true],
    ['https://chat.example', 'chat.example', true],
    ['http://chat.example', 'other.example', false],
    ['http://[::1]:8600', '[::1]:8602', true],
    ['file://', 'localhost:8602', false],
    ['garbage', 'localhost:8602', false],
    ['http://localhost', undefined, false],
    ['http://localhost', 'a b', false],
  ])('origin %s at host %s: %s', (origin, host, allowed) => {
    expect(isAllowedOrigin(origin, host, [])).toBe(allowed);
  });

  it('23: closes an upgraded connection that does not log in after 15 s', async () => {
    const client = await open();
    await until('it is upgraded', () => fixture.gate.load().connections === 1);
    fixture.clock.advance(14_750);
    expect(await fixture.count('fastim_gate_closes_total')).toBe(0);
    fixture.clock.advance(500);
    await client.gone();
    expect(client.end).toEqual({ code: CloseCode.loginTimeout });
    expect(client.goodbye?.closeCode).toBe(CloseCode.loginTimeout);
  });

  it('23: closes a connection that sends nothing after 5 s, and one that does not finish the upgrade after 10 s', async () => {
    const silent = connect(fixture.wsPort, '127.0.0.1');
    const slow = connect(fixture.wsPort, '127.0.0.1');
    const ends = { silent: false, slow: false };
    silent.on('close', () => {
      ends.silent = true;
    });
    slow.on('close', () => {
      ends.slow = true;
    });
    for (const socket of [silent, slow]) socket.on('error', () => undefined);
    slow.write('GET / HTTP/1.1\r\nHost: x\r\n');
    await until('both are in', async () => (await fixture.count('fastim_gate_unauthenticated')) === 2);
    // A request and its answer later, the gate has read what was sent before.
    await (await fetch(`http://127.0.0.1:${fixture.wsPort}/`)).text();
    fixture.clock.advance(5_250);
    await until('the silent one is cut', () => ends.silent);
    expect(ends.slow).toBe(false);
    fixture.clock.advance(5_000);
    await until('the slow one is cut', () => ends.slow);
    await until('both are forgotten', async () => (await fixture.count('fastim_gate_unauthenticated')) === 0);
  });

  it('answers plain HTTP with 426 and closes', async () => {
    const response = await fetch(`http://127.0.0.1:${fixture.wsPort}/`);
    expect(response.status).toBe(426);
    expect(await response.json()).toMatchObject({ error: { code: 'UPGRADE_REQUIRED' } });
    expect(response.headers.get('connection')).toBe('close');
  });

  it('refuses the upgrade with 429 when an address has too many connections, and with 503 when the gate is full', async () => {
    await fixture.stop();
    fixture = await new GateFixture({ connectionsPerAddress: 1 }).start();
    const first = await open();
    await expect(open()).rejects.toThrow('429');
    first.destroy();
    await until('the first is gone', () => fixture.gate.load().connections === 0);
    await open();
    await fixture.stop();
    fixture = await new GateFixture({ unauthenticatedConnections: 1 }).start();
    await open();
    await expect(open()).rejects.toThrow('503');
  });

  describe('behind a proxy', () => {
    const behind = async (forwardedFor?: string) =>
      open(forwardedFor === undefined ? {} : { headers: { 'x-forwarded-for': forwardedFor } });
    const begin = async (proxies: string[], config: Partial<GateConfig> = {}) => {
      await fixture.stop();
      fixture = await new GateFixture(config, { trustedProxies: new TrustedProxies(proxies) }).start();
    };
    const addresses = () => fixture.logic.packets.map((packet) => packet.remoteAddress);

    it('that is trusted takes the client’s address from X-Forwarded-For, for logic and for the limits', async () => {
      await begin(['127.0.0.1'], { connectionsPerAddress: 1 });
      const first = await behind('203.0.113.9, 198.51.100.1');
      first.send(request(Command.login, 0, '5:web'));
      await until('logic has it', () => addresses().length === 1);
      expect(addresses()).toEqual(['198.51.100.1']);
      await behind('198.51.100.2');
      await expect(behind('198.51.100.1')).rejects.toThrow('429');
      first.destroy();
      await until('the first is gone', () => fixture.gate.load().connections === 1);
      await behind('198.51.100.1');
    });

    it('that is trusted and names nobody is counted itself', async () => {
      await begin(['127.0.0.1'], { connectionsPerAddress: 1 });
      await behind();
      await expect(behind()).rejects.toThrow('429');
    });

    it('that is not trusted is counted itself, whatever the header says', async () => {
      await begin(['10.0.0.0/8'], { connectionsPerAddress: 1 });
      const first = await behind('198.51.100.1');
      first.send(request(Command.login, 0, '5:web'));
      await until('logic has it', () => addresses().length === 1);
      expect(addresses()).toEqual(['127.0.0.1']);
      await expect(behind('198.51.100.2')).rejects.toThrow('429');
    });

    it('bounds what a trusted proxy opens without saying for whom, and counts it down again', async () => {
      await begin(['127.0.0.1'], { unauthenticatedConnections: 2 });
      const idle = [connect(fixture.wsPort, '127.0.0.1'), connect(fixture.wsPort, '127.0.0.1')];
      for (const socket of idle) track(socket);
      await Promise.all(idle.map((socket) => once(socket, 'connect')));
      await expect(behind('198.51.100.1')).rejects.toThrow('503');
      idle[0]!.destroy();
      const opens = async () => {
        const client = await behind('198.51.100.1').catch(() => undefined);
        return client !== undefined;
      };
      await until('there is room again', opens);
      // The one that is named does not count as unnamed any more.
      expect(await opens()).toBe(true);
      expect(fixture.gate.load().connections).toBe(2);
      await expect(behind('198.51.100.1')).rejects.toThrow('503');
    });
  });

  it('tells a client that leaves from one that is cut', async () => {
    const client = await open();
    client.websocket.close(1000);
    await client.gone();
    await until('it is gone', () => fixture.gate.load().connections === 0);
    expect(await fixture.count('fastim_gate_closes_total', { code: 'peer' })).toBe(1);
  });
});
