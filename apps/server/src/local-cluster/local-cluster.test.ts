import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LocalCluster } from './contract.ts';
import { findRedis } from './find-binaries.ts';
import { startLocalCluster } from './local-cluster.ts';
import { missingStores } from './testing/missing-stores.ts';

const missing = await missingStores();
const skipped = missing ? ` (skipped: ${missing})` : '';

const stores = { lsbs: 0, gates: 0, apis: 0, logics: 0 };
const module = new URL('./local-cluster.ts', import.meta.url).href;

let directory: string;
const running: LocalCluster[] = [];
const programs: ChildProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fastim-local-cluster-'));
});
afterEach(async () => {
  for (const program of programs.splice(0)) program.kill('SIGKILL');
  for (const cluster of running.splice(0)) await cluster.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function start(): Promise<LocalCluster> {
  const cluster = await startLocalCluster({ directory, ...stores });
  running.push(cluster);
  return cluster;
}

async function ask(cluster: LocalCluster, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: cluster.member('postgres').addresses.url });
  client.on('error', () => undefined);
  await client.connect();
  const { rows } = await client.query(sql);
  await client.end();
  return rows;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<boolean> {
  const deadline = performance.now() + 20_000;
  while (isAlive(pid) && performance.now() < deadline) await sleep(50);
  return !isAlive(pid);
}

describe.skipIf(missing !== undefined)(`the stores of a local cluster${skipped}`, () => {
  it('are durable, keep what was written over kill -9 and over stops, and stay at their addresses', async () => {
    const first = await start();
    const { url } = first.member('postgres').addresses;
    const settings = await ask(
      first,
      "SELECT current_setting('fsync') AS f, current_setting('synchronous_commit') AS s",
    );
    expect(settings).toEqual([{ f: 'on', s: 'on' }]);
    await ask(first, 'CREATE TABLE kept (value int)');
    await ask(first, 'INSERT INTO kept VALUES (1)');
    await first.signal('postgres', 'SIGKILL');
    expect(first.member('postgres').pid).toBeUndefined();
    await first.start('postgres');
    expect(await ask(first, 'SELECT value FROM kept')).toEqual([{ value: 1 }]);
    const pids = first.members().map(({ pid }) => pid ?? 0);
    await first.stop();
    expect(pids.map(isAlive)).toEqual([false, false]);

    const second = await start();
    expect(second.member('postgres').addresses.url).toBe(url);
    expect(second.secret).toBe(first.secret);
    expect(await ask(second, 'SELECT value FROM kept')).toEqual([{ value: 1 }]);
  });

  it('can be frozen and go on, and are stopped also when frozen', async () => {
    const cluster = await start();
    await cluster.signal('postgres', 'SIGSTOP');
    const answer = ask(cluster, 'SELECT 1 AS one');
    expect(await Promise.race([answer, sleep(300, 'nothing')])).toBe('nothing');
    await cluster.signal('postgres', 'SIGCONT');
    expect(await answer).toEqual([{ one: 1 }]);
    await cluster.signal('redis', 'SIGSTOP');
    await cluster.signal('postgres', 'SIGSTOP');
    const pids = cluster.members().map(({ pid }) => pid ?? 0);
    await cluster.stop();
    expect(pids.map(isAlive)).toEqual([false, false]);
  });

  it('leave nothing behind when the program that started them is killed', async () => {
    const script = `
      import { startLocalCluster } from ${JSON.stringify(module)};
      const cluster = await startLocalCluster(${JSON.stringify({ directory, ...stores })});
      console.log(JSON.stringify(cluster.members().map(({ pid }) => pid)));`;
    const program = spawn(process.execPath, ['--conditions=fastim-source', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    programs.push(program);
    const [line] = await once(program.stdout, 'data');
    const pids = JSON.parse(String(line)) as number[];
    expect(pids.map(isAlive)).toEqual([true, true]);
    program.kill('SIGKILL');
    for (const pid of pids) expect(await gone(pid)).toBe(true);
  });

  it('keep their secrets to their owner', async () => {
    await start();
    expect(statSync(join(directory, 'cluster.json')).mode & 0o077).toBe(0);
    expect(statSync(join(directory, 'redis', 'redis.conf')).mode & 0o077).toBe(0);
    expect(statSync(join(directory, 'postgres')).mode & 0o077).toBe(0);
    // Passing through is all that the user of PostgreSQL needs.
    expect(statSync(directory).mode & 0o066).toBe(0);
  });

  it('say which member there is not, and are not started again after the stop', async () => {
    const cluster = await start();
    expect(() => cluster.member('gate-1')).toThrow('no member gate-1');
    await cluster.stop();
    await expect(cluster.start('redis')).rejects.toThrow('stopped');
  });
});

describe.skipIf(missing !== undefined)(`a second cluster in the same folder${skipped}`, () => {
  it('is refused and leaves the first as it is', async () => {
    const first = await start();
    await expect(start()).rejects.toThrow(/postgres did not start: .*another postmaster/);
    expect(await ask(first, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await first.signal('redis', 'SIGKILL');
    await first.start('redis');
    expect(first.member('redis').pid).toBeGreaterThan(0);
  });
});

describe('a machine without redis-server', () => {
  it('says how to get it', () => {
    expect(() => findRedis('')).toThrow(/redis-server is not installed.*apt-get install redis-server/);
  });
});
