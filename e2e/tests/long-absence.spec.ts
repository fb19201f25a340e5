import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@fastim/desktop/sdk';
import { PASSWORD } from '../fixtures/person.ts';
import { expect, test } from '../fixtures/test.ts';

const WAITING = 5_000;

test('five thousand messages wait: a device stores each once, in order; the app shows their count and their end', async ({
  world,
}) => {
  test.setTimeout(180_000);
  const server = await world.server({
    args: ['--logic-send-per-second-per-user', '100000', '--logic-send-burst-per-user', '100000'],
  });
  const directory = mkdtempSync(join(tmpdir(), 'fastim-absence-'));
  world.onClose(async () => rmSync(directory, { recursive: true, force: true }));
  const app = await world.app(server.url);
  const bob = await world.person(app, 'Bob');
  await bob.register();
  const device = { serverUrl: server.url, username: 'bob', password: PASSWORD, directory };
  await (await connect(device)).close();
  const alice = await connect({ serverUrl: server.url, username: 'alice', password: PASSWORD, register: true });
  world.onClose(() => alice.close());
  const { conversationId } = await alice.direct('bob');
  await alice.send(conversationId, 'before');
  await expect(bob.unread('alice')).toHaveAttribute('data-count', '1');
  await bob.page.goto('about:blank');
  await app.kill();

  for (let from = 1; from <= WAITING; from += 500) {
    const numbers = Array.from({ length: 500 }, (_, index) => from + index);
    await Promise.all(numbers.map((number) => alice.send(conversationId, `waiting ${number} 等待`)));
  }

  const begun = performance.now();
  const back = await connect(device);
  world.onClose(() => back.close());
  // An event is told when its message is on this device's disk.
  const stored: number[] = [];
  back.on('message', (message) => {
    stored.push(message.convSeq ?? 0);
  });
  await expect.poll(() => new Set(stored).size, { intervals: [20], timeout: 60_000 }).toBe(WAITING + 1);
  const seconds = (performance.now() - begun) / 1_000;
  expect(stored).toHaveLength(WAITING + 1);
  test.info().annotations.push({ type: 'all stored after', description: `${seconds.toFixed(2)} s` });
  console.log(`    ${WAITING} waiting messages were stored and told ${seconds.toFixed(2)} s after connect()`);

  await app.start();
  await bob.visit();
  await expect(bob.unread('alice')).toHaveAttribute('data-count', String(WAITING + 1));
  await bob.openConversation('alice');
  await bob.byId('message-list').press('End');
  await bob.sees(`waiting ${WAITING} 等待`);
  const shown = (await bob.texts()).map((text) => Number(/^waiting (\d+)/.exec(text)?.[1]));
  expect(shown.length).toBeGreaterThan(3);
  expect(shown).toEqual(shown.map((_, index) => (shown[0] ?? 0) + index));
});
