import { editBody, GroupChange } from '@fastim/protocol';
import { afterAll, describe, expect, test } from 'vitest';
import { changed, stored, useStorage, words } from '../contract-suite/fixtures.ts';
import { TemporaryFolders } from './testing/temporary-folders.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

describe('who left a group', () => {
  const fixture = useStorage(() => folders.open());

  /** A group in which the first message has been edited and reacted to, by the time the first member left. */
  async function group() {
    const made = await fixture.group();
    const { conversationId, owner, members } = made;
    const [leaver, other] = [members[0]!.userId, members[1]!.userId];
    const [sent] = await fixture.send(conversationId, owner.userId);
    const seq = sent!.convSeq;
    await fixture.append(fixture.edit(conversationId, owner.userId, seq, 'before'));
    await fixture.append(fixture.reaction(conversationId, leaver, seq));
    const leave = fixture.change(conversationId, leaver, GroupChange.leave);
    const leaveSeq = changed(await fixture.storage.groups.change(leave)).notice.convSeq;
    const message = async (viewerId: bigint, convSeq = seq) => {
      const range = { fromSeq: convSeq, toSeq: convSeq };
      return (await fixture.history(conversationId, viewerId, range))[0]!;
    };
    return { ...made, leaver, other, seq, leaveSeq, message };
  }

  test('sees messages without the edits and reactions that came after', async () => {
    const { conversationId, owner, leaver, other, seq, message } = await group();
    const before = await message(leaver);
    await fixture.append(fixture.edit(conversationId, owner.userId, seq, 'after'));
    await fixture.append(fixture.reaction(conversationId, other, seq));
    await fixture.append(fixture.reaction(conversationId, other, seq, { emoji: '🎉' }));
    expect(await message(leaver)).toEqual(before);
    expect(words(before)).toBe('before');
    expect(before.marks).toMatchObject({
      editedSeq: seq + 1,
      reactionsSeq: seq + 2,
      reactions: [{ count: 1, mine: true }],
    });
    const now = await message(other);
    expect(words(now)).toBe('after');
    expect(now.marks!.reactions.map(({ emoji, count }) => [emoji, count])).toEqual([
      ['👍', 2],
      ['🎉', 1],
    ]);
  });

  test('sees the first words of a message that was only edited after', async () => {
    const { conversationId, owner, admin, members } = await fixture.group();
    const [sent] = await fixture.send(conversationId, owner.userId);
    const remove = fixture.change(conversationId, owner.userId, GroupChange.remove, [admin.userId]);
    await fixture.storage.groups.change(remove);
    stored(await fixture.append(fixture.edit(conversationId, owner.userId, sent!.convSeq, 'after')));
    const read = async (viewerId: bigint) => (await fixture.history(conversationId, viewerId))[sent!.convSeq - 1]!;
    expect(words(await read(admin.userId))).toBe('hello 你好');
    expect((await read(admin.userId)).marks).toBeUndefined();
    expect(words(await read(members[0]!.userId))).toBe('after');
  });

  test('does not see again what was recalled after', async () => {
    const { conversationId, owner, leaver, seq, message } = await group();
    const recall = stored(await fixture.append(fixture.recall(conversationId, owner.userId, seq)));
    const recalled = await message(leaver);
    expect(recalled.body).toHaveLength(0);
    expect(recalled.marks).toMatchObject({ recalledSeq: recall.convSeq, reactions: [] });
    expect(editBody.decode((await message(leaver, seq + 1)).body)).toMatchObject({ targetSeq: seq, text: '' });
  });

  test('sees the group as it was then, until he comes back', async () => {
    const { conversationId, owner, leaver } = await group();
    const { group: then } = await fixture.state(leaver, conversationId);
    expect(then).toMatchObject({ name: 'Walkers', memberCount: 3 });
    const rename = { ...fixture.change(conversationId, owner.userId, GroupChange.rename), text: 'Secret plans' };
    await fixture.storage.groups.change(rename);
    await fixture.storage.groups.change({ ...fixture.change(conversationId, owner.userId, 3), text: 'at my place' });
    expect((await fixture.state(leaver, conversationId)).group).toEqual(then);
    await fixture.storage.groups.change(fixture.change(conversationId, owner.userId, GroupChange.invite, [leaver]));
    expect((await fixture.state(leaver, conversationId)).group).toMatchObject({
      name: 'Secret plans',
      announcement: 'at my place',
      memberCount: 4,
    });
  });

  test('finds no mention, no new activity and no change in the group after it', async () => {
    const { conversationId, owner, leaver } = await group();
    const before = await fixture.state(leaver, conversationId);
    const mark = await fixture.storage.conversations.mark(leaver);
    const sinceMs = fixture.later();
    const action = { type: 'post', mentions: [leaver], mentionAll: true, replySeq: 0 } as const;
    stored(await fixture.append(fixture.request(conversationId, owner.userId, { action })));
    expect(await fixture.state(leaver, conversationId)).toEqual(before);
    expect(await fixture.storage.conversations.mark(leaver)).toEqual(mark);
    const page = { userId: leaver, sinceMs, beforeActivityMs: 0, beforeConversationId: 0n, limit: 10 };
    expect((await fixture.storage.conversations.syncPage(page)).conversations).toEqual([]);
  });
});
