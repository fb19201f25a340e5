import {
  GroupChange,
  MAX_EMOJIS_A_MESSAGE,
  type MessageMarks,
  plainText,
  REACTION_USERS_NAMED,
  textBody,
} from '@fastim/protocol';
import { describe, expect, test } from 'vitest';
import { changed, type OpenStorage, post, stored, useStorage, words } from './fixtures.ts';

/** What MessageStore promises about edits, recalls, reactions, replies and mentions. */
export function eventContract(open: OpenStorage): void {
  describe('edits', () => {
    const fixture = useStorage(open);

    test('the target has the new words from then on, and keeps what it answers and who wrote it first', async () => {
      const { conversationId, first, second } = await fixture.pair();
      await fixture.send(conversationId, second.userId);
      const body = textBody.encode({ ...plainText('first'), replySeq: 1, forwardedFrom: second.userId });
      const sent = stored(await fixture.append(fixture.request(conversationId, first.userId, { body })));
      const edited = stored(await fixture.append(fixture.edit(conversationId, first.userId, 2, 'second')));
      expect(edited).toMatchObject({ outcome: 'stored', convSeq: 3, countNo: 2 });
      const messages = await fixture.history(conversationId, second.userId);
      expect(messages[1]).toMatchObject({ msgId: sent.msgId, convSeq: 2, countNo: 2, serverTimeMs: sent.serverTimeMs });
      expect(messages[1]!.marks).toEqual({ ...noMarks, editedSeq: 3 });
      expect(textBody.decode(messages[1]!.body)).toEqual({
        ...plainText('second'),
        replySeq: 1,
        forwardedFrom: second.userId,
      });
      expect(messages.map(({ marks }) => marks !== undefined)).toEqual([false, true, false]);
    });

    test('the last one counts; the one before stays in the history as what it was', async () => {
      const { conversationId, first } = await fixture.pair();
      await fixture.send(conversationId, first.userId);
      const batch = ['one', 'two', 'three'].map((text) => fixture.edit(conversationId, first.userId, 1, text));
      await fixture.storage.messages.append(batch);
      const messages = await fixture.history(conversationId, first.userId);
      expect(words(messages[0])).toBe('three');
      expect(messages[0]!.marks?.editedSeq).toBe(4);
      expect(messages.slice(1).map(({ body }) => [...body])).toEqual(batch.map(({ body }) => [...body]));
    });

    test('only one’s own text messages, only within the window, and nothing that is not there', async () => {
      const { conversationId, first, second } = await fixture.pair();
      const sent = stored(await fixture.append(fixture.request(conversationId, first.userId)));
      await fixture.append(fixture.edit(conversationId, first.userId, 1));
      const late = fixture.edit(conversationId, first.userId, 1);
      const outcomes = await fixture.storage.messages.append([
        fixture.edit(conversationId, second.userId, 1),
        fixture.edit(conversationId, first.userId, 2),
        fixture.edit(conversationId, first.userId, 3),
        fixture.edit(conversationId, first.userId, 0),
        fixture.edit(conversationId, first.userId, -1),
        fixture.edit(conversationId, first.userId, 2 ** 40),
        { ...late, action: { ...late.action, notBeforeMs: sent.serverTimeMs + 1 } as typeof late.action },
        { ...late, action: { ...late.action, notBeforeMs: sent.serverTimeMs } as typeof late.action },
      ]);
      expect(outcomes.map(reasonOf)).toEqual([
        'NOT_ALLOWED',
        'TARGET_INVALID',
        'TARGET_INVALID',
        'TARGET_INVALID',
        'TARGET_INVALID',
        'TARGET_INVALID',
        'TOO_LATE',
        'stored',
      ]);
    });

    test('a repeat gets its first answer, though the window has passed and the message is recalled since', async () => {
      const { conversationId, first } = await fixture.pair();
      await fixture.send(conversationId, first.userId);
      const edit = fixture.edit(conversationId, first.userId, 1);
      const answer = stored(await fixture.append(edit));
      await fixture.append(fixture.recall(conversationId, first.userId, 1));
      const again = { ...edit, action: { ...edit.action, notBeforeMs: Number.MAX_SAFE_INTEGER } as typeof edit.action };
      expect(await fixture.append(again)).toEqual({ ...answer, outcome: 'repeated' });
      expect((await fixture.history(conversationId))[0]!.body).toHaveLength(0);
    });
  });

  describe('recalls', () => {
    const fixture = useStorage(open);

    test('nobody can read the words again: not those of the message and not those of its edits', async () => {
      const { conversationId, first, second } = await fixture.pair();
      const secret = textBody.encode(plainText('secret 1'));
      await fixture.append(fixture.request(conversationId, first.userId, { body: secret }));
      await fixture.append(fixture.edit(conversationId, first.userId, 1, 'secret 2'));
      await fixture.append(fixture.edit(conversationId, first.userId, 1, 'secret 3'));
      await fixture.append(fixture.reaction(conversationId, second.userId, 1));
      stored(await fixture.append(fixture.recall(conversationId, first.userId, 1)));
      const messages = await fixture.history(conversationId, first.userId);
      expect(messages[0]!.body).toHaveLength(0);
      expect(messages[0]!.marks).toMatchObject({ recalledSeq: 5, recalledBy: first.userId, reactions: [] });
      for (const { body } of messages) expect(Buffer.from(body).toString('latin1')).not.toContain('secret');
      const { lastMessage } = await fixture.state(second.userId, conversationId);
      expect(lastMessage).toMatchObject({ convSeq: 1, marks: { recalledSeq: 5 } });
      expect(lastMessage!.body).toHaveLength(0);
    });

    test('nothing works on it any more', async () => {
      const { conversationId, first, second } = await fixture.pair();
      await fixture.send(conversationId, first.userId);
      await fixture.append(fixture.recall(conversationId, first.userId, 1));
      const outcomes = await fixture.storage.messages.append([
        fixture.recall(conversationId, first.userId, 1),
        fixture.edit(conversationId, first.userId, 1),
        fixture.reaction(conversationId, second.userId, 1),
        fixture.recall(conversationId, first.userId, 2),
      ]);
      expect(outcomes.map(reasonOf)).toEqual(Array(4).fill('TARGET_INVALID'));
    });

    test('one’s own within the window; owner and admins of a group any at any time; others nothing', async () => {
      const { conversationId, owner, admin, members } = await fixture.group();
      const [member, other] = [members[0]!.userId, members[1]!.userId];
      const sent = await fixture.send(conversationId, member, 4);
      const [a, b, c, d] = sent.map(({ convSeq }) => convSeq);
      const later = sent.at(-1)!.serverTimeMs + 1;
      const outcomes = await fixture.storage.messages.append([
        fixture.recall(conversationId, other, a!),
        fixture.recall(conversationId, member, a!, later),
        fixture.recall(conversationId, member, a!),
        fixture.recall(conversationId, owner.userId, b!, later),
        fixture.recall(conversationId, admin.userId, c!, later),
        fixture.recall(conversationId, owner.userId, 1, later),
      ]);
      expect(outcomes.map(reasonOf)).toEqual([
        'NOT_ALLOWED',
        'TOO_LATE',
        'stored',
        'stored',
        'stored',
        'TARGET_INVALID',
      ]);
      const messages = await fixture.history(conversationId, other);
      const recalledBy = messages.filter(({ convSeq }) => [a, b, c, d].includes(convSeq));
      expect(recalledBy.map(({ marks }) => marks?.recalledBy)).toEqual([member, owner.userId, admin.userId, undefined]);
    });
  });

  describe('reactions', () => {
    const fixture = useStorage(open);

    const reactionsOf = async (conversationId: bigint, viewerId: bigint, convSeq = 1) => {
      const [message] = await fixture.history(conversationId, viewerId, { fromSeq: convSeq, toSeq: convSeq });
      return message!.marks?.reactions;
    };

    test('are counted by emoji in the order in which they came, with who and whether it is mine', async () => {
      const { conversationId, first, second } = await fixture.pair();
      await fixture.send(conversationId, first.userId);
      const emojis = [
        [second.userId, '🎉'],
        [first.userId, '👍'],
        [second.userId, '👍'],
      ] as const;
      for (const [userId, emoji] of emojis) {
        stored(await fixture.append(fixture.reaction(conversationId, userId, 1, { emoji })));
      }
      expect(await reactionsOf(conversationId, first.userId)).toEqual([
        { emoji: '🎉', count: 1, mine: false, userIds: [second.userId] },
        { emoji: '👍', count: 2, mine: true, userIds: [first.userId, second.userId] },
      ]);
      expect((await reactionsOf(conversationId, second.userId))!.map(({ mine }) => mine)).toEqual([true, true]);
      expect((await reactionsOf(conversationId, 0n))!.map(({ mine }) => mine)).toEqual([false, false]);
    });

    test('taken away they are gone; the same one again, or none, changes nothing and takes no conv_seq', async () => {
      const { conversationId, first, second } = await fixture.pair();
      await fixture.send(conversationId, first.userId);
      const add = () => fixture.reaction(conversationId, second.userId, 1);
      const remove = () => fixture.reaction(conversationId, second.userId, 1, { removed: true });
      const outcomes = await fixture.storage.messages.append([remove(), add(), add(), remove(), remove(), add()]);
      expect(outcomes.map((outcome) => ('convSeq' in outcome ? outcome.convSeq : outcome.outcome))).toEqual([
        'unchanged',
        2,
        'unchanged',
        3,
        'unchanged',
        4,
      ]);
      expect(await reactionsOf(conversationId, second.userId)).toMatchObject([{ count: 1, mine: true }]);
      stored(await fixture.append(remove()));
      const [message] = await fixture.history(conversationId, second.userId);
      expect(message!.marks).toEqual({ ...noMarks, reactionsSeq: 5 });
    });

    test('a repeat has one effect', async () => {
      const { conversationId, first } = await fixture.pair();
      await fixture.send(conversationId, first.userId);
      const reaction = fixture.reaction(conversationId, first.userId, 1);
      const one = stored(await fixture.append(reaction));
      expect(await fixture.append(reaction)).toEqual({ ...one, outcome: 'repeated' });
      expect(await reactionsOf(conversationId, first.userId)).toMatchObject([{ count: 1 }]);
    });

    test('one more than so many different ones is refused; one that is there is not', async () => {
      const { conversationId, first, second } = await fixture.pair();
      await fixture.send(conversationId, first.userId);
      const batch = Array.from({ length: MAX_EMOJIS_A_MESSAGE + 1 }, (_, index) =>
        fixture.reaction(conversationId, first.userId, 1, { emoji: `e${index}` }),
      );
      const outcomes = await fixture.storage.messages.append([
        ...batch,
        fixture.reaction(conversationId, second.userId, 1, { emoji: 'e3' }),
      ]);
      expect(outcomes.map(reasonOf)).toEqual([
        ...Array(MAX_EMOJIS_A_MESSAGE).fill('stored'),
        'MESSAGE_INVALID',
        'stored',
      ]);
    });

    test('of many members: all are counted, the first are named', async () => {
      const { conversationId, owner, members } = await fixture.group(REACTION_USERS_NAMED + 5);
      const [sent] = await fixture.send(conversationId, owner.userId);
      await Promise.all(
        members.map(({ userId }) => fixture.append(fixture.reaction(conversationId, userId, sent!.convSeq))),
      );
      const [one] = (await reactionsOf(conversationId, members.at(-1)!.userId, sent!.convSeq))!;
      expect(one).toMatchObject({ count: members.length, mine: true });
      expect(one!.userIds).toEqual(members.slice(0, REACTION_USERS_NAMED).map(({ userId }) => userId));
    });

    test('many at once, added and taken away: the counts are those of who has one at the end', async () => {
      const { conversationId, owner, members } = await fixture.group(6);
      const [sent] = await fixture.send(conversationId, owner.userId);
      const emojis = ['👍', '🎉', '❤️'];
      const has = new Map<string, Set<bigint>>(emojis.map((emoji) => [emoji, new Set()]));
      const calls: Promise<unknown>[] = [];
      for (let round = 0; round < 90; round += 1) {
        const { userId } = members[round % members.length]!;
        const emoji = emojis[(round * 7) % emojis.length]!;
        const removed = round % 4 === 3;
        if (removed) has.get(emoji)!.delete(userId);
        else has.get(emoji)!.add(userId);
        calls.push(fixture.append(fixture.reaction(conversationId, userId, sent!.convSeq, { emoji, removed })));
      }
      await Promise.all(calls);
      const reactions = (await reactionsOf(conversationId, 0n, sent!.convSeq))!;
      const counted = new Map(reactions.map(({ emoji, count, userIds }) => [emoji, [count, userIds.length]]));
      for (const [emoji, users] of has) {
        expect(counted.get(emoji)).toEqual(users.size === 0 ? undefined : [users.size, users.size]);
      }
    });
  });

  describe('replies', () => {
    const fixture = useStorage(open);

    test('answer a message that the sender may see, and no other', async () => {
      const { conversationId, owner } = await fixture.group();
      await fixture.send(conversationId, owner.userId, 2);
      const newcomer = await fixture.user();
      const invite = fixture.change(conversationId, owner.userId, GroupChange.invite, [newcomer.userId]);
      const joinSeq = changed(await fixture.storage.groups.change(invite)).notice.convSeq;
      const reply = (userId: bigint, replySeq: number) =>
        fixture.request(conversationId, userId, { action: { ...post, replySeq } as typeof post });
      const outcomes = await fixture.storage.messages.append([
        reply(newcomer.userId, joinSeq - 1),
        reply(newcomer.userId, joinSeq + 1),
        reply(newcomer.userId, -1),
        reply(newcomer.userId, joinSeq),
        reply(owner.userId, joinSeq - 1),
      ]);
      expect(outcomes.map(reasonOf)).toEqual([
        'TARGET_INVALID',
        'TARGET_INVALID',
        'TARGET_INVALID',
        'stored',
        'stored',
      ]);
    });
  });

  describe('mentions', () => {
    const fixture = useStorage(open);

    const mentioning = (conversationId: bigint, senderId: bigint, mentions: bigint[], mentionAll = false) =>
      fixture.request(conversationId, senderId, {
        action: { type: 'post', mentions, mentionAll, replySeq: 0 },
      });

    test('the newest one over my read cursor is shown to those named, until it is read', async () => {
      const { conversationId, owner, members } = await fixture.group();
      const [named, other] = [members[0]!.userId, members[1]!.userId];
      const seq = stored(await fixture.append(mentioning(conversationId, owner.userId, [named]))).convSeq;
      const newer = stored(await fixture.append(mentioning(conversationId, owner.userId, [named]))).convSeq;
      await fixture.send(conversationId, owner.userId);
      const mentionSeq = async (userId: bigint) => (await fixture.state(userId, conversationId)).mentionSeq;
      expect(await mentionSeq(named)).toBe(newer);
      expect(await mentionSeq(other)).toBe(0);
      const read = { conversationId, userId: named, deviceId: 'd'.repeat(32), deliveredSeq: 0, nowMs: 1 };
      await fixture.storage.conversations.raiseCursors([{ ...read, readSeq: seq }]);
      expect(await mentionSeq(named)).toBe(newer);
      await fixture.storage.conversations.raiseCursors([{ ...read, readSeq: newer }]);
      expect(await mentionSeq(named)).toBe(0);
    });

    test('of everybody: shown to everybody but who wrote it, and to nobody who came later', async () => {
      const { conversationId, owner, members } = await fixture.group();
      const seq = stored(await fixture.append(mentioning(conversationId, owner.userId, [], true))).convSeq;
      const newcomer = await fixture.user();
      await fixture.storage.groups.change(
        fixture.change(conversationId, owner.userId, GroupChange.invite, [newcomer.userId]),
      );
      const shown = [owner, members[0]!, members[1]!, newcomer].map(async ({ userId }) => {
        return (await fixture.state(userId, conversationId)).mentionSeq;
      });
      expect(await Promise.all(shown)).toEqual([0, seq, seq, 0]);
    });

    test('of everybody needs the right to; refused it leaves nothing', async () => {
      const { conversationId, admin, members } = await fixture.group();
      const refused = mentioning(conversationId, members[0]!.userId, [members[1]!.userId], true);
      expect(reasonOf(await fixture.append(refused))).toBe('NOT_ALLOWED');
      expect((await fixture.state(members[1]!.userId, conversationId)).mentionSeq).toBe(0);
      expect(reasonOf(await fixture.append(mentioning(conversationId, admin.userId, [], true)))).toBe('stored');
    });
  });
}

const noMarks: MessageMarks = { editedSeq: 0, recalledSeq: 0, recalledBy: 0n, reactionsSeq: 0, reactions: [] };

function reasonOf(outcome: { outcome: string; reason?: string }): string {
  return outcome.reason ?? outcome.outcome;
}
