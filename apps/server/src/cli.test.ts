import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpClient } from './roles/testing/http-client.ts';
import { WireClient } from './roles/testing/wire-client.ts';

const entry = fileURLToPath(new URL('./main.ts', import.meta.url));
const DEADLINE_MS = 20_000;

/** The server as a process of its own. */
class ServerProcess {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly exited: Promise<number | string>;

  constructor(args: string[], env: Record<string, string> = {}, nodeArgs: string[] = []) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('FASTIM_'));
    this.child = spawn(process.execPath, ['--conditions=fastim-source', ...nodeArgs, entry, ...args], {
      env: { ...Object.fromEntries(inherited), ...env },
      stdio: 'pipe',
    });
    this.child.stdout?.on('data', (chunk) => {
      this.stdout += chunk;
    });
    this.child.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.exited = once(this.child, 'close').then(([code, signal]) => code ?? signal);
  }

  /** The addresses of the ready line. */
  async ready(): Promise<Record<string, string>> {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    while (!this.stdout.includes('\n')) {
      const ended = await Promise.race([
        this.exited.then((code) => ({ code })),
        once(this.child.stdout!, 'data', { signal: deadline }).then(() => undefined),
      ]);
      if (ended) throw new Error(`ended with ${ended.code} before it was ready: ${this.stderr}`);
    }
    const line = this.stdout.split('\n', 1)[0]!;
    return Object.fromEntries([...line.matchAll(/ {2}(\w+) (\S+)/g)].map(([, name, address]) => [name, address]));
  }
}

let folder: string;
const processes: ServerProcess[] = [];
const blockers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fastim-cli-'));
});
afterEach(async () => {
  for (const one of processes.splice(0)) {
    one.child.kill('SIGKILL');
    await one.exited;
  }
  for (const blocker of blockers.splice(0)) blocker.close();
  rmSync(folder, { recursive: true, force: true });
});

const anyPorts = ['--port', '0', '--tcp-port', '0', '--ws-port', '0', '--metrics-port', '0'];

function run(args: string[], env: Record<string, string> = {}, nodeArgs: string[] = []): ServerProcess {
  const started = new ServerProcess(args, env, nodeArgs);
  processes.push(started);
  return started;
}
const serve = (args: string[] = [], env: Record<string, string> = {}) =>
  run(['--data', join(folder, 'data'), ...anyPorts, ...args], env);

describe('the server command', () => {
  it('prints one ready line whose addresses work, and ends with 0 on SIGTERM', async () => {
    const server = serve(['--log-file', join(folder, 'log', 'server.log'), '--gate-drain-ms', '200']);
    const addresses = await server.ready();
    expect(Object.keys(addresses)).toEqual(['api', 'tcp', 'websocket', 'metrics']);
    expect(server.stdout).toMatch(
      /^FastIM ready {2}api http:\/\/127\.0\.0\.1:\d+\/v1 {2}tcp 127\.0\.0\.1:\d+ {2}websocket ws:\/\/127\.0\.0\.1:\d+ {2}metrics http:\/\/127\.0\.0\.1:\d+\/metrics\n$/,
    );
    const http = new HttpClient(addresses.api!);
    const alice = await http.register('alice');
    const wire = await WireClient.logIn(await http.gate(alice.accessToken), alice.accessToken);
    expect((await fetch(addresses.metrics!)).status).toBe(200);
    server.child.kill('SIGTERM');
    expect(await server.exited).toBe(0);
    await wire.waitForClose();
    expect(server.stdout.split('\n')).toHaveLength(2);
    expect(server.stderr).toBe('');
    const lines = readFileSync(join(folder, 'log', 'server.log'), 'utf8')
      .trim()
      .split('\n');
    expect(JSON.parse(lines.at(-1)!).msg).toBe('stopped');
  });

  it('names the browser app first when there is one', async () => {
    const directory = join(folder, 'app');
    mkdirSync(directory);
    writeFileSync(join(directory, 'index.html'), '<title>FastIM</title>');
    const addresses = await serve(['--app-directory', directory], { FASTIM_LOG_LEVEL: 'silent' }).ready();
    expect(Object.keys(addresses)[0]).toBe('app');
    expect(await (await fetch(addresses.app!)).text()).toContain('FastIM');
  });

  it('stops on Ctrl-C, and when its parent closes its standard input if asked to', async () => {
    const interrupted = serve();
    await interrupted.ready();
    interrupted.child.kill('SIGINT');
    expect(await interrupted.exited).toBe(0);
    const watched = serve([], { FASTIM_STOP_WITH_STDIN: '1' });
    await watched.ready();
    watched.child.stdin?.end();
    expect(await watched.exited).toBe(0);
  });

  it('stops while it still starts', async () => {
    const server = serve();
    while (!existsSync(join(folder, 'data'))) await new Promise((resolve) => setTimeout(resolve, 5));
    server.child.kill('SIGTERM');
    expect(await server.exited).toBe(0);
    expect(await endOf(serve([]))).toBe(0);
  });

  it('serves on when nobody reads the ready line', async () => {
    const logFile = join(folder, 'server.log');
    const server = serve(['--log-file', logFile]);
    server.child.stdout?.destroy();
    const logged = () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '');
    await expect.poll(logged, { timeout: DEADLINE_MS }).toContain('the ready line could not be written');
    expect(server.child.kill('SIGTERM')).toBe(true);
    expect(await server.exited).toBe(0);
  });

  it('ends at once on a second signal', async () => {
    const server = serve(['--gate-drain-ms', '60000']);
    const addresses = await server.ready();
    const http = new HttpClient(addresses.api!);
    const alice = await http.register('alice');
    const wire = await WireClient.logIn(await http.gate(alice.accessToken), alice.accessToken);
    server.child.kill('SIGTERM');
    while (!server.stderr.includes('"msg":"stopping"')) await once(server.child.stderr!, 'data');
    server.child.kill('SIGTERM');
    expect(await server.exited).toBe(1);
    wire.close();
  });

  it('writes a new log file after the old one was moved away and SIGHUP', async () => {
    const file = join(folder, 'server.log');
    const server = serve(['--log-file', file]);
    await server.ready();
    renameSync(file, `${file}.1`);
    server.child.kill('SIGHUP');
    server.child.kill('SIGTERM');
    expect(await server.exited).toBe(0);
    expect(readFileSync(`${file}.1`, 'utf8')).toContain('"msg":"ready"');
    expect(readFileSync(file, 'utf8')).toContain('"msg":"stopped"');
  });
});

/** Lets a server that was started come up and stops it again. */
async function endOf(server: ServerProcess): Promise<number | string> {
  await server.ready();
  server.child.kill('SIGTERM');
  return server.exited;
}

describe('the commands for a data folder', () => {
  const ended = async (args: string[]) => {
    const command = run(args, { FASTIM_LOG_LEVEL: 'error' });
    return { code: await command.exited, stdout: command.stdout, stderr: command.stderr };
  };

  it('back a running server up, check the copy, and restore it into an empty folder that serves again', async () => {
    const server = serve();
    const addresses = await server.ready();
    const alice = await new HttpClient(addresses.api!).register('alice');
    const file = join(folder, 'copies', 'monday.db');
    const backup = await ended(['backup', file, '--data', join(folder, 'data')]);
    expect(backup).toMatchObject({ code: 0, stderr: '' });
    expect(backup.stdout).toContain(`is backed up in ${file}: 0 conversations, 0 messages`);
    expect(await ended(['verify', file])).toMatchObject({ code: 0, stdout: expect.stringContaining('0 messages') });

    const again = await ended(['backup', file, '--data', join(folder, 'data')]);
    expect(again).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/not overwritten.*\n$/) });
    const over = await ended(['restore', file, '--data', join(folder, 'data')]);
    expect(over).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(`in use by process ${server.child.pid}`),
    });

    const restored = join(folder, 'restored');
    const restore = await ended(['restore', file, '--data', restored]);
    expect(restore).toMatchObject({ code: 0, stderr: '' });
    const second = run(['--data', restored, ...anyPorts], { FASTIM_LOG_LEVEL: 'error' });
    const http = new HttpClient((await second.ready()).api!);
    expect(await http.logIn('alice', alice.password)).toMatchObject({ userId: alice.userId });
  });

  it('say what is wrong with a damaged file, and end with 1', async () => {
    const file = join(folder, 'broken.db');
    writeFileSync(file, 'no database '.repeat(1_000));
    for (const args of [
      ['verify', file],
      ['restore', file, '--data', join(folder, 'restored')],
      ['restore', join(folder, 'missing.db'), '--data', join(folder, 'restored')],
      ['backup', join(folder, 'new.db'), '--data', join(folder, 'nothing')],
    ]) {
      const { code, stdout, stderr } = await ended(args);
      expect([args[0], code, stdout]).toEqual([args[0], 1, '']);
      expect(stderr).toMatch(/^fastim: [^\n]+\n$/);
    }
    expect(existsSync(join(folder, 'restored', 'fastim.db'))).toBe(false);
  });

  it.each([[['backup']], [['restore', '--data', 'x']], [['verify', 'a.db', 'b.db']]])(
    'refuse %j with 2',
    async (args) => {
      const { code, stdout, stderr } = await ended(args);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/^fastim: .+\n$/);
    },
  );
});

describe('a command that cannot run', () => {
  it.each<[what: string, args: string[], env: Record<string, string>, line: RegExp]>([
    ['an unknown option', ['--prot', '1'], {}, /^fastim: unknown option --prot \(did you mean --port\?\)\n$/],
    ['a bad value', ['--port', 'x'], {}, /^fastim: --port: has to be a whole number from 0 to 65535, not "x"\n$/],
    [
      'an unknown variable',
      [],
      { FASTIM_PORTT: '1' },
      /^fastim: unknown variable FASTIM_PORTT \(did you mean FASTIM_PORT\?\)\n$/,
    ],
  ])('names %s, ends with 2, and nothing has started', async (_what, args, env, line) => {
    const data = join(folder, 'data');
    const server = run(['--data', data, ...args], env);
    expect(await server.exited).toBe(2);
    expect(server.stderr).toMatch(line);
    expect(server.stdout).toBe('');
    expect(existsSync(data)).toBe(false);
  });

  it('says who uses the data folder, in one line, and ends with 1', async () => {
    const first = serve();
    await first.ready();
    const second = serve();
    expect(await second.exited).toBe(1);
    expect(second.stderr).toMatch(/^fastim: The data folder .* is in use by process \d+ .*\n$/);
    expect(second.stderr).toContain(`${first.child.pid}`);
    expect(second.stdout).toBe('');
  });

  it.each(['--port', '--ws-port'])('names the port of %s when it is taken', async (option) => {
    const blocker = createServer();
    blockers.push(blocker);
    blocker.listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as AddressInfo;
    const server = serve([option, String(port)], { FASTIM_LOG_LEVEL: 'error' });
    expect(await server.exited).toBe(1);
    expect(server.stderr).toBe(
      `fastim: port ${port} on 127.0.0.1 is in use by another program (choose another with ${option})\n`,
    );
  });

  it('names a data folder that is no folder, a log file that cannot be, and a host that is not ours', async () => {
    writeFileSync(join(folder, 'file'), '');
    const cases: [string[], RegExp][] = [
      [['--data', join(folder, 'file')], /^fastim: .*file.*\n$/],
      [
        ['--log-file', join(folder, 'file', 'server.log')],
        /^fastim: the log file .* cannot be written \(ENOTDIR|EEXIST\)/,
      ],
      [
        ['--host', '192.0.2.1'],
        /^fastim: 192\.0\.2\.1 is not an address of this machine \(choose another with --host\)\n$/,
      ],
    ];
    for (const [args, line] of cases) {
      const server = serve(args, { FASTIM_LOG_LEVEL: 'error' });
      expect(await server.exited).toBe(1);
      expect(server.stderr).toMatch(line);
      expect(server.stdout).toBe('');
    }
  });

  it('says so on a Node that is too old, before anything native is loaded', async () => {
    const pretend = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })";
    const server = run([], {}, ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`]);
    expect(await server.exited).toBe(1);
    expect(server.stderr).toBe('fastim: Node 20.20.2 is too old: version 22.18 or newer is needed.\n');
  });

  it('prints every option for --help and the version for --version', async () => {
    const help = run(['--help']);
    const version = run(['--version']);
    expect([await help.exited, await version.exited]).toEqual([0, 0]);
    expect(help.stdout).toContain('--gate-heartbeat-interval-ms');
    expect(version.stdout).toMatch(/^fastim \d+\.\d+\.\d+\n$/);
  });
});

describe('a role of a cluster', () => {
  const secret = 'not to be seen '.repeat(3);
  const ports = [
    '--metrics-port',
    '0',
    '--cluster-inner-port',
    '0',
    '--tcp-port',
    '0',
    '--ws-port',
    '0',
    '--port',
    '0',
  ];

  it('names what it lacks, ends with 2, and nothing has started', async () => {
    const server = run(['--role', 'gate', ...ports], { FASTIM_CLUSTER_SECRET: secret });
    expect(await server.exited).toBe(2);
    expect(server.stderr).toMatch(/^fastim: registry\.url: role gate needs the address of Redis\n$/);
    expect(server.stdout).toBe('');
  });

  it.each(['lsb', 'gate', 'api', 'logic'])(
    '%s waits for what is not there yet, says so, and stops in order meanwhile',
    async (role) => {
      const closed = createServer();
      await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
      const { port } = closed.address() as AddressInfo;
      await new Promise((resolve) => closed.close(resolve));
      const server = run(['--role', role, '--gate-drain-ms', '200', ...ports], {
        FASTIM_CLUSTER_SECRET: secret,
        FASTIM_REGISTRY_URL: `redis://:hunter2@127.0.0.1:${port}/0`,
        ...(role !== 'gate' && { FASTIM_STORE_URL: `postgres://fastim:hunter2@127.0.0.1:${port}/fastim` }),
      });
      const awaited = role === 'gate' ? 'waiting for Redis' : 'waiting for PostgreSQL';
      const deadline = AbortSignal.timeout(DEADLINE_MS);
      while (!server.stderr.includes(awaited)) await once(server.child.stderr!, 'data', { signal: deadline });
      server.child.kill('SIGTERM');
      expect(await server.exited).toBe(0);
      expect(server.stdout).toBe('');
      expect(server.stderr).not.toMatch(/not to be seen|hunter2/);
    },
  );
});

describe('a fault that nobody foresaw', () => {
  it('is logged as fatal and ends the process with 1', async () => {
    const cause = "process.on('SIGUSR2', () => { throw new Error('planted fault'); })";
    const server = run(['--data', join(folder, 'data'), ...anyPorts], {}, [
      '--import',
      `data:text/javascript,${encodeURIComponent(cause)}`,
    ]);
    await server.ready();
    server.child.kill('SIGUSR2');
    expect(await server.exited).toBe(1);
    expect(server.stderr).toMatch(/"level":60.*planted fault/);
  });
});
