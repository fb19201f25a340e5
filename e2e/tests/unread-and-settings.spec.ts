import { expect, test } from '../fixtures/test.ts';

test('unread, marks, mute, pin and archive are the same on both devices of a user', async ({ world }) => {
  test.setTimeout(150_000);
  const server = await world.server();
  const desk = await world.app(server.url);
  const laptop = await world.app(server.url);
  const alice = await world.person(desk, 'Alice');
  await alice.register();
  const bob = await world.person(desk, 'Bob');
  await bob.register();
  const carol = await world.person(desk, 'Carol');
  await carol.register();
  await bob.find('Alice');
  await carol.find('Alice');
  await bob.send('one');
  await bob.send('two');
  await carol.send('hello');
  const aliceToo = await world.person(laptop, 'Alice');
  await aliceToo.logIn();
  for (const device of [alice, aliceToo]) {
    await expect(device.unread('Bob')).toHaveAttribute('data-count', '2');
    await expect(device.unread('Carol')).toHaveAttribute('data-count', '1');
  }
  await alice.openConversation('Bob');
  await expect(alice.byId('new-messages-divider')).toBeVisible();
  await expect(aliceToo.unread('Bob')).toHaveCount(0);

  await alice.openConversation('Carol');
  await alice.sees('hello');
  await expect(aliceToo.unread('Carol')).toHaveCount(0);
  await alice.onConversation('Bob', 'mark-unread');
  await expect(aliceToo.conversation('Bob').getByTestId('unread-mark')).toHaveCount(1);
  await aliceToo.openConversation('Bob');
  await expect(alice.conversation('Bob').getByTestId('unread-mark')).toHaveCount(0);

  await alice.onConversation('Bob', 'pin');
  await expect(aliceToo.conversation('Bob')).toHaveAttribute('data-pinned', 'true');
  await alice.onConversation('Bob', 'mute', 'mute-always');
  await expect(aliceToo.conversation('Bob')).toHaveAttribute('data-silent', 'true');
  await aliceToo.onConversation('Carol', 'archive');
  await expect(alice.conversation('Carol')).toHaveCount(0);
  await expect(alice.byId('archive-row')).toBeVisible();

  // A draft follows.
  await aliceToo.openConversation('Bob');
  await alice.openConversation('Bob');
  await alice.byId('composer-input').fill('half a thought');
  await alice.byId('composer-input').blur();
  await alice.byId('archive-row').click();
  await alice.conversation('Carol').click();
  await aliceToo.byId('archive-row').click();
  await expect(aliceToo.conversation('Carol')).toHaveCount(1);
});

test('the list of devices: one is logged out from another at once, and a new one pages through the past', async ({
  world,
}) => {
  test.setTimeout(150_000);
  const server = await world.server();
  const desk = await world.app(server.url);
  const laptop = await world.app(server.url);
  const alice = await world.person(desk, 'Alice');
  await alice.register();
  const bob = await world.person(desk, 'Bob');
  await bob.register();
  await alice.find('Bob');
  for (let number = 1; number <= 120; number += 1) await alice.send(`memory ${number}`);
  await alice.seesStatus('memory 120', /stored|delivered/);
  const aliceToo = await world.person(laptop, 'Alice');
  await aliceToo.logIn();
  await aliceToo.openConversation('Bob');
  await aliceToo.sees('memory 120');
  // Home goes to the first message there is; what is not here yet is pulled page by page.
  const oldest = aliceToo.byId('message-text').filter({ hasText: /^memory 1$/ });
  await expect(async () => {
    await aliceToo.byId('message-list').press('Home');
    await expect(oldest).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 30_000 });

  await alice.byId('settings-button').click();
  await expect(alice.byId('device-row')).toHaveCount(2);
  const other = alice.page.locator('[data-testid="device-row"]:not([data-current])');
  await expect(other).toHaveCount(1);
  const ended = aliceToo.page.waitForSelector(
    '[data-testid="connection-bar"][data-state="ended"], [data-testid="login-form"]',
  );
  await other.getByTestId('end-device').click();
  const begun = Date.now();
  await alice.byId('confirm').click();
  await ended;
  test.info().annotations.push({ type: 'logged out after', description: `${Date.now() - begun} ms` });
  await expect(alice.byId('device-row')).toHaveCount(1);
});

test('typing and the online dot, and a switch that hides it', async ({ world }) => {
  const server = await world.server();
  const desk = await world.app(server.url);
  const laptop = await world.app(server.url);
  const alice = await world.person(desk, 'Alice');
  await alice.register();
  const bob = await world.person(laptop, 'Bob');
  await bob.register();
  await alice.find('Bob');
  await alice.send('hi');
  await bob.openConversation('Alice');
  await bob.sees('hi');
  await expect(bob.conversation('Alice').getByTestId('online-dot')).toHaveCount(1);
  await alice.byId('composer-input').pressSequentially('typing now');
  await expect(bob.byId('typing-line')).toBeVisible();
  await expect(bob.byId('typing-line')).toHaveCount(0, { timeout: 15_000 });
  await alice.byId('settings-button').click();
  await alice.byId('show-online').click();
  await expect(bob.conversation('Alice').getByTestId('online-dot')).toHaveCount(0);
});
