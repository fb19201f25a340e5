import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { ManualClock } from '@fastim/core/testing';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { connectBridge } from '../bridge/bridge-client.ts';
import { MAX_BRIDGE_MESSAGE } from '../bridge/contract.ts';
import { createRecordingClient, type RecordingClient, sampleApp } from '../bridge/testing/recording-client.ts';
import { type BridgeRefused, openWebSocketPort } from '../bridge/websocket-port.ts';
import { type BridgeEndpoint, HELLO_DEADLINE_MS, MAX_STRANGERS, serveBridgeEndpoint } from './bridge-endpoint.ts';
import { EngineRefused } from './engine-pool.ts';
import { createOriginPolicy } from './origin-policy.ts';

const token = 'a-token-of-this-test';
let server: Server;
let endpoint: BridgeEndpoint;
let clock: ManualClock;
let clients: Map<string, RecordingClient>;
let startEngine: (profile: string) => Promise<void>;
let port: number;

beforeEach(async () => {
  clock = new ManualClock();
  clients = new Map();
  startEngine = async () => undefined;
  server = createServer();
  endpoint = serveBridgeEndpoint({
    server,
    token,
    clock,
    policy: createOriginPolicy([]),
    logger: pino({ level: 'silent' }),
    engines: {
      async client(profile) {
        await startEngine(profile);
        const client = clients.get(profile) ?? createRecordingClient();
        clients.set(profile, client);
        return client;
      },
      stop: async () => undefined,
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  endpoint.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function dial(path = '/bridge', { origin = `http://127.0.0.1:${port}`, host = '' } = {}): WebSocket {
  const headers = host ? { host } : {};
  return new WebSocket(`ws://127.0.0.1:${port}${path}`, { origin, headers });
}

const enter = (socket: WebSocket, with_ = token) => openWebSocketPort(socket, with_);

async function refusalOf(entering: Promise<unknown>): Promise<BridgeRefused> {
  return entering.then(
    () => expect.unreachable('the bridge should refuse'),
    (error: BridgeRefused) => error,
  );
}

/** The status of the HTTP answer when the connection was not upgraded. */
function statusOf(socket: WebSocket): Promise<number> {
  return new Promise((resolve, reject) => {
    socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      socket.terminate();
    });
    socket.on('open', () => reject(new Error('was upgraded')));
    socket.on('error', () => undefined);
  });
}

const closeOf = (socket: WebSocket) =>
  new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('error', () => undefined);
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });

const opened = (socket: WebSocket) => new Promise<void>((resolve) => socket.on('open', () => resolve()));

describe('the bridge over a WebSocket', () => {
  it('lets a page with the token in and serves its profile, the default one without a name', async () => {
    const bob = await enter(dial('/bridge?profile=bob'));
    expect(bob.profile).toBe('bob');
    const bridge = connectBridge(bob.port);
    expect(await bridge.call('app.open', {})).toEqual(sampleApp);
    const heard = new Promise((resolve) => bridge.on('account', resolve));
    clients.get('bob')?.emit('account', null);
    expect(await heard).toBeNull();
    expect((await enter(dial())).profile).toBe('default');
    expect([...clients.keys()]).toEqual(['bob', 'default']);
  });

  it('gives two pages of one profile the same engine and both its events', async () => {
    const bridges = await Promise.all([1, 2].map(async () => connectBridge((await enter(dial())).port)));
    const heard = Promise.all(bridges.map((bridge) => new Promise((resolve) => bridge.on('connection', resolve))));
    clients.get('default')?.emit('connection', { state: 'online' });
    expect(await heard).toEqual([{ state: 'online' }, { state: 'online' }]);
    expect(clients.size).toBe(1);
  });

  it('ends the subscriptions when a page goes, and keeps the engine', async () => {
    const socket = dial();
    await enter(socket);
    const client = clients.get('default');
    expect(client?.subscriptions).toBe(8);
    socket.terminate();
    await expect.poll(() => client?.subscriptions).toBe(0);
    expect(client?.calls).toEqual([]);
  });

  it.each(['wrong', '', `${token}x`, token.slice(1)])('refuses the token %j for good, with a reason', async (wrong) => {
    const refused = await refusalOf(enter(dial(), wrong));
    expect(refused).toMatchObject({ closeCode: 4401, final: true });
    expect(refused.message).toContain('token');
    expect(clients.size).toBe(0);
  });

  it('hears ten wrong tokens, then none for a while, then also the right one again', async () => {
    for (let attempt = 0; attempt < 10; attempt++) {
      expect((await refusalOf(enter(dial(), 'wrong'))).closeCode).toBe(4401);
    }
    expect(await refusalOf(enter(dial(), 'wrong'))).toMatchObject({ closeCode: 4329, final: false });
    expect(await refusalOf(enter(dial()))).toMatchObject({ closeCode: 4329 });
    clock.advance(6000);
    expect((await enter(dial())).profile).toBe('default');
  });

  it.each(['x', '{}', '{"hello":{}}', '{"hello":{"token":7}}', '{"hello":{"token":"t","more":1}}', '[]', 'null'])(
    'refuses %s in place of a hello',
    async (text) => {
      const socket = dial();
      await opened(socket);
      socket.send(text);
      expect((await closeOf(socket)).code).toBe(4400);
      expect(clients.size).toBe(0);
    },
  );

  it('serves nothing before the hello', async () => {
    const socket = dial();
    await opened(socket);
    socket.send(JSON.stringify({ id: 1, command: 'app.open', params: {} }));
    const answers: unknown[] = [];
    socket.on('message', (data) => answers.push(data));
    expect((await closeOf(socket)).code).toBe(4400);
    expect(answers).toEqual([]);
  });

  it('closes a connection that never says hello, in time, and bounds how many there are', async () => {
    const sockets = Array.from({ length: MAX_STRANGERS }, () => dial());
    await Promise.all(sockets.map(opened));
    expect((await closeOf(dial())).code).toBe(4330);
    const closes = sockets.map(closeOf);
    clock.advance(HELLO_DEADLINE_MS);
    for (const close of await Promise.all(closes)) expect(close.code).toBe(4308);
    expect((await enter(dial())).profile).toBe('default');
  });

  it.each(['..', 'A', 'a%2Fb', 'x'.repeat(33), 'con', ''])('refuses the profile %j for good', async (profile) => {
    const refused = await refusalOf(enter(dial(`/bridge?profile=${profile}`)));
    expect(refused).toMatchObject({ closeCode: 4404, final: true });
    expect(refused.message).toContain('1 to 32 characters');
    expect(clients.size).toBe(0);
  });

  it('says why an engine cannot start, in no more than a close reason holds, and the page may try again', async () => {
    startEngine = async () => {
      throw new Error(`the folder is in use by process 界 ${'界'.repeat(100)}`);
    };
    const refused = await refusalOf(enter(dial()));
    expect(refused).toMatchObject({ closeCode: 4350, final: false });
    expect(refused.message).toMatch(/^the folder is in use by process 界 界+$/);
    startEngine = async () => {
      throw new EngineRefused('32 profiles are in use already');
    };
    expect(await refusalOf(enter(dial()))).toMatchObject({ closeCode: 4404 });
  });

  it('keeps what a page sends while its engine starts', async () => {
    let release = (): void => undefined;
    startEngine = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const socket = dial();
    await opened(socket);
    socket.send(JSON.stringify({ hello: { token } }));
    socket.send(JSON.stringify({ id: 1, command: 'app.open', params: {} }));
    const answers: string[] = [];
    const answered = new Promise<void>((resolve) => {
      socket.on('message', (data) => {
        answers.push(String(data));
        if (answers.length === 2) resolve();
      });
    });
    await expect
      .poll(() => {
        release();
        return clients.size;
      })
      .toBe(1);
    await answered;
    expect(answers).toEqual(['{"welcome":{"profile":"default"}}', JSON.stringify({ id: 1, result: sampleApp })]);
  });

  it('bad input 57: a message over the limit closes the connection (1009), a binary one too, and others live on', async () => {
    const other = connectBridge((await enter(dial())).port);
    const large = dial();
    await enter(large);
    const closed = closeOf(large);
    large.send('x'.repeat(MAX_BRIDGE_MESSAGE + 1));
    expect((await closed).code).toBe(1009);
    const binary = dial();
    await enter(binary);
    const refused = closeOf(binary);
    binary.send(Buffer.from('{"id":1,"command":"app.open","params":{}}'));
    expect((await refused).code).toBe(4400);
    expect(await other.call('app.open', {})).toEqual(sampleApp);
  });

  it.each([
    ['another origin', '/bridge', { origin: 'http://evil.example' }, 403],
    ['another port of this machine', '/bridge', { origin: 'http://127.0.0.1:1' }, 403],
    ['a sandboxed frame or a file', '/bridge', { origin: 'null' }, 403],
    ['a rebound name', '/bridge', { origin: 'http://evil.example', host: 'evil.example' }, 403],
    ['another path', '/', {}, 404],
    ['a path below', '/bridge/x', {}, 404],
    ['a path that is no URL', '//[', {}, 404],
    ['another host in the path', '//evil.example/bridge', {}, 404],
  ])('bad input 58: %s is not upgraded', async (_name, path, options, status) => {
    expect(await statusOf(dial(path, options))).toBe(status);
    expect(clients.size).toBe(0);
  });

  it('lets a program that is no browser in without an Origin: the token decides', async () => {
    const { profile } = await enter(new WebSocket(`ws://127.0.0.1:${port}/bridge`));
    expect(profile).toBe('default');
    const refused = await refusalOf(enter(new WebSocket(`ws://127.0.0.1:${port}/bridge`), 'wrong'));
    expect(refused.closeCode).toBe(4401);
  });

  it('survives an upgrade that breaks off or is no WebSocket', async () => {
    const upgrade = `GET /bridge HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
    for (const text of [`${upgrade}\r\n`, `${upgrade}Sec-WebSocket-Version: 99\r\n\r\n`]) {
      await new Promise<void>((resolve) => {
        const stream = connect(port, '127.0.0.1', () => stream.write(text));
        stream.on('data', () => stream.destroy());
        stream.on('error', () => undefined);
        stream.on('close', () => resolve());
      });
    }
    expect((await enter(dial())).profile).toBe('default');
  });

  it('cuts a page that does not read before its memory fills', async () => {
    const socket = dial();
    await enter(socket);
    socket.pause();
    const client = clients.get('default');
    const text = 'x'.repeat(1024 * 1024);
    for (let count = 0; count < 200 && client?.subscriptions; count++) {
      client.emit('account', { deviceId: text, serverUrl: '', user: { userId: '1', username: '', displayName: '' } });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(client?.subscriptions).toBe(0);
    socket.terminate();
  });

  it('tells pages to come again when it stops, and lets nobody in after that', async () => {
    const socket = dial();
    const { port: page } = await enter(socket);
    const bridge = connectBridge(page);
    const closed = closeOf(socket);
    socket.send(JSON.stringify({ id: 1, command: 'account.logOut', params: {} }));
    endpoint.close();
    endpoint.close();
    expect(await closed).toEqual({ code: 1001, reason: 'stopping' });
    expect(bridge.closed).toBe(true);
    expect(clients.get('default')?.subscriptions).toBe(0);
    expect(clients.get('default')?.calls).toEqual([]);
    expect(await statusOf(dial())).toBe(503);
  });

  it('does not wait for a page that never answers the close', async () => {
    const socket = dial();
    await enter(socket);
    socket.pause();
    const client = clients.get('default');
    endpoint.close();
    clock.advance(1000);
    await expect.poll(() => client?.subscriptions).toBe(0);
    socket.terminate();
  });
});
