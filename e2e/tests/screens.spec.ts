import { looksRight } from '../fixtures/looks-right.ts';
import { desktopScreen, PASSWORD, type Person, phoneScreen, type Screen } from '../fixtures/person.ts';
import { expect, test, type World } from '../fixtures/test.ts';

const looks: ReadonlyArray<{ name: string; screen: Screen }> = [
  { name: '1200-light-en', screen: { ...desktopScreen, colorScheme: 'light', locale: 'en' } },
  { name: '1200-dark-zh', screen: { ...desktopScreen, colorScheme: 'dark', locale: 'zh-CN' } },
  { name: '390-light-zh', screen: { ...phoneScreen, colorScheme: 'light', locale: 'zh-CN' } },
  { name: '390-dark-en', screen: { ...phoneScreen, colorScheme: 'dark', locale: 'en' } },
];

async function peopleWithHistory(
  world: World,
): Promise<{ alice: Person; bob: Person; address: string; stop: () => Promise<void> }> {
  const server = await world.server();
  const app = await world.app(server.url);
  const alice = await world.person(app, 'Alice');
  await alice.register();
  const bob = await world.person(app, 'Bob');
  await bob.register();
  const carol = await world.person(app, '卡罗尔', { profile: 'carol' });
  await carol.fillRegistration('carol', '卡罗尔', PASSWORD);
  await carol.byId('submit').click();
  await expect(carol.byId('people-search')).toBeVisible();
  await alice.find('Bob');
  await bob.find('Alice');
  await alice.send('Hi Bob, did you get home all right?');
  await bob.send('Yes, just in time before the rain 🌧️');
  await alice.send('太好了！周末一起去爬山吗？');
  await bob.send(
    'Saturday works. Here is the route: https://example.org/a/very/long/path/that/has/to/wrap/somewhere?with=parameters&and=more',
  );
  await alice.sees('Saturday works');
  await alice.send('🎉🎉');
  await alice.seesStatus('🎉🎉', 'read');
  await carol.find('Alice');
  await carol.send('你好 Alice，我是卡罗尔');
  await carol.seesStatus('你好 Alice', 'delivered');
  return { alice, bob, address: server.url, stop: () => server.stop() };
}

test('every screen on both sizes, light and dark, in both languages', async ({ world }) => {
  test.setTimeout(240_000);
  const { stop } = await peopleWithHistory(world);
  const aliceApp = world.apps[0]!;
  for (const { name, screen } of looks) {
    const fresh = await world.person(aliceApp, 'Fresh', {
      profile: `fresh-${name.slice(0, 3)}-${screen.colorScheme}`,
      screen,
    });
    await expect(fresh.byId('login-form')).toBeVisible();
    await expect(fresh.byId('server-check')).toHaveAttribute('data-state', 'ok');
    await looksRight(fresh, `login-${name}`);
    await fresh.byId('tab-register').click();
    await looksRight(fresh, `register-${name}`);
    await fresh.close();

    const alice = await world.person(aliceApp, 'Alice', { screen });
    await expect(alice.byId('composer-input').or(alice.byId('conversation-item')).first()).toBeVisible();
    // A phone opens where it was left: in the conversation or in the list.
    if (screen.width < 640 && (await alice.byId('composer-input').isVisible())) await alice.byId('back-button').click();
    await expect(alice.conversation('卡罗尔')).toHaveCount(1);
    if (screen.width < 640) await looksRight(alice, `list-${name}`);
    await alice.openConversation('Bob');
    await alice.sees('Saturday works');
    await alice
      .byId('composer-input')
      .fill('A draft that is longer than one line, so that the composer has to grow a little 多行草稿');
    await looksRight(alice, `chat-${name}`);
    await alice.byId('composer-input').fill('');
    if (screen.width < 640) await alice.byId('back-button').click();
    await alice.byId('settings-button').click();
    await looksRight(alice, `settings-${name}`);
    await alice.close();
  }
  await stop();
  for (const { name, screen } of looks) {
    const alice = await world.person(aliceApp, 'Alice', { screen });
    await expect(alice.byId('composer-input').or(alice.byId('conversation-item')).first()).toBeVisible();
    if (!(await alice.byId('composer-input').isVisible())) await alice.openConversation('Bob');
    await expect(alice.byId('connection-bar')).toBeVisible();
    await alice.send(`offline ${name}`);
    await alice.seesStatus(`offline ${name}`, 'sending');
    await looksRight(alice, `offline-${name}`);
    await alice.close();
  }
});
