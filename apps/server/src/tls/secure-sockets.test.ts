import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { connect as connectTls, createSecureContext } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { testCa } from '../cluster/inner/testing/test-certificates.ts';
import { SecureSockets, secureHttp } from './secure-sockets.ts';

const ca = testCa('test CA');
const context = createSecureContext(ca.issue('localhost'));
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function echo(options: { http: boolean; handshakeMs?: number }): Promise<number> {
  const secure = new SecureSockets({ tls: { context }, ...options });
  return listen(createServer((socket) => secure.accept(socket, (ready) => ready.pipe(ready))));
}

/** What the peer says until it hangs up. */
async function plain(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  socket.on('error', () => undefined);
  if (bytes) socket.write(bytes);
  await once(socket, 'close');
  return heard;
}

describe('sockets of a port that speaks TLS only', () => {
  it('carry bytes both ways after the handshake', async () => {
    const socket = connectTls({ port: await echo({ http: false }), host: '127.0.0.1', ca: ca.cert });
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(true);
    socket.write('hello');
    expect(String((await once(socket, 'data'))[0])).toBe('hello');
    socket.end();
    await once(socket, 'close');
  });

  it('begin also when the first bytes come one by one', async () => {
    const port = await echo({ http: false });
    const [server] = servers;
    // A relay that slices what the client says.
    const relay = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      far.setNoDelay(true);
      near.on('data', (chunk) => {
        for (const byte of chunk) far.write(Buffer.from([byte]));
      });
      far.pipe(near);
      near.on('close', () => far.destroy());
      near.on('error', () => far.destroy());
      far.on('error', () => near.destroy());
    });
    const socket = connectTls({ port: await listen(relay), host: '127.0.0.1', ca: ca.cert });
    await once(socket, 'secureConnect');
    socket.write('hello');
    expect(String((await once(socket, 'data'))[0])).toBe('hello');
    socket.destroy();
    expect(server?.listening).toBe(true);
  });

  it('tell those who speak plain HTTP what is wrong, and others nothing', async () => {
    const answer = await plain(await echo({ http: true }), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n.*https:\/\//s);
    expect(await plain(await echo({ http: false }), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toBe('');
  });

  it('are closed when nothing comes, and when the handshake goes no further or is none', async () => {
    const port = await echo({ http: true, handshakeMs: 100 });
    expect(await plain(port, '')).toBe('');
    expect(await plain(port, '\u0016')).toBe('');
    const garbage = await plain(await echo({ http: true, handshakeMs: 5_000 }), `\u0016\u0003\u0001\u0000\u0005hello`);
    expect(garbage).not.toContain('HTTP');
  });
});

describe('an HTTP server behind TLS', () => {
  it('keeps its own time limits, and closes without waiting for handshakes', async () => {
    const server = createHttpServer({ connectionsCheckingInterval: 20, headersTimeout: 100 }, (_request, response) =>
      response.end('over TLS'),
    );
    secureHttp(server, new SecureSockets({ tls: { context }, http: true }));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;

    const slow = connectTls({ port, host: '127.0.0.1', ca: ca.cert });
    await once(slow, 'secureConnect');
    slow.write('GET / HTTP/1.1\r\n');
    expect(String((await once(slow, 'data'))[0])).toMatch(/^HTTP\/1\.1 408/);

    const silent = connect(port, '127.0.0.1');
    silent.on('error', () => undefined);
    await once(silent, 'connect');
    const asked = connectTls({ port, host: '127.0.0.1', ca: ca.cert });
    await once(asked, 'secureConnect');
    asked.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    let answer = '';
    asked.on('data', (chunk) => {
      answer += chunk;
    });
    await once(asked, 'close');
    expect(answer).toContain('over TLS');
    await new Promise((resolve) => server.close(resolve));
    expect(server.listening).toBe(false);
    slow.destroy();
    silent.destroy();
  });
});
