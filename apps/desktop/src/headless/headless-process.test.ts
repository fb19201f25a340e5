/** The host as a process of its own, with the real engine and store: command line, signals, sudden death. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type BridgeClient, connectBridge } from '../bridge/bridge-client.ts';
import { openWebSocketPort } from '../bridge/websocket-port.ts';

const entry = fileURLToPath(new URL('./main.ts', import.meta.url));
let directory: string;
let children: ChildProcess[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fastim-process-'));
  mkdirSync(join(directory, 'app'));
  writeFileSync(join(directory, 'app/index.html'), 'the app');
  children = [];
});
afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(directory, { recursive: true, force: true });
});

interface Run {
  child: ChildProcess;
  /** The first line on standard output. */
  ready: Promise<string>;
  exit: Promise<{ code: number | null; output: string }>;
}

function run(args: string[], environment: Record<string, string> = {}): Run {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('FASTIM_'));
  const child = spawn(process.execPath, ['--conditions=fastim-source', entry, ...args], {
    cwd: directory,
    env: { ...Object.fromEntries(inherited), ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  let firstLine = (_line: string): void => undefined;
  const ready = new Promise<string>((resolve) => {
    firstLine = resolve;
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk;
      const line = /^(FastIM desktop ready .*)\n/m.exec(output)?.[1];
      if (line) firstLine(line);
    });
  }
  const exit = once(child, 'close').then(([code]) => ({ code: code as number | null, output }));
  return { child, ready: Promise.race([ready, exit.then(({ output: text }) => `ended: ${text}`)]), exit };
}

const start = (...args: string[]) => run(['--app-directory', join(directory, 'app'), '--data', 'data', ...args]);

async function connect(
  line: string,
  profile = 'default',
  onClose: (code: number) => void = () => undefined,
): Promise<BridgeClient> {
  const address = new URL(/http:\S+/.exec(line)?.[0] ?? line);
  const socket = new WebSocket(`ws://${address.host}/bridge?profile=${profile}`, { origin: address.origin });
  socket.on('close', onClose);
  const { port } = await openWebSocketPort(socket, address.hash.slice('#token='.length));
  return connectBridge(port);
}

describe('the headless process', () => {
  it('prints the ready line, serves a real engine for each profile, and ends with 0 on SIGTERM and SIGINT', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const { child, ready, exit } = start();
      const line = await ready;
      expect(line).toMatch(/^FastIM desktop ready {2}http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}$/);
      const closed: number[] = [];
      const alice = await connect(line, 'alice', (closeCode) => closed.push(closeCode));
      const bob = await connect(line, 'bob');
      expect(await alice.call('app.open', {})).toMatchObject({ profile: 'alice', account: null });
      expect(await bob.call('app.open', {})).toMatchObject({ profile: 'bob', account: null });
      await alice.call('settings.set', { patch: { theme: 'dark' } });
      const files = () => readdirSync(join(directory, 'data/profiles/alice'));
      expect(files().some((name) => name.endsWith('-wal'))).toBe(true);
      child.kill(signal);
      expect((await exit).code).toBe(0);
      // The page was told to come again, which happens before the engines stop.
      await expect.poll(() => closed).toEqual([1001]);
      // The store was closed, not abandoned: nothing is left to recover.
      expect(files().filter((name) => name.endsWith('-wal'))).toEqual([]);
    }
  });

  it('loses nothing that was accepted when it is killed, and comes back with the same token', async () => {
    const first = start();
    const line = await first.ready;
    const app = await connect(line, 'alice');
    await app.call('settings.set', { patch: { theme: 'dark' } });
    await app.call('settings.set', { patch: { sendKey: 'ctrl-enter' } });
    first.child.kill('SIGKILL');
    expect((await first.exit).code).toBeNull();
    const second = start();
    const again = await second.ready;
    expect(again.split('#')[1]).toBe(line.split('#')[1]);
    const { settings } = await (await connect(again, 'alice')).call('app.open', {});
    expect(settings).toMatchObject({ theme: 'dark', sendKey: 'ctrl-enter' });
  });

  it('tells a page that the profile is in use by another process, and by which', async () => {
    const first = start();
    await connect(await first.ready, 'alice');
    const second = start();
    const refused = await connect(await second.ready, 'alice').catch((error: Error) => error);
    expect(refused).toMatchObject({ closeCode: 4350, message: expect.stringContaining(String(first.child.pid)) });
    expect(await (await connect(await second.ready, 'bob')).call('app.open', {})).toMatchObject({ profile: 'bob' });
    first.child.kill('SIGTERM');
    await first.exit;
    expect(await (await connect(await second.ready, 'alice')).call('app.open', {})).toMatchObject({ profile: 'alice' });
  });

  it('stops when its launcher is gone: standard input closes', async () => {
    const { child, ready, exit } = run(['--app-directory', 'app'], { FASTIM_STOP_WITH_STDIN: '1' });
    await ready;
    child.stdin?.end();
    expect((await exit).code).toBe(0);
  });

  it('without a launcher a closed standard input means nothing', async () => {
    const { child, ready } = start();
    const line = await ready;
    child.stdin?.end();
    expect(await (await connect(line)).call('app.open', {})).toMatchObject({ profile: 'default' });
    expect(child.exitCode).toBeNull();
  });

  it.each([
    [['--port', 'x'], 2, '--port: "x" is not a port'],
    [['--unknown'], 2, '--unknown'],
    [['--app-directory', 'nowhere'], 1, 'npm run build'],
    [['--help'], 0, '--allowed-origin ORIGIN'],
  ])('%j ends with %i and says why', async (args, code, text) => {
    const result = await run(args).exit;
    expect(result.code).toBe(code);
    expect(result.output).toContain(text);
  });

  it('says which port is taken', async () => {
    const line = await start().ready;
    const port = new URL(/http:\S+/.exec(line)?.[0] ?? '').port;
    const result = await run(['--app-directory', 'app', '--data', 'other', '--port', port]).exit;
    expect(result).toMatchObject({ code: 1, output: expect.stringContaining(`port ${port} on 127.0.0.1 is in use`) });
  });
});
