import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect, type FastimClient } from '@fastim/desktop/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runAdmin } from '../admin/run-admin.ts';
import { type LocalCluster, startLocalCluster } from '../local-cluster/local-cluster.ts';
import { missingStores } from '../local-cluster/testing/missing-stores.ts';

const missing = await missingStores();
const TEST_MS = 120_000;
const entry = fileURLToPath(new URL('../main.ts', import.meta.url));

let directory: string;
let cluster: LocalCluster;
const clients: FastimClient[] = [];

beforeAll(async () => {
  if (missing) return;
  directory = mkdtempSync(join(tmpdir(), 'fastim-cluster-'));
  const wrongSecret = join(directory, 'wrong-secret');
  writeFileSync(wrongSecret, 'a secret of another cluster than this one');
  cluster = await startLocalCluster({
    directory,
    lsbs: 1,
    gates: 2,
    apis: 2,
    logics: 2,
    environment: (member): Record<string, string> =>
      member === 'gate-2' ? { FASTIM_CLUSTER_SECRET_FILE: wrongSecret } : {},
  });
}, TEST_MS);
afterAll(async () => {
  for (const client of clients.splice(0)) await client.close();
  await cluster?.stop();
  if (directory) rmSync(directory, { recursive: true, force: true });
}, TEST_MS);

async function enter(username: string, profile: string, api = 0): Promise<FastimClient> {
  const client = await connect({
    serverUrl: cluster.serverUrls[api] ?? '',
    username,
    password: 'a long password',
    profile,
    register: true,
  });
  clients.push(client);
  return client;
}

/** What the operator's command says at a member. */
// biome-ignore lint/suspicious/noExplicitAny: tests read what they expect and fail if it is not there.
async function admin(member: string, ...words: string[]): Promise<any> {
  const at = new URL(cluster.member(member).addresses.metrics ?? '').origin;
  const lines: string[] = [];
  const output = { out: (line: string) => lines.push(line), complain: (line: string) => lines.push(line) };
  await runAdmin([...words, '--at', at], { FASTIM_CLUSTER_SECRET: cluster.secret }, output);
  return JSON.parse(lines.at(-1) ?? '');
}

async function until(isSo: () => Promise<boolean> | boolean, patienceMs = 10_000): Promise<boolean> {
  const deadline = performance.now() + patienceMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) return false;
    await sleep(50);
  }
  return true;
}

/** A logic process whose clock is off from its first moment on. */
async function startSkewed(skewMs: number): Promise<{ code: number; stderr: string }> {
  const patch = `const now = Date.now; Date.now = () => now() + ${skewMs};`;
  const secretOf = (name: string) => join(directory, 'logic-1', name);
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('FASTIM_'));
  const child = spawn(
    process.execPath,
    [
      ...['--conditions=fastim-source', '--import', `data:text/javascript,${encodeURIComponent(patch)}`, entry],
      ...['--role', 'logic', '--metrics-port', '0', '--cluster-node-name', 'skewed'],
    ],
    {
      env: {
        ...Object.fromEntries(inherited),
        FASTIM_CLUSTER_SECRET_FILE: secretOf('cluster-secret'),
        FASTIM_REGISTRY_URL_FILE: secretOf('registry-url'),
        FASTIM_STORE_URL_FILE: secretOf('store-url'),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, stderr };
}

describe.skipIf(missing !== undefined)(`a cluster of processes${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('ends a session that another API process ended, within a second or two, and says who is online', async () => {
    const [phone, laptop] = [await enter('alice', 'phone', 0), await enter('alice', 'laptop', 1)];
    const devices = await laptop.devices();
    expect(devices.map(({ online }) => online)).toEqual([true, true]);
    const other = devices.find(({ current }) => !current);
    await laptop.endDevice(other?.sessionId ?? '');
    expect(await until(async () => (await phone.connection()).state === 'ended', 3_000)).toBe(true);
    expect((await laptop.connection()).state).toBe('online');
  });

  it('lets an operator end the sessions of a user, from any node', async () => {
    const bob = await enter('bob', 'phone');
    expect(await admin('lsb-1', 'kick', '--user', 'bob')).toMatchObject({ sessionIds: [expect.any(String)] });
    expect(await until(async () => (await bob.connection()).state === 'ended', 3_000)).toBe(true);
  });

  it('shows one message’s way through the processes', async () => {
    const [carol, dave] = [await enter('carol', 'phone', 0), await enter('dave', 'phone', 1)];
    const { conversationId } = await carol.direct('dave');
    await dave.direct('carol');
    const sent = await carol.send(conversationId, 'which way');
    expect(
      await until(async () => {
        const pages: string[] = [];
        for await (const page of dave.history(conversationId)) pages.push(...page.map(({ text }) => text));
        return pages.includes('which way');
      }),
    ).toBe(true);
    const { way } = await admin('api-1', 'trace', '--msg-id', sent.msgId ?? '');
    const roles = new Set((way as { role: string }[]).map(({ role }) => role));
    expect([...roles].toSorted()).toEqual(['gate', 'logic']);
  });

  it('has nobody at a gate of a wrong secret, and tells the operator of it', async () => {
    const { gates } = await admin('gate-1', 'gates');
    const found = (gates as { name: string; accepting: boolean; connections: number; logicNodes: string[] }[])
      .toSorted((left, right) => left.name.localeCompare(right.name))
      .map(({ name, accepting, logicNodes }) => [name, accepting, logicNodes.toSorted()]);
    expect(found).toEqual([
      ['gate-1', true, ['logic-1', 'logic-2']],
      ['gate-2', false, []],
    ]);
    const { intruders } = await admin('logic-1', 'intruders');
    expect(JSON.stringify(intruders)).toMatch(/secret/);
    const log = readFileSync(cluster.member('gate-2').logFile, 'utf8');
    expect(log).toMatch(/secret/);
    expect(log).not.toContain('a secret of another cluster');
  });

  it('refuses a process whose clock is off, and tells the operator of it', async () => {
    const { code, stderr } = await startSkewed(60_000);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^fastim: the clock of this machine is (?:59|60)\.\d s ahead of that of the database/m);
    const { intruders } = await admin('logic-1', 'intruders');
    const { nodes } = await admin('logic-1', 'nodes');
    expect(JSON.stringify(intruders)).toMatch(/"from":"skewed".*ahead of that of the database/);
    expect((nodes as { name: string }[]).map(({ name }) => name)).not.toContain('skewed');
  });
});
