import { connect, FastimError } from '@fastim/desktop/sdk';
import { eventually, expect, pair, test } from '../fixture.ts';

const reasonOf = (call: Promise<unknown>) =>
  call.then(
    () => 'no error',
    (error: unknown) => (error instanceof FastimError ? error.reason : String(error)),
  );

test('a name is had once; wrong passwords and unknown names get the same answer', async ({ people, system }) => {
  await people.device('ann');
  const enter = (username: string, password: string) =>
    reasonOf(connect({ serverUrl: system.serverUrl, username, password }).then((client) => client.close()));
  expect(await enter(people.name('ann'), people.password)).toBe('no error');
  expect(await enter(people.name('ann'), 'wrong password!')).toBe('INVALID_CREDENTIALS');
  expect(await enter(people.name('nobody'), people.password)).toBe('INVALID_CREDENTIALS');
  const response = await fetch(`${system.serverUrl}/v1/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      username: people.name('ann').toUpperCase(),
      password: people.password,
      device: { deviceId: 'a'.repeat(32), name: 'x' },
    }),
  });
  expect([response.status, await response.text()]).toEqual([409, expect.stringContaining('NAME_TAKEN')]);
});

test('a device that is logged out elsewhere hears it within a second, and its token is worth nothing', async ({
  people,
}) => {
  const { ann } = await pair(people);
  const second = await people.device('ann');
  const { sessionId } = (await ann.devices()).find((device) => !device.current)!;
  const ended = new Promise<number>((resolve) => {
    second.on('connection', (connection) => {
      if (connection.state === 'ended') resolve(performance.now());
    });
  });
  const began = performance.now();
  await ann.endDevice(sessionId);
  expect((await ended) - began).toBeLessThan(1_000);
  expect(await reasonOf(second.devices())).not.toBe('no error');
  await eventually(
    () => ann.devices(),
    (devices) => devices.length === 1,
  );
});

test('devices are told apart, and seen online', async ({ people }) => {
  const { ann } = await pair(people);
  await people.device('ann');
  const devices = await eventually(
    () => ann.devices(),
    (all) => all.length === 2 && all.every(({ online }) => online),
  );
  expect(devices.filter(({ current }) => current)).toHaveLength(1);
});
