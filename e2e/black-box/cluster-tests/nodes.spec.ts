import type { FastimClient, Message } from '@fastim/desktop/sdk';
import { eventually, expect, hasConversation, type People, test, wordsOf } from '../fixture.ts';
import type { SystemUnderTest } from '../system.ts';

const clusterOf = (system: SystemUnderTest) => system.cluster!.cluster;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** People in one group, all writing. */
async function busyGroup(people: People, members: number) {
  const clients: FastimClient[] = [];
  for (let index = 0; index < members; index += 1) clients.push(await people.device(`user${index}`));
  const [owner, ...others] = clients as [FastimClient, ...FastimClient[]];
  const userIds = others.map((client) => client.account.user.userId);
  const { conversationId } = await owner.groups.create({ name: 'Busy', userIds });
  for (const client of others) await hasConversation(client, conversationId);
  const sends: Array<Promise<Message>> = [];
  let round = 0;
  const timer = setInterval(() => {
    for (const [index, client] of clients.entries()) sends.push(client.send(conversationId, `${index}-${round}`));
    round += 1;
  }, 100);
  return {
    clients,
    conversationId,
    /** Ends the writing, and checks that everything is everywhere once, each sender's in his order. */
    async finish() {
      clearInterval(timer);
      const acked = (await Promise.all(sends)).toSorted((left, right) => left.convSeq! - right.convSeq!);
      expect(new Set(acked.map(({ convSeq }) => convSeq)).size).toBe(acked.length);
      for (const index of clients.keys()) {
        const own = acked.filter(({ text }) => text.startsWith(`${index}-`)).map(({ text }) => text);
        expect(own).toEqual(Array.from({ length: round }, (_, number) => `${index}-${number}`));
      }
      const expected = acked.map(({ text }) => text).join();
      for (const client of clients) {
        await eventually(
          async () => (await wordsOf(client, conversationId)).join(),
          (words) => words === expected,
          30_000,
        );
      }
    },
  };
}

/** How long each client that lost its connection was away. */
function watchAbsences(clients: readonly FastimClient[]) {
  const since = new Map<FastimClient, number>();
  const absences: number[] = [];
  for (const client of clients) {
    client.on('connection', ({ state }) => {
      const lost = since.get(client);
      if (state === 'online') {
        since.delete(client);
        if (lost !== undefined) absences.push(performance.now() - lost);
      } else if (lost === undefined) since.set(client, performance.now());
    });
  }
  return { absences, away: () => since.size };
}

test('kill -9 of a gate: its clients are back elsewhere within 10 s, and nothing is lost', async ({
  people,
  system,
}) => {
  const group = await busyGroup(people, 9);
  const watched = watchAbsences(group.clients);
  await clusterOf(system).signal('gate-2', 'SIGKILL');
  await eventually(
    () => watched.absences.length > 0 && watched.away() === 0,
    (all) => all,
    12_000,
  );
  for (const absence of watched.absences) expect(absence).toBeLessThan(10_000);
  await group.finish();
  await clusterOf(system).start('gate-2');
});

test('SIGTERM drains a gate: its clients move, and nothing is lost', async ({ people, system }) => {
  const group = await busyGroup(people, 9);
  const watched = watchAbsences(group.clients);
  const began = performance.now();
  await clusterOf(system).signal('gate-3', 'SIGTERM');
  expect(performance.now() - began).toBeLessThan(20_000);
  await eventually(
    () => watched.away() === 0,
    (all) => all,
    10_000,
  );
  await group.finish();
  await clusterOf(system).start('gate-3');
});

test('a logic node that stood still comes back as a second owner of its conversations: no place is given twice', async ({
  people,
  system,
}) => {
  const group = await busyGroup(people, 6);
  const { cluster } = system.cluster!;
  await sleep(500);
  await cluster.signal('logic-1', 'SIGSTOP');
  // Longer than it takes the others to hold it for dead.
  await sleep(12_000);
  await cluster.signal('logic-1', 'SIGCONT');
  await sleep(1_500);
  await group.finish();
});

test('kill -9 of every logic node in turn while a group writes', async ({ people, system }) => {
  const group = await busyGroup(people, 6);
  const { cluster } = system.cluster!;
  for (const name of ['logic-1', 'logic-2', 'logic-3']) {
    await cluster.signal(name, 'SIGKILL');
    await sleep(500);
    await cluster.start(name);
  }
  await group.finish();
});
