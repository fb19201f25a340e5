import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { connectBridge } from '../bridge/bridge-client.ts';
import { createRecordingClient, type RecordingClient } from '../bridge/testing/recording-client.ts';
import { openWebSocketPort } from '../bridge/websocket-port.ts';
import { AppNotBuilt } from './app-server.ts';
import type { EngineOptions } from './engine-pool.ts';
import { type HeadlessHost, type HeadlessHostOptions, startHeadlessHost } from './headless-host.ts';

let directory: string;
let hosts: HeadlessHost[];
let made: { options: EngineOptions; client: RecordingClient }[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fastim-host-'));
  mkdirSync(join(directory, 'app'));
  writeFileSync(join(directory, 'app/index.html'), 'the app');
  hosts = [];
  made = [];
});
afterEach(async () => {
  await Promise.all(hosts.map((host) => host.stop()));
  rmSync(directory, { recursive: true, force: true });
});

async function start(options: Partial<HeadlessHostOptions> = {}): Promise<HeadlessHost> {
  const host = await startHeadlessHost({
    data: join(directory, 'data'),
    suggestedServerUrl: 'http://127.0.0.1:8600',
    appDirectory: join(directory, 'app'),
    logger: pino({ level: 'silent' }),
    createClient: (engine) => {
      const client = createRecordingClient();
      made.push({ options: engine, client });
      return client;
    },
    ...options,
  });
  hosts.push(host);
  return host;
}

async function open({ port, token }: HeadlessHost, profile = 'default') {
  const origin = `http://127.0.0.1:${port}`;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/bridge?profile=${profile}`, { origin });
  return connectBridge((await openWebSocketPort(socket, token)).port);
}

describe('the headless host', () => {
  it('serves the page and the bridge on one port, with the token in the fragment of the address alone', async () => {
    const host = await start();
    const address = new URL(host.address('bob'));
    expect(address.hash).toBe(`#token=${host.token}`);
    expect(address.search).toBe('?profile=bob');
    expect(new URL(host.address()).search).toBe('');
    expect(await (await fetch(address)).text()).toBe('the app');
    const bridge = await open(host, 'bob');
    await bridge.call('app.open', {});
    expect(made.map(({ options }) => options)).toMatchObject([
      {
        directory: join(directory, 'data/profiles'),
        profile: 'bob',
        clientVersion: expect.stringMatching(/^[\w-]+\/\d/),
      },
    ]);
  });

  it('gives the program and the page the same engine', async () => {
    const host = await start();
    const client = await host.client('bob');
    const bridge = await open(host, 'bob');
    await bridge.call('users.search', { query: 'a' });
    expect(made).toHaveLength(1);
    expect(made[0]?.client).toBe(client);
    expect(made[0]?.client.calls.map(({ method }) => method)).toEqual(['start', 'searchUsers']);
  });

  it('keeps its token over a restart, and on the same port its address', async () => {
    const first = await start();
    const { port, token } = first;
    await first.stop();
    const second = await start({ port });
    expect([second.port, second.token]).toEqual([port, token]);
  });

  it('stops once: pages are closed first, then engines write what they have, then the port is free', async () => {
    const host = await start();
    const bridge = await open(host);
    let written = (): void => undefined;
    made[0]?.client.behave(
      'stop',
      () =>
        new Promise<void>((resolve) => {
          written = resolve;
        }),
    );
    const stopping = host.stop();
    expect(host.stop()).toBe(stopping);
    await new Promise<void>((resolve) => bridge.onClose(resolve));
    await expect(host.client()).rejects.toThrow('stopping');
    let stopped = false;
    void stopping.then(() => {
      stopped = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(stopped).toBe(false);
    written();
    await stopping;
    await expect(fetch(`http://127.0.0.1:${host.port}/`)).rejects.toThrow();
  });

  it('says that the port is taken, or the app not built, and leaves nothing open', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    await expect(start({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await new Promise((resolve) => taken.close(resolve));
    await expect(start({ port, appDirectory: join(directory, 'nothing') })).rejects.toThrow(AppNotBuilt);
    expect(await start({ port })).toMatchObject({ port });
    expect(made).toEqual([]);
    expect(readdirSync(join(directory, 'data'))).toEqual(['bridge-token']);
  });

  it('listens on this machine only', async () => {
    const host = await start();
    const { networkInterfaces } = await import('node:os');
    const outside = Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .find(({ internal, family }) => !internal && family === 'IPv4');
    if (outside) await expect(fetch(`http://${outside.address}:${host.port}/`)).rejects.toThrow();
    expect((await fetch(`http://127.0.0.1:${host.port}/`)).status).toBe(200);
  });
});
