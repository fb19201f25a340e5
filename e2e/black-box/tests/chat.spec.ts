import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, expect, hasConversation, historyOf, pair, test, wordsOf } from '../fixture.ts';

test('two people write to each other, and both have the same in the same order, with ticks', async ({ people }) => {
  const { ann, bob, conversationId } = await pair(people);
  await hasConversation(bob, conversationId);
  await Promise.all(
    Array.from({ length: 20 }, (_, index) => [
      ann.send(conversationId, `a${index} 你好 👋`),
      bob.send(conversationId, `b${index}`),
    ]).flat(),
  );
  const anns = await eventually(
    () => wordsOf(ann, conversationId),
    (words) => words.length === 40,
  );
  expect(
    await eventually(
      () => wordsOf(bob, conversationId),
      (words) => words.length === 40,
    ),
  ).toEqual(anns);
  for (const letter of ['a', 'b']) {
    const own = anns.filter((text) => text.startsWith(letter)).map((text) => Number.parseInt(text.slice(1), 10));
    expect(own).toEqual(Array.from({ length: 20 }, (_, index) => index));
  }
  const last = (await historyOf(bob, conversationId)).findLast(({ mine }) => !mine)!;
  await bob.markRead(last);
  await eventually(
    async () => (await historyOf(ann, conversationId)).filter(({ mine }) => mine).map(({ status }) => status),
    (ticks) => ticks.every((tick) => tick === 'read'),
  );
});

test('edits, recalls and reactions reach every device, the second one of the same user too', async ({ people }) => {
  const { ann, bob, conversationId } = await pair(people);
  const second = await people.device('ann');
  const edited = await ann.send(conversationId, 'helo');
  const recalled = await ann.send(conversationId, 'never mind');
  await eventually(
    () => wordsOf(bob, conversationId),
    (words) => words.length === 2,
  );
  await ann.edit(edited, 'hello');
  await ann.recall(recalled);
  await bob.react(edited, '👍');
  for (const client of [ann, second, bob]) {
    const [first, gone] = await eventually(
      () => historyOf(client, conversationId),
      ([one, two]) => one?.text === 'hello' && one.reactions.length === 1 && two?.recalled !== null,
    );
    expect([first?.edited, first?.reactions[0]?.emoji, gone?.text]).toEqual([true, '👍', '']);
  }
});

test('one client message id has one effect, whatever device and however often', async ({ people }) => {
  const { ann, bob, conversationId } = await pair(people);
  const key = 'c0ffee00c0ffee00c0ffee00c0ffee00';
  const second = await people.device('ann');
  await hasConversation(second, conversationId);
  const acks = await Promise.all([ann, ann, second].map((client) => client.send(conversationId, 'once', { key })));
  expect(new Set(acks.map(({ msgId, convSeq }) => `${msgId} ${convSeq}`)).size).toBe(1);
  await ann.send(conversationId, 'after');
  expect(
    await eventually(
      () => wordsOf(bob, conversationId),
      (words) => words.includes('after'),
    ),
  ).toEqual(['once', 'after']);
});

test('a group: everybody has the same, notices included, and who is removed hears nothing more', async ({ people }) => {
  const { ann, bob } = await pair(people);
  const cleo = await people.device('cleo');
  const ids = [bob, cleo].map((client) => client.account.user.userId);
  const { conversationId } = await ann.groups.create({ name: 'Hikers 登山', userIds: ids });
  for (const client of [bob, cleo]) await hasConversation(client, conversationId);
  await Promise.all([ann, bob, cleo].map((client, index) => client.send(conversationId, `from ${index}`)));
  await ann.groups.rename(conversationId, 'Walkers');
  await ann.groups.remove(conversationId, [cleo.account.user.userId]);
  await ann.send(conversationId, 'only us');
  const anns = await historyOf(ann, conversationId);
  const shown = (messages: typeof anns) => messages.map(({ kind, text, convSeq }) => `${convSeq} ${kind} ${text}`);
  await eventually(
    async () => shown(await historyOf(bob, conversationId)),
    (lines) => lines.join() === shown(anns).join(),
  );
  const cleos = await eventually(
    () => historyOf(cleo, conversationId),
    (messages) => messages.at(-1)?.notice?.kind === 'removed',
  );
  expect(cleos.some(({ text }) => text === 'only us')).toBe(false);
  await expect(cleo.send(conversationId, 'still here?')).rejects.toMatchObject({
    reason: expect.stringMatching(/NOT_A_MEMBER|NOT_FOUND/),
  });
});

test('a new device pages through everything, and reading on one device clears the other', async ({ people }) => {
  const { ann, bob, conversationId } = await pair(people);
  await hasConversation(bob, conversationId);
  const texts = Array.from({ length: 450 }, (_, index) => `message ${index}`);
  await Promise.all(texts.map((text) => ann.send(conversationId, text)));
  const fresh = await people.device('bob');
  expect(await wordsOf(fresh, conversationId)).toEqual(texts);
  const unread = async () => (await fresh.conversations()).find((one) => one.conversationId === conversationId)?.unread;
  expect(await unread()).toBe(450);
  const last = (
    await eventually(
      () => historyOf(bob, conversationId),
      (all) => all.length === 450,
    )
  ).at(-1)!;
  await bob.markRead(last);
  await eventually(unread, (count) => count === 0);
});

test('who was away long has everything in order, and what he wrote offline goes out', async ({ people }) => {
  const directory = mkdtempSync(join(tmpdir(), 'fastim-away-'));
  try {
    const { ann, bob, conversationId } = await pair(people);
    const away = await people.device('bob', { directory });
    await hasConversation(away, conversationId);
    await away.close();
    await bob.close();
    const texts = Array.from({ length: 700 }, (_, index) => `while away ${index}`);
    await Promise.all(texts.map((text) => ann.send(conversationId, text)));
    const back = await people.device('bob', { directory });
    expect(await wordsOf(back, conversationId)).toEqual(texts);
    await back.send(conversationId, 'here again');
    await eventually(
      () => wordsOf(ann, conversationId),
      (words) => words.at(-1) === 'here again',
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
