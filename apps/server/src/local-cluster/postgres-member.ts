import { execFile } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { findPostgres } from './find-binaries.ts';
import { MemberProcess } from './member-process.ts';

export interface PostgresOptions {
  readonly directory: string;
  readonly port: number;
  readonly password: string;
  readonly logFile: string;
}

const USER = 'fastim';
const DATABASE = 'fastim';
const START_MS = 60_000;
/** Every process of a large local cluster with its pool. */
const MAX_CONNECTIONS = 300;

export function postgresUrl(options: Pick<PostgresOptions, 'port' | 'password'>): string {
  return `postgres://${USER}:${options.password}@127.0.0.1:${options.port}/${DATABASE}`;
}

/**
 * A PostgreSQL of the cluster's own, on loopback, with a password and durable as in production (fsync and
 * synchronous_commit stay on). The data folder is made at the first start. Resolves when it answers.
 */
export async function startPostgres(options: PostgresOptions): Promise<MemberProcess> {
  const versionFile = join(options.directory, 'PG_VERSION');
  const user = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  if (user) {
    chownSync(options.directory, user.uid, user.gid);
    requireReachable(options.directory, user);
  }
  const major = existsSync(versionFile) ? Number(readFileSync(versionFile, 'utf8').trim()) : undefined;
  const binaries = await findPostgres(major);
  const env = { PATH: process.env.PATH, LC_ALL: 'C' };
  if (major === undefined) await initialise(binaries.initdb, options, { env, user });
  const settings: Record<string, string> = {
    port: String(options.port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: String(MAX_CONNECTIONS),
    // After a kill -9 the last checkpoint should not be far.
    checkpoint_timeout: '60s',
  };
  const member = await MemberProcess.start({
    command: binaries.postgres,
    args: ['-D', options.directory, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    env,
    directory: options.directory,
    logFile: options.logFile,
    user,
    orphaned: 'QUIT',
    withChildren: true,
  });
  try {
    await member.until(() => makeDatabase(options), START_MS);
  } catch (error) {
    await member.stop(5_000, 'SIGQUIT');
    throw error;
  }
  return member;
}

async function initialise(
  initdb: string,
  options: PostgresOptions,
  as: { env: NodeJS.ProcessEnv; user: { uid: number; gid: number } | undefined },
): Promise<void> {
  const passwordFile = join(options.directory, '..', `.${options.port}.password`);
  writeFileSync(passwordFile, options.password, { mode: 0o600 });
  try {
    if (as.user) chownSync(passwordFile, as.user.uid, as.user.gid);
    await promisify(execFile)(
      initdb,
      [
        ...['-D', options.directory, '-U', USER, '--pwfile', passwordFile, '--auth=scram-sha-256'],
        ...['--encoding=UTF8', '--locale=C', '--data-checksums'],
      ],
      { env: as.env, cwd: options.directory, ...as.user },
    );
  } catch (error) {
    // A half-made folder would be taken for a whole one by the next start.
    rmSync(options.directory, { recursive: true, force: true });
    throw new Error(`PostgreSQL's data folder could not be made: ${(error as Error).message}`, { cause: error });
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/** True: it takes connections, and the database is there. */
async function makeDatabase(options: PostgresOptions): Promise<boolean> {
  const url = new URL(postgresUrl(options));
  url.pathname = '/postgres';
  const client = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rows.length === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
    return true;
  } catch (error) {
    if (isComing(error)) return false;
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Not listening yet, or still recovering ("the database system is starting up"). */
function isComing(error: unknown): boolean {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  return /^ECONN|^57P03$|^ETIMEDOUT$/.test(code) || /timeout|terminated unexpectedly/.test(message);
}

/** PostgreSQL does not run as root. */
function unprivilegedUser(): { uid: number; gid: number } {
  const users = new Map(
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .map(([name = '', , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }]),
  );
  const user = users.get('postgres') ?? users.get('nobody');
  if (!user)
    throw new Error('PostgreSQL does not run as root, and there is no user "postgres" or "nobody" to run it as');
  return user;
}

/** Also the folders above have to let the user through. */
function requireReachable(directory: string, user: { uid: number; gid: number }): void {
  for (let folder = dirname(directory); ; folder = dirname(folder)) {
    accessSync(folder);
    const { uid, gid, mode } = statSync(folder);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) {
      throw new Error(
        `PostgreSQL does not run as root, and its user cannot reach ${directory}: ${folder} is closed to it (choose another folder, or chmod o+x it)`,
      );
    }
    if (folder === dirname(folder)) return;
  }
}

/** So that the user of PostgreSQL gets through; nothing in it can be listed or read by that. */
export function openForPassing(directory: string): void {
  if (process.getuid?.() === 0) chmodSync(directory, 0o711);
}
