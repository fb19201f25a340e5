import { looksRight } from '../fixtures/looks-right.ts';
import { desktopScreen, type Person, phoneScreen } from '../fixtures/person.ts';
import { expect, test } from '../fixtures/test.ts';

test('a group on a phone in Chinese, on a dark phone and on a dark desktop: made, talked in, looked at', async ({
  world,
}) => {
  test.setTimeout(240_000);
  const server = await world.server();
  const app = await world.app(server.url);
  const alice = await world.person(app, 'Alice', {
    screen: { ...phoneScreen, colorScheme: 'light', locale: 'zh-CN' },
  });
  await alice.register();
  const bob = await world.person(app, 'Bob', { screen: { ...desktopScreen, colorScheme: 'dark', locale: 'en' } });
  await bob.register();
  const carol = await world.person(app, 'Carol', { screen: { ...phoneScreen, colorScheme: 'dark', locale: 'en' } });
  await carol.register();

  await alice.byId('new-menu').click();
  await alice.byId('new-group').click();
  for (const name of ['Bob', 'Carol']) {
    await alice.byId('people-picker').fill(name.toLowerCase());
    await alice.byId('person-option').filter({ hasText: name }).first().click();
  }
  await looksRight(alice, 'group-people-390-light-zh');
  await alice.byId('next-step').click();
  await alice.byId('group-name').fill('周末爬山小组 Weekend hikes');
  await looksRight(alice, 'group-name-390-light-zh');
  await alice.byId('create-group').click();
  await alice.send('大家好！**周六 8:30** 车站见 🚉');
  await alice.byId('composer-input').pressSequentially('@Bo');
  await alice.byId('mention-option').filter({ hasText: 'Bob' }).click();
  await alice.byId('composer-input').press('Enter');
  await expect(bob.conversation('周末爬山小组').getByTestId('mention-mark')).toHaveCount(1);

  await bob.openConversation('周末爬山小组');
  await bob.sees('大家好');
  await bob.onMessage('大家好', 'menu-reply');
  await bob.send('See you there. `tea > coffee`');
  await bob.message('大家好').getByTestId('message-text').click({ button: 'right' });
  await bob.byId('quick-reaction').first().click();
  await carol.openConversation('周末爬山小组');
  await carol.sees('See you there');
  await carol.send('I bring the map 🗺️');
  for (const person of [alice, bob, carol]) {
    await person.sees('I bring the map');
    await expect(person.message('大家好').getByTestId('reaction')).toHaveCount(1);
    await expect(person.message('See you there').getByTestId('message-quote')).toContainText('周六');
  }
  const looks: ReadonlyArray<readonly [Person, string]> = [
    [alice, '390-light-zh'],
    [bob, '1200-dark-en'],
    [carol, '390-dark-en'],
  ];
  for (const [person, name] of looks) {
    await looksRight(person, `group-chat-${name}`);
    await person.groupPanel();
    await expect(person.byId('member-row')).toHaveCount(3);
    await looksRight(person, `group-panel-${name}`);
  }
  await alice.byId('open-links').click();
  await alice.byId('make-link').click();
  await expect(alice.byId('link-row')).toHaveCount(1);
  await looksRight(alice, 'group-links-390-light-zh');
});
