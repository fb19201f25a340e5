import type { FastimClient, Message } from '@fastim/desktop/sdk';
import { eventually, expect, hasConversation, type People, test, wordsOf } from '../fixture.ts';

/** Four people in a group, writing all the time while `disturb` runs; then everything acknowledged is everywhere, once. */
async function chatWhile(people: People, disturb: () => Promise<void>): Promise<void> {
  const clients: FastimClient[] = [];
  for (const short of ['ann', 'bob', 'cleo', 'dan']) clients.push(await people.device(short));
  const [owner, ...others] = clients as [FastimClient, ...FastimClient[]];
  const userIds = others.map((client) => client.account.user.userId);
  const { conversationId } = await owner.groups.create({ name: 'Under load', userIds });
  for (const client of others) await hasConversation(client, conversationId);
  const sends: Array<Promise<Message>> = [];
  let round = 0;
  const timer = setInterval(() => {
    for (const [index, client] of clients.entries()) sends.push(client.send(conversationId, `${index}-${round}`));
    round += 1;
  }, 40);
  try {
    await new Promise((resolve) => setTimeout(resolve, 400));
    await disturb();
    await new Promise((resolve) => setTimeout(resolve, 400));
  } finally {
    clearInterval(timer);
  }
  const acked = await Promise.all(sends);
  const expected = acked.toSorted((left, right) => left.convSeq! - right.convSeq!).map(({ text }) => text);
  expect(new Set(acked.map(({ convSeq }) => convSeq)).size).toBe(acked.length);
  for (const index of clients.keys()) {
    const own = expected.filter((text) => text.startsWith(`${index}-`));
    expect(own).toEqual(Array.from({ length: round }, (_, number) => `${index}-${number}`));
  }
  for (const client of clients) {
    await eventually(
      async () => (await wordsOf(client, conversationId)).join(),
      (words) => words === expected.join(),
      30_000,
    );
  }
}

test('kill -9 of everything under load: nothing acknowledged is lost, doubled or out of order', async ({
  people,
  system,
}) => {
  await chatWhile(people, () => system.crash());
});

test('an orderly restart of everything under load loses nothing either', async ({ people, system }) => {
  await chatWhile(people, () => system.restart());
});
