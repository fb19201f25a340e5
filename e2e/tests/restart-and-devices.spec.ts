import { expect, test } from '../fixtures/test.ts';

test('a reload keeps the draft and the place in the conversation; a kill of the app keeps the draft', async ({
  world,
}) => {
  const server = await world.server();
  const app = await world.app(server.url);
  const alice = await world.person(app, 'Alice');
  await alice.register();
  const bob = await world.person(app, 'Bob');
  await bob.register();
  await alice.find('Bob');
  for (let number = 1; number <= 60; number += 1) await alice.send(`line ${number} of a longer conversation`);
  await alice.seesStatus('line 60 of', /stored|delivered/);

  await alice.byId('message-list').hover();
  await alice.page.mouse.wheel(0, -1500);
  await expect(alice.message('line 60 of')).not.toBeInViewport();
  const topBefore = await topMessage(alice.page);
  await alice.byId('composer-input').fill('half a thought 半句');
  // Leaving the field writes the draft.
  await alice.byId('composer-input').blur();

  await alice.page.reload();
  await expect(alice.byId('composer-input')).toHaveValue('half a thought 半句');
  await expect.poll(() => topMessage(alice.page)).toBe(topBefore);

  await alice.page.goto('about:blank');
  await app.kill();
  await app.start();
  await alice.visit();
  await expect(alice.byId('composer-input')).toHaveValue('half a thought 半句');
  await expect.poll(() => topMessage(alice.page)).toBe(topBefore);
});

/** The text of the first message that is fully in view. */
function topMessage(page: import('@playwright/test').Page): Promise<string> {
  return page.evaluate(() => {
    const list = document.querySelector('[data-testid="message-list"]');
    if (!list) return '';
    const top = list.getBoundingClientRect().top;
    const rows = [...list.querySelectorAll('[data-testid="message"]')];
    const first = rows.find((row) => row.getBoundingClientRect().top >= top);
    return first?.querySelector('[data-testid="message-text"]')?.textContent ?? '';
  });
}

test('two devices of one user show the same, and reading on one clears the other', async ({ world }) => {
  const server = await world.server();
  const desk = await world.app(server.url);
  const laptop = await world.app(server.url);
  const alice = await world.person(desk, 'Alice');
  await alice.register();
  const bob = await world.person(desk, 'Bob');
  await bob.register();
  await alice.find('Bob');
  await alice.send('written at the desk');
  await alice.seesStatus('written at the desk', /stored|delivered/);

  const aliceToo = await world.person(laptop, 'Alice');
  await aliceToo.logIn();
  await aliceToo.openConversation('Bob');
  await aliceToo.sees('written at the desk');
  await aliceToo.send('written at the laptop');
  await alice.sees('written at the laptop');
  await expect(alice.message('written at the laptop')).toHaveAttribute('data-mine', 'true');

  // Nobody looks at the conversation on either device.
  await alice.page.goto('about:blank');
  await aliceToo.page.goto('about:blank');
  await bob.openConversation('Alice');
  await bob.send('for both');
  await bob.seesStatus('for both', 'delivered');
  await alice.visit();
  await alice.sees('for both');
  await bob.seesStatus('for both', 'read');
  await aliceToo.visit();
  await expect(aliceToo.conversation('Bob')).toBeVisible();
  await expect(aliceToo.conversation('Bob').getByTestId('unread-badge')).toHaveCount(0);
});
