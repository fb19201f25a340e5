import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ProductProcess } from '../fixtures/child-process.ts';
import { cleanEnvironment, node, projectRoot } from '../fixtures/paths.ts';
import { expect, test } from '../fixtures/test.ts';

/** Who runs, by the table that the command prints. */
function pidsIn(output: string): number[] {
  return [...output.matchAll(/^(?:postgres|redis|logic|lsb|api|gate) +\S+ +(\d+) /gm)].map(([, pid]) => Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('the cluster command: the app as with npm start, a gate dies under it, the stop leaves nothing behind', async ({
  world,
}) => {
  test.setTimeout(180_000);
  const data = mkdtempSync(join(tmpdir(), 'fastim-cluster-'));
  world.onClose(async () => rmSync(data, { recursive: true, force: true }));
  const sizes = ['--lsb', '1', '--gates', '2', '--api', '1', '--logic', '2'];
  const cluster = new ProductProcess(
    'cluster',
    node,
    [join(projectRoot, 'scripts/cluster.mjs'), '--data', data, '--demo', ...sizes],
    cleanEnvironment(),
    /^FastIM cluster ready/,
  );
  world.onClose(() => cluster.stop());
  const addresses = /Alice (\S+) {2}Bob (\S+)/.exec(await cluster.ready);
  const pids = pidsIn(cluster.output);
  expect(pids).toHaveLength(8);
  const [alice, bob] = await Promise.all(
    [addresses?.[1], addresses?.[2]].map(async (address) => {
      const page = await world.browser.newPage();
      world.onClose(() => page.close());
      await page.goto(address ?? 'about:blank');
      return page;
    }),
  );
  await alice!.locator('[data-testid=conversation-item][title=Bob]').click();
  await bob!.locator('[data-testid=conversation-item][title=Alice]').click();
  const say = async (text: string) => {
    await alice!.getByTestId('composer-input').fill(text);
    await alice!.getByTestId('composer-input').press('Enter');
    await expect(bob!.getByTestId('message').filter({ hasText: text })).toHaveCount(1);
  };
  await say('through the cluster');

  const [, gate = ''] = /^gate +gate-1 +(\d+) /m.exec(cluster.output) ?? [];
  process.kill(Number(gate), 'SIGKILL');
  await say('through the other gate');

  // The words that it printed for this work as they are.
  const [, secret = '', at = ''] =
    /^administration: FASTIM_CLUSTER_SECRET_FILE=(\S+) npm run admin -- nodes --at (\S+)$/m.exec(cluster.output) ?? [];
  const admin = join(projectRoot, 'apps/server/dist/admin/main.js');
  const { stdout } = await promisify(execFile)(node, [admin, 'connections', '--at', at], {
    env: cleanEnvironment({ FASTIM_CLUSTER_SECRET_FILE: secret }),
  });
  const { connections } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { connections: { gate: string }[] };
  expect(connections.map((connection) => connection.gate)).toEqual(['gate-2', 'gate-2']);

  await cluster.stop();
  expect(await cluster.exited).toBe(0);
  expect(pids.filter(isAlive)).toEqual([]);
});
