import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloseCode } from '@fastim/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClientApi } from '../engine/client-api.ts';
import { HttpFailure } from '../engine/http-failure.ts';
import { FakeServer, silentLogger } from '../engine/testing/index.ts';
import { createNodeClient } from './create-node-client.ts';
import { nodeHttp } from './http-client.ts';
import { systemClock } from './system-clock.ts';
import { type ServedFakeServer, serveFakeServer } from './testing/serve-fake-server.ts';

let directory: string;
let server: FakeServer;
let served: ServedFakeServer;
let clients: ClientApi[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'fastim-client-'));
  server = new FakeServer(systemClock);
  served = await serveFakeServer(server);
  clients = [];
});

afterEach(async () => {
  for (const client of clients) await client.stop();
  await served.close();
  rmSync(directory, { recursive: true });
});

function makeClient(profile: string, channels?: ['tcp'] | ['websocket']): ClientApi {
  const client = createNodeClient({
    directory,
    profile,
    logger: silentLogger,
    suggestedServerUrl: served.url,
    clientVersion: 'test/1.0.0',
    ...(channels && { channels }),
  });
  clients.push(client);
  return client;
}

function online(client: ClientApi): Promise<void> {
  return new Promise((resolve) => {
    const check = () =>
      client.app().then(({ connection }) => {
        if (connection.state !== 'online') return;
        stop();
        resolve();
      });
    const stop = client.on('connection', check);
    void check();
  });
}

async function logIn(profile: string, channels?: ['tcp'] | ['websocket']): Promise<ClientApi> {
  const client = makeClient(profile, channels);
  await client.start();
  await client.logIn({ serverUrl: served.url, username: profile, password: 'password' });
  await online(client);
  return client;
}

/** Resolves when `count` messages of others have been told. */
function received(client: ClientApi, count: number): Promise<string[]> {
  const texts: string[] = [];
  return new Promise((resolve) => {
    const stop = client.on('messages', ({ changed }) => {
      for (const { mine, text } of changed) if (!mine) texts.push(text);
      if (texts.length < count) return;
      stop();
      resolve(texts);
    });
  });
}

describe('the client on Node', () => {
  it.each([[['tcp']], [['websocket']]] as const)(
    'chats over %s, reconnects, and has everything after a restart',
    async (channels) => {
      const alice = server.addUser('alice');
      const bob = server.addUser('bob');
      const conversationId = server.openDirect(alice, bob).toString();
      const a = await logIn('alice', [...channels] as ['tcp'] | ['websocket']);
      const b = await logIn('bob', [...channels] as ['tcp'] | ['websocket']);
      const got = received(b, 2);
      await a.sendMessage({ conversationId, text: 'one' });
      await a.sendMessage({ conversationId, text: '两' });
      expect(await got).toEqual(['one', '两']);
      const offline = new Promise<void>((resolve) => {
        const stop = b.on('connection', ({ state }) => {
          if (state !== 'offline') return;
          stop();
          resolve();
        });
      });
      served.cutAll();
      await offline;
      const more = received(b, 1);
      await a.sendMessage({ conversationId, text: 'three' });
      await Promise.all([a.retryConnection(), b.retryConnection()]);
      expect(await more).toEqual(['three']);
      await b.stop();
      const again = makeClient('bob', [...channels] as ['tcp'] | ['websocket']);
      await again.start();
      const page = await again.messagesPage({ conversationId, anchor: { at: 'newest' }, limit: 10 });
      expect(page.messages.map(({ text }) => text)).toEqual(['one', '两', 'three']);
    },
  );

  it.each([[['tcp']], [['websocket']]] as const)('hears why it was closed over %s', async (channels) => {
    const bob = server.addUser('bob');
    const b = await logIn('bob', [...channels] as ['tcp'] | ['websocket']);
    const ended = new Promise((resolve) => {
      b.on('connection', (view) => {
        if (view.state === 'ended') resolve(view.reason);
      });
    });
    server.closeConnections(bob, CloseCode.banned);
    expect(await ended).toBe('banned');
  });

  it('does not share a profile with another engine', async () => {
    server.addUser('bob');
    await logIn('bob');
    await expect(makeClient('bob').start()).rejects.toMatchObject({
      reason: 'UNAVAILABLE',
      message: expect.stringContaining('in use'),
    });
  });

  it('takes in pushes at thousands a second, from the socket to the event, without holding up its thread', async () => {
    const alice = server.addUser('alice');
    const bob = server.addUser('bob');
    const wireId = server.openDirect(alice, bob);
    const b = await logIn('bob');
    const count = 5_000;
    const got = received(b, count);
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const started = performance.now();
    for (let written = 0; written < count; ) {
      // In pieces, as a server does: the server shares this thread.
      for (let index = 0; index < 100; index += 1, written += 1) server.write(wireId, alice, `m${written}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const texts = await got;
    const perSecond = count / ((performance.now() - started) / 1000);
    clearInterval(timer);
    expect(texts).toEqual(Array.from({ length: count }, (_, index) => `m${index}`));
    if (process.env.FASTIM_SHOW_FIGURES) console.info({ perSecond, longest });
    // A third of the goal, so that a busy machine does not fail it.
    expect(perSecond).toBeGreaterThan(1_000);
  });
});

describe('HTTP on Node', () => {
  const ask = (url: string, over: object = {}) =>
    nodeHttp.request({ method: 'GET', url, headers: {}, body: undefined, timeoutMs: 2_000, maxBytes: 1_000, ...over });

  const faultOf = (asked: Promise<unknown>): Promise<string> =>
    asked.then(
      () => 'an answer',
      (error: unknown) => (error instanceof HttpFailure ? error.fault : `not an HttpFailure: ${error}`),
    );
  const listen = async (listener: Server): Promise<number> => {
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    return (listener.address() as AddressInfo).port;
  };

  it('gives up on what is silent, too long, redirected or not there, and says which', async () => {
    const odd = createServer((request, response) => {
      if (request.url === '/redirect') response.writeHead(302, { location: served.url }).end();
      else if (request.url === '/long') response.end('x'.repeat(1_001));
      else if (request.url === '/slow') response.write('x');
      else if (request.url === '/cut')
        response.writeHead(200, { 'content-length': 9 }).write('x', () => response.destroy());
      else if (request.url === '/silent') request.resume();
      else response.writeHead(418).end('ok 好');
    });
    const port = await listen(odd);
    const url = `http://127.0.0.1:${port}`;
    expect(await ask(`${url}/`)).toEqual({ status: 418, body: 'ok 好' });
    await expect(ask(`${url}/long`)).rejects.toThrow(/1000 bytes/);
    const faults: Record<string, string> = {};
    for (const place of ['/redirect', '/long', '/cut']) faults[place] = await faultOf(ask(url + place));
    for (const place of ['/slow', '/silent']) faults[place] = await faultOf(ask(url + place, { timeoutMs: 100 }));
    faults.tls = await faultOf(ask(`https://127.0.0.1:${port}/`));
    odd.closeAllConnections();
    await new Promise((resolve) => odd.close(resolve));
    faults.nobody = await faultOf(ask(url));
    faults['nobody, under two addresses'] = await faultOf(ask(`http://localhost:${port}`));
    faults['a port that fetch refuses'] = await faultOf(ask('http://127.0.0.1:6000/'));
    faults['a port that is none'] = await faultOf(ask('http://127.0.0.1:99999/'));
    faults['no such name'] = await faultOf(ask('http://name.invalid/'));
    expect(faults).toEqual({
      '/redirect': 'answer',
      '/long': 'answer',
      '/cut': 'answer',
      '/slow': 'timeout',
      '/silent': 'timeout',
      tls: 'tls',
      nobody: 'address',
      'nobody, under two addresses': 'address',
      'a port that fetch refuses': 'address',
      'a port that is none': 'address',
      'no such name': 'address',
    });
  });

  it('finds what answers there and is no FastIM server, and the one that is', async () => {
    const client = makeClient('nobody');
    expect(await client.checkServer({ serverUrl: served.url })).toMatchObject({ ok: true, name: 'Fake' });
    const tcp = createTcpServer((socket) => socket.resume().end('SSH-2.0-OpenSSH\r\n'));
    const web = createServer((_request, response) => response.end('<html>hello</html>'));
    for (const one of [tcp, web]) {
      const serverUrl = `http://127.0.0.1:${await listen(one)}`;
      expect(await client.checkServer({ serverUrl })).toMatchObject({ ok: false, step: 'not-fastim' });
    }
    web.closeAllConnections();
    for (const one of [tcp, web]) await new Promise((resolve) => one.close(resolve));
  });
});
