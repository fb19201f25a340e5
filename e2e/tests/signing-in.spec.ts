import { PASSWORD } from '../fixtures/person.ts';
import { expect, test } from '../fixtures/test.ts';

test('a wrong password, a taken name and a bad password are said in plain words', async ({ world }) => {
  const server = await world.server();
  const app = await world.app(server.url);
  const alice = await world.person(app, 'Alice');
  await expect(alice.byId('server-check')).toContainText('FastIM');
  await alice.register();

  const other = await world.person(app, 'Other');
  await other.fillRegistration('ALICE', 'Somebody else', PASSWORD);
  await other.byId('submit').click();
  await expect(other.byId('form-error')).toContainText(/taken/i);
  await other.screenshot('name-taken');
  await other.fillRegistration('somebody', 'Somebody', 'short');
  await other.byId('submit').click();
  await expect(other.byId('form-error')).toContainText(/password/i);

  await other.logIn('alice', 'not-the-password');
  await expect(other.byId('form-error')).toContainText(/wrong/i);
  await other.screenshot('wrong-password');
  await other.logIn('nobody-of-this-name', 'not-the-password');
  await expect(other.byId('form-error')).toContainText(/wrong/i);
  await other.logIn('alice', PASSWORD);
  await expect(other.byId('people-search')).toBeVisible();
});

test('a server that is down is said before and at the try, and the form keeps what was typed', async ({ world }) => {
  const server = await world.server();
  const app = await world.app(server.url);
  await server.stop();
  const alice = await world.person(app, 'Alice');
  await expect(alice.byId('server-check')).toHaveAttribute('data-state', 'failed');
  await alice.fillRegistration('alice', 'Alice', PASSWORD);
  await alice.byId('submit').click();
  await expect(alice.byId('form-error')).toContainText(/server/i);
  await alice.screenshot('login-server-down');
  await server.start();
  await alice.byId('submit').click();
  await expect(alice.byId('people-search')).toBeVisible();
});

test('logging out removes the account from the device and ends its session on the server', async ({ world }) => {
  const server = await world.server();
  const app = await world.app(server.url);
  const alice = await world.person(app, 'Alice');
  await alice.register();
  await alice.byId('settings-button').click();
  await alice.byId('log-out').click();
  await alice.byId('log-out-confirm').click();
  await expect(alice.byId('login-form')).toBeVisible();
  await alice.page.reload();
  await expect(alice.byId('login-form')).toBeVisible();
  await alice.logIn();
  await expect(alice.byId('people-search')).toBeVisible();
});
