import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { TestApi } from './testing/test-api.ts';

let app: TestApi;
let port: number;
let host: HttpServer;
let hostSockets: WebSocketServer;
/** Path and headers with which upgrades arrived at the host of the browser app. */
let arrived: { url: string; headers: Record<string, unknown> }[];

beforeEach(async () => {
  arrived = [];
  host = createServer();
  hostSockets = new WebSocketServer({ server: host });
  hostSockets.on('connection', (socket, request) => {
    arrived.push({ url: request.url ?? '', headers: request.headers });
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  app = await TestApi.open({ app: { bridgePort: (host.address() as AddressInfo).port } });
  port = await app.parts.server.start();
});
afterEach(async () => {
  await app.close();
  for (const socket of hostSockets.clients) socket.terminate();
  host.close();
});

/** 'open', or the status of the refusal. */
async function dial(path: string, headers: Record<string, string> = {}): Promise<[string | number, WebSocket]> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
  const outcome = await new Promise<string | number>((resolve) => {
    socket.on('open', () => resolve('open'));
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.on('error', (error) => resolve(error.message));
  });
  return [outcome, socket];
}

describe('the bridge pipe', () => {
  it('carries a WebSocket to the host of the browser app, whole and in both directions', async () => {
    const [outcome, socket] = await dial('/bridge?profile=bob', { origin: `http://127.0.0.1:${port}` });
    expect(outcome).toBe('open');
    expect(arrived).toMatchObject([
      { url: '/bridge?profile=bob', headers: { host: `127.0.0.1:${port}`, origin: `http://127.0.0.1:${port}` } },
    ]);
    for (const size of [0, 1, 70_000, 1_000_000]) {
      const data = Buffer.alloc(size, size);
      socket.send(data);
      const [echo] = (await once(socket, 'message')) as [Buffer];
      expect(echo.equals(data)).toBe(true);
    }
    socket.close(4001, 'done');
    const [code] = await once(socket, 'close');
    expect(code).toBe(4001);
  });

  it.each([
    ['a foreign origin', '/bridge', { origin: 'http://evil.example' }, 403],
    ['the opaque origin', '/bridge', { origin: 'null' }, 403],
    ['another port of this machine', '/bridge', { origin: 'http://127.0.0.1:1' }, 403],
    ['a rebound name', '/bridge', { host: 'evil.example', origin: 'http://evil.example' }, 403],
    ['another path', '/bridges', {}, 404],
    ['a path above', '/bridge/../bridge2', {}, 404],
    ['the API', '/v1/server', {}, 404],
  ])('refuses %s', async (_what, path, headers, status) => {
    expect((await dial(path, headers as Record<string, string>))[0]).toBe(status);
    expect(arrived).toEqual([]);
  });

  it('answers 502 when the host is not there', async () => {
    host.close();
    await once(host, 'close');
    expect((await dial('/bridge'))[0]).toBe(502);
  });

  it('ends the other side when one side goes', async () => {
    const [, fromPage] = await dial('/bridge');
    const [hostSide] = hostSockets.clients;
    fromPage.terminate();
    await once(hostSide!, 'close');
    const [, again] = await dial('/bridge');
    for (const socket of hostSockets.clients) socket.terminate();
    await once(again, 'close');
    expect(hostSockets.clients.size).toBe(0);
  });

  it('does not keep the server from stopping', async () => {
    const [outcome, socket] = await dial('/bridge');
    expect(outcome).toBe('open');
    const closed = once(socket, 'close');
    await app.parts.server.stop();
    await closed;
    expect(socket.readyState).toBe(WebSocket.CLOSED);
  });
});
