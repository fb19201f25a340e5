import type { Person } from '../fixtures/person.ts';
import { expect, test, type World } from '../fixtures/test.ts';

async function threePeople(world: World): Promise<{ alice: Person; bob: Person; carol: Person; url: string }> {
  const server = await world.server();
  const app = await world.app(server.url);
  const people: Person[] = [];
  for (const name of ['Alice', 'Bob', 'Carol']) {
    const person = await world.person(app, name);
    await person.register();
    people.push(person);
  }
  const [alice, bob, carol] = people;
  return { alice: alice!, bob: bob!, carol: carol!, url: server.url };
}

test('a group of three: made, talked in, renamed, announced, muted, handed over and left', async ({ world }) => {
  test.setTimeout(180_000);
  const { alice, bob, carol } = await threePeople(world);
  await alice.makeGroup('Climbers 登山', 'Bob', 'Carol');
  await alice.seesNotice(/Alice|You/);
  await alice.send('Welcome 大家好');
  for (const person of [bob, carol]) {
    await expect(person.unread('Climbers')).toHaveAttribute('data-count', '1');
    await person.openConversation('Climbers');
    await person.sees('Welcome 大家好');
    await expect(person.unread('Climbers')).toHaveCount(0);
  }
  await expect(alice.byId('read-count')).toHaveText('Read by all');
  await alice.byId('read-count').click();
  await expect(alice.byId('reader-row')).toHaveCount(2);
  await alice.page.keyboard.press('Escape');

  await bob.send('from Bob');
  await carol.send('from Carol');
  for (const person of [alice, bob, carol]) {
    await person.sees('from Bob');
    await person.sees('from Carol');
  }
  expect(await bob.texts()).toEqual(await alice.texts());
  expect(await carol.texts()).toEqual(await alice.texts());

  // What the group is called, and what stands at its door.
  await alice.groupPanel();
  await alice.byId('edit-group').click();
  await alice.byId('group-name').fill('Climbers & friends');
  await alice.byId('save-group').click();
  await expect(bob.conversation('Climbers & friends')).toHaveCount(1);
  await bob.seesNotice('Climbers & friends');
  await alice.byId('edit-announcement').click();
  await alice.byId('announcement-input').fill('Bring water 带水');
  await alice.byId('save-announcement').click();
  await expect(bob.byId('announcement-bar')).toContainText('Bring water 带水');
  await bob.byId('dismiss-announcement').click();
  await expect(bob.byId('announcement-bar')).toHaveCount(0);

  // One is silenced, then all.
  await alice.onMember('Bob', 'mute-member', 'mute-member-always');
  await expect(bob.byId('composer-closed')).toBeVisible();
  await alice.onMember('Bob', 'unmute-member');
  await expect(bob.byId('composer-input')).toBeVisible();
  await alice.byId('mute-all').click();
  await expect(carol.byId('composer-closed')).toBeVisible();
  await alice.byId('mute-all').click();
  await expect(carol.byId('composer-input')).toBeVisible();

  // An admin may do what a member may not; the owner hands the group over before leaving.
  await alice.onMember('Bob', 'make-admin');
  await expect(alice.byId('member-row').filter({ hasText: 'Bob' })).toHaveAttribute('data-role', 'admin');
  await bob.onMember('Carol', 'remove-member');
  await bob.byId('confirm').click();
  await expect(carol.byId('composer-closed')).toBeVisible();
  await alice.onMember('Bob', 'make-owner');
  await alice.byId('confirm').click();
  await expect(alice.byId('member-row').filter({ hasText: 'Bob' })).toHaveAttribute('data-role', 'owner');
  await bob.byId('composer-input').fill('after Carol left');
  await bob.byId('composer-input').press('Enter');
  await alice.sees('after Carol left');
  await expect(carol.message('after Carol left')).toHaveCount(0);
  await carol.sees('from Carol');

  await alice.byId('leave-group').click();
  await alice.byId('confirm').click();
  await expect(alice.byId('composer-closed')).toBeVisible();
  await bob.seesNotice(/Alice.*left/);
  await bob.send('only Bob is left');
  await bob.seesStatus('only Bob is left', /stored|read/);
  await expect(alice.message('only Bob is left')).toHaveCount(0);
});

test('people come by a link: a page before joining, approval, limits and revoking', async ({ world }) => {
  test.setTimeout(150_000);
  const { alice, bob, carol } = await threePeople(world);
  await alice.makeGroup('Readers 读书会');
  await alice.send('before anybody came');
  await alice.groupPanel();
  await alice.byId('open-links').click();
  await alice.byId('make-link').click();
  await expect(alice.byId('link-row')).toHaveCount(1);
  const url = (await alice.byId('link-row').getAttribute('data-url')) ?? '';
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/join\/[\w-]{20,}$/);

  await bob.byId('people-search').fill(url);
  await bob.byId('join-link-result').click();
  await expect(bob.byId('join-page')).toHaveAttribute('data-state', 'ready');
  await expect(bob.byId('join-page')).toContainText('Readers 读书会');
  await bob.screenshot('join-page');
  await bob.byId('join-submit').click();
  await expect(bob.byId('composer-input')).toBeVisible();
  await alice.seesNotice(/Bob/);
  // Who comes later does not see what was before.
  await expect(bob.message('before anybody came')).toHaveCount(0);
  await bob.send('hello from Bob');
  await alice.sees('hello from Bob');

  // Now somebody has to agree.
  await alice.page.keyboard.press('Escape');
  await alice.groupPanel();
  await alice.byId('join-approval').click();
  await carol.byId('people-search').fill(url);
  await carol.byId('join-link-result').click();
  await carol.byId('join-submit').click();
  await expect(carol.byId('join-page')).toHaveAttribute('data-state', 'requested');
  await alice.byId('open-requests').click();
  await alice.byId('request-row').filter({ hasText: 'Carol' }).getByTestId('approve').click();
  await expect(carol.conversation('Readers')).toHaveCount(1);

  // A link that was taken back leads nowhere.
  await alice.page.keyboard.press('Escape');
  await alice.groupPanel();
  await alice.byId('open-links').click();
  await alice.byId('revoke-link').click();
  await alice.byId('confirm').click();
  await expect(alice.byId('link-row')).toHaveCount(0);
  const dave = await world.person(world.apps[0]!, 'Dave');
  await dave.register();
  await dave.byId('people-search').fill(url);
  await dave.byId('join-link-result').click();
  await expect(dave.byId('join-page')).toHaveAttribute('data-state', 'invalid');
});

test('mentions: picked from the list, marked in the list of whom they call, and everybody at once', async ({
  world,
}) => {
  const { alice, bob, carol } = await threePeople(world);
  await alice.makeGroup('Team', 'Bob', 'Carol');
  const input = alice.byId('composer-input');
  await input.pressSequentially('ping @Bo');
  await alice.byId('mention-option').filter({ hasText: 'Bob' }).click();
  await input.press('Enter');
  await expect(bob.conversation('Team').getByTestId('mention-mark')).toHaveCount(1);
  await expect(carol.conversation('Team')).toHaveCount(1);
  await expect(carol.unread('Team')).toHaveAttribute('data-count', '1');
  await expect(carol.conversation('Team').getByTestId('mention-mark')).toHaveCount(0);
  await input.pressSequentially('all of you @');
  await alice.byId('mention-list').locator('[data-user-id="all"]').click();
  await input.press('Enter');
  await alice.byId('confirm').click();
  await expect(carol.conversation('Team').getByTestId('mention-mark')).toHaveCount(1);
  await bob.openConversation('Team');
  await bob.sees('ping @Bob');
  await expect(bob.conversation('Team').getByTestId('mention-mark')).toHaveCount(0);
  // Only who may can call everybody.
  await bob.byId('composer-input').pressSequentially('@');
  await expect(bob.byId('mention-option').first()).toBeVisible();
  await expect(bob.byId('mention-list').locator('[data-user-id="all"]')).toHaveCount(0);
});
