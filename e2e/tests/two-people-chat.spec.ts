import { expect, test } from '../fixtures/test.ts';

test('two people register, find each other by name and chat both ways', async ({ world }) => {
  const server = await world.server();
  const app = await world.app(server.url);
  const alice = await world.person(app, 'Alice');
  await alice.screenshot('login');
  await alice.register();
  await alice.screenshot('empty');
  const bob = await world.person(app, 'Bob');
  await bob.register();

  await alice.find('Bob');
  await alice.send('Hello Bob 你好 👋');
  await alice.seesStatus('Hello Bob', /stored|delivered|read/);

  await expect(bob.conversation('Alice').getByTestId('unread-badge')).toHaveAttribute('data-count', '1');
  await alice.seesStatus('Hello Bob', 'delivered');
  await bob.openConversation('Alice');
  await bob.sees('Hello Bob 你好 👋');
  await alice.seesStatus('Hello Bob', 'read');
  await expect(bob.conversation('Alice').getByTestId('unread-badge')).toHaveCount(0);

  await bob.send('Hi Alice');
  await alice.sees('Hi Alice');
  await bob.seesStatus('Hi Alice', 'read');
  for (let number = 1; number <= 10; number += 1) await (number % 2 ? alice : bob).send(`line ${number}`);
  await alice.sees('line 10');
  await bob.sees('line 10');
  await alice.seesStatus('line 9', 'read');
  await alice.screenshot('chat');
});

test('the order on both screens is the same when both write at once', async ({ world }) => {
  const server = await world.server();
  const app = await world.app(server.url);
  const alice = await world.person(app, 'Alice');
  await alice.register();
  const bob = await world.person(app, 'Bob');
  await bob.register();
  await alice.find('Bob');
  await bob.find('Alice');
  await Promise.all(
    [alice, bob].map(async (person) => {
      for (let number = 1; number <= 8; number += 1) await person.send(`${person.name} ${number}`);
    }),
  );
  await alice.sees('Bob 8');
  await bob.sees('Alice 8');
  await alice.seesStatus('Alice 8', 'read');
  await bob.seesStatus('Bob 8', 'read');
  const onAlice = await alice.texts();
  expect(onAlice).toHaveLength(16);
  expect(await bob.texts()).toEqual(onAlice);
  for (const name of ['Alice', 'Bob']) {
    const own = onAlice.filter((text) => text.startsWith(name));
    expect(own).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((number) => `${name} ${number}`));
  }
});
