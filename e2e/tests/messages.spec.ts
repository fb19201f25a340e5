import type { Person } from '../fixtures/person.ts';
import { expect, test, type World } from '../fixtures/test.ts';

async function pair(world: World): Promise<{ alice: Person; bob: Person; url: string }> {
  const server = await world.server();
  const app = await world.app(server.url);
  const alice = await world.person(app, 'Alice');
  await alice.register();
  const bob = await world.person(app, 'Bob');
  await bob.register();
  await alice.find('Bob');
  await bob.find('Alice');
  return { alice, bob, url: server.url };
}

test('reply, edit, react, recall and delete reach the other side, and a device that was away or is new', async ({
  world,
}) => {
  test.setTimeout(180_000);
  const { alice, bob, url } = await pair(world);
  const laptop = await world.app(url);
  const away = await world.person(laptop, 'Bob');
  await away.logIn();
  await away.openConversation('Alice');
  for (const text of ['the first', 'a mistkae', 'a secret', 'nice weather']) await alice.send(text);
  await bob.sees('nice weather');
  await away.sees('nice weather');
  await alice.seesStatus('nice weather', 'read');
  await away.page.goto('about:blank');
  await laptop.kill();

  await bob.onMessage('nice weather', 'menu-reply');
  await bob.send('indeed it is');
  await expect(alice.message('indeed it is').getByTestId('message-quote')).toContainText('nice weather');

  await alice.onMessage('a mistkae', 'menu-edit');
  await expect(alice.byId('composer-input')).toHaveValue('a mistkae');
  await alice.byId('composer-input').fill('a mistake');
  await alice.byId('composer-input').press('Enter');
  await bob.sees('a mistake');
  await expect(bob.message('a mistake').getByTestId('message-edited')).toBeVisible();
  await expect(bob.message('a mistkae')).toHaveCount(0);

  await bob.message('the first').getByTestId('message-text').click({ button: 'right' });
  await bob.byId('quick-reaction').first().click();
  await expect(alice.message('the first').getByTestId('reaction')).toHaveCount(1);
  await alice.message('the first').getByTestId('reaction').click();
  await expect(bob.message('the first').getByTestId('reaction')).toContainText('2');
  await bob.message('the first').getByTestId('reaction').click();
  await expect(alice.message('the first').getByTestId('reaction')).not.toContainText('2');

  await alice.onMessage('a secret', 'menu-recall');
  await alice.byId('confirm').click();
  await expect(bob.byId('recalled')).toHaveCount(1);
  await expect(bob.message('a secret')).toHaveCount(0);
  await alice.byId('edit-again').click();
  await expect(alice.byId('composer-input')).toHaveValue('a secret');
  await alice.byId('composer-input').fill('');

  await bob.onMessage('nice weather', 'menu-delete');
  await bob.byId('confirm').click();
  await expect(bob.message('nice weather')).toHaveCount(0);
  await alice.sees('nice weather');

  const check = async (device: Person): Promise<void> => {
    await device.sees('a mistake');
    await expect(device.message('a mistkae')).toHaveCount(0);
    await expect(device.message('a secret')).toHaveCount(0);
    await expect(device.byId('recalled')).toHaveCount(1);
    await expect(device.message('the first').getByTestId('reaction')).toHaveCount(1);
    await expect(device.message('nice weather')).toHaveCount(0);
    await device.sees('indeed it is');
  };
  await laptop.start();
  await away.visit();
  if (!(await away.byId('composer-input').isVisible())) await away.openConversation('Alice');
  await check(away);
  const tablet = await world.app(url);
  const fresh = await world.person(tablet, 'Bob');
  await fresh.logIn();
  await fresh.openConversation('Alice');
  await check(fresh);
});

test('markdown is shown safely, and a message is forwarded to another conversation', async ({ world }) => {
  const { alice, bob } = await pair(world);
  await alice.send('**bold** and `code` <img src=x onerror=alert(1)> [bad](javascript:alert(1))');
  const text = bob.byId('message-text').last();
  await expect(text.locator('strong')).toHaveText('bold');
  await expect(text.locator('code')).toHaveText('code');
  await expect(text.locator('img')).toHaveCount(0);
  await expect(text.locator('a[href^="javascript"]')).toHaveCount(0);
  await expect(text).toContainText('<img src=x onerror=alert(1)>');
  await alice.makeGroup('Notes', 'Bob');
  await bob.send('worth keeping');
  await alice.openConversation('Bob');
  await alice.sees('worth keeping');
  await alice.onMessage('worth keeping', 'menu-forward');
  await alice.byId('forward-target').filter({ hasText: 'Notes' }).click();
  await alice.byId('forward-send').click();
  await bob.openConversation('Notes');
  await bob.sees('worth keeping');
  await expect(bob.message('worth keeping').getByTestId('message-forwarded')).toBeVisible();
});

test('an edit and a recall written offline go out in order once the server is back', async ({ world }) => {
  const server = await world.server();
  const app = await world.app(server.url);
  const alice = await world.person(app, 'Alice');
  await alice.register();
  const bob = await world.person(app, 'Bob');
  await bob.register();
  await alice.find('Bob');
  await bob.find('Alice');
  await alice.send('version one');
  await alice.send('take me back');
  await bob.sees('take me back');
  await server.stop();
  await expect(alice.byId('connection-bar')).toBeVisible();
  await alice.onMessage('version one', 'menu-edit');
  await expect(alice.byId('composer-input')).toHaveValue('version one');
  await alice.byId('composer-input').fill('version two');
  await alice.byId('composer-input').press('Enter');
  await alice.onMessage('take me back', 'menu-recall');
  await alice.byId('confirm').click();
  await alice.send('and a new one');
  await server.start();
  await bob.sees('version two');
  await expect(bob.byId('recalled')).toHaveCount(1);
  await bob.sees('and a new one');
  await expect(bob.message('version one')).toHaveCount(0);
});

test('search finds Chinese from one character, edited words and nothing recalled; it jumps to the place', async ({
  world,
}) => {
  test.setTimeout(150_000);
  const { alice, bob } = await pair(world);
  await alice.send('我们周末去爬山吧');
  await alice.send('the password is swordfish');
  await alice.send('an apple a day');
  for (let number = 1; number <= 60; number += 1) await alice.send(`filler ${number}`);
  await bob.byId('message-list').press('End');
  await bob.sees('filler 60');
  await bob.byId('open-search').click();
  await bob.byId('message-search-input').fill('山');
  await expect(bob.byId('search-hit')).toHaveCount(1);
  await expect(bob.byId('search-hit')).toContainText('爬');
  await bob.byId('search-hit').click();
  await bob.sees('我们周末去爬山吧');
  await bob.byId('message-search-input').fill('APPLE da');
  await expect(bob.byId('search-hit')).toHaveCount(1);
  await bob.byId('message-search-input').fill('swordfish');
  await expect(bob.byId('search-hit')).toHaveCount(1);
  await alice.byId('message-list').press('Home');
  await alice.onMessage('the password is swordfish', 'menu-recall');
  await alice.byId('confirm').click();
  await expect(bob.byId('recalled')).toHaveCount(1);
  await bob.byId('message-search-input').fill('swordfis');
  await expect(bob.byId('search-summary')).toBeVisible();
  await expect(bob.byId('search-hit')).toHaveCount(0);
});
