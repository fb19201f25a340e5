import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '@fastim/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { type Address, ChaosProxy } from './chaos-proxy.ts';

const endings: Array<() => Promise<unknown> | unknown> = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** Sends back what it gets; remembers in how many reads it came. */
async function echoServer() {
  const reads: number[] = [];
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      reads.push(chunk.length);
      socket.write(chunk);
    });
    socket.on('end', () => socket.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  endings.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { address: { host: '127.0.0.1', port }, reads, sockets };
}

async function startProxy(targets: readonly Address[]): Promise<ChaosProxy> {
  const random = seededRandom(7);
  const proxy = await ChaosProxy.start({ targets: () => targets, random });
  endings.push(() => proxy.stop());
  return proxy;
}

async function client(proxy: ChaosProxy) {
  const socket = connect(proxy.address.port, '127.0.0.1');
  let received = '';
  let closed: string | undefined;
  socket.on('data', (chunk) => {
    received += chunk;
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    closed = error.code;
  });
  socket.on('close', () => {
    closed ??= 'closed';
  });
  endings.push(() => socket.destroy());
  await once(socket, 'connect');
  return { socket, received: () => received, closed: () => closed };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let left = 500; !condition(); left -= 1) {
    if (left === 0) throw new Error(`never: ${what}`);
    await sleep(10);
  }
}

describe('the chaos proxy', () => {
  it('without a toxic passes everything both ways, the end too', async () => {
    const { address } = await echoServer();
    const proxy = await startProxy([address]);
    const { socket, received, closed } = await client(proxy);
    const text = 'x'.repeat(3_000_000);
    socket.end(text);
    await until(() => closed() !== undefined, 'closed');
    expect(closed()).toBe('closed');
    expect(received().length).toBe(text.length);
    await until(() => proxy.connections === 0, 'forgotten');
  });

  it('delays, and keeps the order', async () => {
    const { address } = await echoServer();
    const proxy = await startProxy([address]);
    const { socket, received } = await client(proxy);
    proxy.poison({ kind: 'latency', ms: 60, jitterMs: 60 });
    const began = performance.now();
    for (const letter of 'abcdefgh') {
      socket.write(letter);
      await sleep(2);
    }
    await until(() => received().length === 8, 'all of it');
    expect(received()).toBe('abcdefgh');
    expect(performance.now() - began).toBeGreaterThan(100);
  });

  it('slices into single bytes', async () => {
    const { address, reads } = await echoServer();
    const proxy = await startProxy([address]);
    const { socket, received } = await client(proxy);
    proxy.poison({ kind: 'slice', bytes: 100 });
    socket.write('0123456789'.repeat(20));
    await until(() => received().length === 200, 'all of it');
    expect(received()).toBe('0123456789'.repeat(20));
    // What was written apart may still be read together, but never all of it.
    expect(reads.length).toBeGreaterThan(10);
  });

  it('drops silently: nothing arrives and nothing closes; heal tears down those that lost bytes, and only those', async () => {
    const { address, reads } = await echoServer();
    const proxy = await startProxy([address]);
    const loser = await client(proxy);
    const quiet = await client(proxy);
    await until(() => proxy.connections === 2, 'both');
    loser.socket.write('a');
    await until(() => loser.received() === 'a', 'a');
    proxy.poison({ kind: 'drop' });
    const late = await client(proxy);
    loser.socket.write('lost');
    late.socket.write('lost too');
    await sleep(60);
    expect([loser.received(), late.received(), loser.closed(), late.closed()]).toEqual(['a', '', undefined, undefined]);
    proxy.heal();
    await until(() => loser.closed() !== undefined && late.closed() !== undefined, 'torn down');
    quiet.socket.write('b');
    await until(() => quiet.received() === 'b', 'b');
    expect(reads.reduce((sum, length) => sum + length, 0)).toBe(2);
  });

  it('holds half-open: not even a reset of the other end is heard; heal lets everything through', async () => {
    const { address, sockets } = await echoServer();
    const proxy = await startProxy([address]);
    const kept = await client(proxy);
    const dead = await client(proxy);
    dead.socket.write('x');
    await until(() => dead.received() === 'x', 'x');
    proxy.poison({ kind: 'half-open' });
    kept.socket.write('held');
    for (const socket of sockets.slice(1)) socket.resetAndDestroy();
    await sleep(60);
    expect([kept.received(), dead.closed()]).toEqual(['', undefined]);
    proxy.heal();
    await until(() => kept.received() === 'held' && dead.closed() !== undefined, 'the truth');
  });

  it('resets what is there, or every connection that says something', async () => {
    const { address } = await echoServer();
    const proxy = await startProxy([address]);
    const first = await client(proxy);
    first.socket.write('a');
    await until(() => first.received() === 'a', 'a');
    proxy.reset();
    await until(() => first.closed() !== undefined, 'reset');
    expect(first.closed()).toBe('ECONNRESET');
    proxy.poison({ kind: 'reset' });
    const second = await client(proxy);
    second.socket.write('a');
    await until(() => second.closed() !== undefined, 'reset');
    expect([second.closed(), second.received()]).toEqual(['ECONNRESET', '']);
  });

  it('tells the other end late that one has closed', async () => {
    const { address } = await echoServer();
    const proxy = await startProxy([address]);
    const { socket, received, closed } = await client(proxy);
    proxy.poison({ kind: 'slow-close', ms: 120 });
    const began = performance.now();
    socket.end('bye');
    await until(() => closed() !== undefined, 'closed');
    expect(received()).toBe('bye');
    expect(performance.now() - began).toBeGreaterThan(110);
  });

  it('affects a share of the connections', async () => {
    const { address } = await echoServer();
    const proxy = await startProxy([address]);
    const clients = await Promise.all(Array.from({ length: 20 }, () => client(proxy)));
    await until(() => proxy.connections === 20, 'all');
    proxy.poison({ kind: 'drop' }, 0.5);
    for (const { socket } of clients) socket.write('a');
    await sleep(100);
    const reached = clients.filter(({ received }) => received() === 'a').length;
    expect(reached).toBeGreaterThan(2);
    expect(reached).toBeLessThan(18);
  });

  it('goes to the next target when one refuses, and tears down when all do', async () => {
    const { address } = await echoServer();
    const closedPort = await new Promise<number>((resolve) => {
      const probe = createServer().listen(0, '127.0.0.1', () => {
        const { port } = probe.address() as { port: number };
        probe.close(() => resolve(port));
      });
    });
    const nobody = { host: '127.0.0.1', port: closedPort };
    const proxy = await startProxy([nobody, address]);
    for (let times = 0; times < 2; times += 1) {
      const { socket, received } = await client(proxy);
      socket.write('a');
      await until(() => received() === 'a', 'a');
    }
    const useless = await client(await startProxy([nobody]));
    await until(() => useless.closed() !== undefined, 'torn down');
    expect(useless.closed()).toBe('ECONNRESET');
  });
});
