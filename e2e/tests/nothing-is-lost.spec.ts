import { FaultProxy } from '../fixtures/fault-proxy.ts';
import { expect, test, type World } from '../fixtures/test.ts';

async function twoPeople(world: World, options?: Parameters<World['server']>[0]) {
  const server = await world.server(options);
  const aliceApp = await world.app(server.url);
  const bobApp = await world.app(server.url);
  const alice = await world.person(aliceApp, 'Alice');
  await alice.register();
  const bob = await world.person(bobApp, 'Bob');
  await bob.register();
  await alice.find('Bob');
  await alice.send('first');
  await bob.openConversation('Alice');
  await bob.sees('first');
  await alice.seesStatus('first', 'read');
  return { server, aliceApp, bobApp, alice, bob };
}

test('messages written while the receiver is away are there when they come back', async ({ world }) => {
  const { alice, bob, bobApp } = await twoPeople(world);
  await bob.page.goto('about:blank');
  await bobApp.kill();
  for (let number = 1; number <= 30; number += 1) await alice.send(`away ${number}`);
  await alice.seesStatus('away 30', 'stored');
  await bobApp.start();
  await bob.visit();
  await expect(bob.conversation('Alice')).toBeVisible();
  await alice.seesStatus('away 30', /delivered|read/);
  await bob.openConversation('Alice');
  await bob.byId('message-list').press('End');
  await bob.sees('away 30');
  await alice.seesStatus('away 30', 'read');
});

test('the server killed between send and ack: one copy, in order, with the right ticks', async ({ world }) => {
  const ports = { tcp: 0 };
  const proxy = await FaultProxy.start(() => ports.tcp);
  world.onClose(() => proxy.close());
  const { server, alice, bob } = await twoPeople(world, {
    advertiseTcp: `127.0.0.1:${proxy.port}`,
    onPorts: (known) => {
      ports.tcp = known.tcp;
    },
  });
  // From here on the server's answers vanish: what it stores is stored, but nobody hears of it.
  proxy.holdDownlink();
  const swallowedBefore = proxy.swallowed;
  await alice.send('in between 1');
  await alice.send('in between 2');
  await expect.poll(() => proxy.swallowed, { message: 'the server acknowledged' }).toBeGreaterThan(swallowedBefore);
  await alice.seesStatus('in between 1', 'sending');
  await alice.screenshot('sending');
  await server.kill();
  proxy.heal();
  await alice.send('while down');
  await alice.seesStatus('while down', 'sending');
  await expect(alice.byId('connection-bar')).toBeVisible();
  await alice.screenshot('server-down');
  await server.start();

  // Whoever tried in vain a few times waits up to half a minute before the next try.
  await expect(bob.message('while down')).toHaveCount(1, { timeout: 40_000 });
  for (const text of ['in between 1', 'in between 2', 'while down']) {
    await alice.seesStatus(text, 'read');
    await bob.sees(text);
  }
  const expected = ['first', 'in between 1', 'in between 2', 'while down'];
  expect(await alice.texts()).toEqual(expected);
  expect(await bob.texts()).toEqual(expected);
  await bob.send('after');
  await alice.sees('after');
});

test('the client killed with messages in its outbox sends them after its restart, once and in order', async ({
  world,
}) => {
  const { server, aliceApp, alice, bob } = await twoPeople(world);
  await server.stop();
  for (const text of ['kept 1', 'kept 2', 'kept 3']) {
    await alice.send(text);
    await alice.seesStatus(text, 'sending');
  }
  await aliceApp.kill();
  await server.start();
  await aliceApp.start();
  await alice.visit();
  await alice.openConversation('Bob');
  for (const text of ['kept 1', 'kept 2', 'kept 3']) await bob.sees(text);
  expect(await bob.texts()).toEqual(['first', 'kept 1', 'kept 2', 'kept 3']);
  await alice.seesStatus('kept 3', 'read');
  expect(await alice.texts()).toEqual(['first', 'kept 1', 'kept 2', 'kept 3']);
});

test('an orderly stop of the server and a new start keep everything', async ({ world }) => {
  const { server, alice, bob } = await twoPeople(world);
  await server.stop();
  expect(server.output).not.toContain('"level":60');
  await server.start();
  await bob.send('after the restart');
  await alice.sees('after the restart');
  expect(await alice.texts()).toEqual(['first', 'after the restart']);
});
