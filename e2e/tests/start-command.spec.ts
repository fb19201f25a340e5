import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProductProcess } from '../fixtures/child-process.ts';
import { cleanEnvironment, node, projectRoot } from '../fixtures/paths.ts';
import { freePorts } from '../fixtures/server.ts';
import { expect, test } from '../fixtures/test.ts';

async function startArguments(data: string, ...more: string[]): Promise<string[]> {
  const ports = await freePorts(3);
  return [
    join(projectRoot, 'scripts/start.mjs'),
    ...[
      '--data',
      data,
      '--port',
      `${ports[0]}`,
      '--tcp-port',
      `${ports[1]}`,
      '--ws-port',
      `${ports[2]}`,
      '--no-open',
      ...more,
    ],
  ];
}

test('the start command with --demo: two people at two printed addresses, logged in, with history; a restart keeps it all', async ({
  world,
}) => {
  const data = mkdtempSync(join(tmpdir(), 'fastim-start-'));
  world.onClose(async () => rmSync(data, { recursive: true, force: true }));
  const args = await startArguments(data, '--demo');
  const start = () => {
    const product = new ProductProcess(
      'start',
      node,
      args,
      cleanEnvironment({ FASTIM_METRICS_PORT: '0' }),
      /^FastIM ready/,
    );
    world.onClose(() => product.stop());
    return product;
  };
  const first = start();
  const addresses = /Alice (\S+) {2}Bob (\S+)/.exec(await first.ready);
  const [alice, bob] = await Promise.all(
    [addresses?.[1], addresses?.[2]].map(async (address) => {
      const page = await world.browser.newPage();
      world.onClose(() => page.close());
      await page.goto(address ?? 'about:blank');
      return page;
    }),
  );
  await alice!.locator('[data-testid=conversation-item][title=Bob]').click();
  await expect(alice!.getByTestId('message').first()).toBeVisible();
  await bob!.locator('[data-testid=conversation-item][title=Alice]').click();
  await alice!.getByTestId('composer-input').fill('from the printed address');
  await alice!.getByTestId('composer-input').press('Enter');
  await expect(bob!.getByTestId('message').filter({ hasText: 'from the printed address' })).toHaveCount(1);
  await first.stop();
  expect(await first.exited).toBe(0);

  const again = start();
  expect(/Alice (\S+) {2}Bob (\S+)/.exec(await again.ready)?.slice(1)).toEqual(addresses?.slice(1));
  // The pages that stayed open find the app again by themselves.
  for (const page of [alice!, bob!]) await expect(page.getByTestId('bridge-bar')).toHaveCount(0);
  await bob!.getByTestId('composer-input').fill('after the restart');
  await bob!.getByTestId('composer-input').press('Enter');
  await expect(alice!.getByTestId('message').filter({ hasText: 'after the restart' })).toHaveCount(1);
  await again.stop();
});

test('the start command names a data folder that is in use, a port that is taken and an unknown option', async ({
  world,
}) => {
  const data = mkdtempSync(join(tmpdir(), 'fastim-start-'));
  world.onClose(async () => rmSync(data, { recursive: true, force: true }));
  const args = await startArguments(data);
  const product = new ProductProcess(
    'start',
    node,
    args,
    cleanEnvironment({ FASTIM_METRICS_PORT: '0' }),
    /^FastIM ready/,
  );
  world.onClose(() => product.stop());
  await product.ready;

  const failing = async (others: string[]) => {
    const child = spawn(node, others, {
      env: cleanEnvironment({ FASTIM_METRICS_PORT: '0' }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    child.stderr.on('data', (chunk: Buffer) => {
      text += chunk;
    });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    return { code, text };
  };
  const sameFolder = await failing(await startArguments(data));
  expect(sameFolder.code).not.toBe(0);
  expect(sameFolder.text).toMatch(/in use/);
  expect(sameFolder.text).toMatch(/\d+/);

  const otherFolder = mkdtempSync(join(tmpdir(), 'fastim-start-'));
  world.onClose(async () => rmSync(otherFolder, { recursive: true, force: true }));
  const port = args[args.indexOf('--port') + 1] ?? '';
  const samePort = await startArguments(otherFolder);
  samePort[samePort.indexOf('--port') + 1] = port;
  const taken = await failing(samePort);
  expect(taken.code).not.toBe(0);
  expect(taken.text).toContain(port);

  const unknown = await failing([join(projectRoot, 'scripts/start.mjs'), '--prot', '1']);
  expect(unknown.code).not.toBe(0);
  expect(unknown.text).toContain("'--prot'");
});
