import {
  Command,
  GroupChange,
  GroupRole,
  MessageKind,
  type MessageMarks,
  type NoticeBody,
  noticeBody,
  textBody,
} from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { StorageError } from '../../storage/storage.ts';
import { change, history } from '../testing/group-client.ts';
import { clientMsgId, LogicHarness } from '../testing/logic-harness.ts';

const EDIT_WINDOW = 24 * 3_600_000;
const RECALL_WINDOW = 2 * 60_000;

/** Users 1 and 2 talk; 3 and 4 have a conversation of their own. */
async function direct(options: ConstructorParameters<typeof LogicHarness>[0] = {}) {
  const harness = new LogicHarness(options as object);
  await harness.users(5);
  const conversationId = await harness.direct(1n, 2n, 9n);
  const foreignId = await harness.direct(3n, 4n, 8n);
  const [alice, bob, carol] = [await harness.online(1n), await harness.online(2n), await harness.online(3n)];
  alice.send(conversationId, 'first');
  bob.send(conversationId, 'second');
  carol.send(foreignId, 'private');
  await harness.settle();
  return { harness, conversationId, foreignId, alice, bob, carol };
}

async function marksOf(harness: LogicHarness, connection: Parameters<typeof history>[1], id: bigint, seq: number) {
  const { messages } = await history(harness, connection, id, { fromSeq: seq, toSeq: seq });
  return messages[0]!.marks as MessageMarks;
}

describe('an edit, a recall and a reaction', () => {
  it('take a conv_seq, count nothing as unread, and reach every device but the one that sent them', async () => {
    const { harness, conversationId, alice, bob } = await direct();
    const laptop = await harness.online(1n, 'laptop', { sessionId: 101n });
    const sent = [
      alice.edit(conversationId, 1, 'better'),
      alice.react(conversationId, 2, '👍'),
      alice.recall(conversationId, 1),
    ];
    await harness.settle();
    expect(sent.map((id) => alice.ack(id))).toMatchObject([
      { status: undefined, convSeq: 3, countNo: 2 },
      { status: undefined, convSeq: 4, countNo: 2 },
      { status: undefined, convSeq: 5, countNo: 2 },
    ]);
    const kinds = [MessageKind.edit, MessageKind.reaction, MessageKind.recall];
    for (const device of [laptop, bob]) {
      const pushed = harness.gate.messages(device.id).slice(-3);
      expect(pushed.map((message) => [message.convSeq, message.kind])).toEqual(kinds.map((kind, i) => [i + 3, kind]));
    }
    expect(harness.gate.messages(alice.id).map((message) => message.convSeq)).toEqual([2]);
  });

  it('change what HISTORY gives: words, marks, whose they are', async () => {
    const { harness, conversationId, alice, bob } = await direct();
    alice.edit(conversationId, 1, 'better');
    bob.react(conversationId, 1, '🎉');
    bob.recall(conversationId, 2);
    await harness.settle();
    const { messages, headSeq } = await history(harness, bob, conversationId, { toSeq: 2 });
    expect(headSeq).toBe(5);
    expect(textBody.decode(messages[0]!.body).text).toBe('better');
    expect(messages[0]!.marks).toMatchObject({ editedSeq: 3, reactionsSeq: 4, recalledSeq: 0 });
    expect(messages[0]!.marks!.reactions).toEqual([{ emoji: '🎉', count: 1, mine: true, userIds: [2n] }]);
    expect(messages[1]!.body).toHaveLength(0);
    expect(messages[1]!.marks).toMatchObject({ recalledSeq: 5, recalledBy: 2n });
    expect((await marksOf(harness, alice, conversationId, 1)).reactions[0]?.mine).toBe(false);
  });

  it('have one effect, however often they are sent', async () => {
    const { harness, conversationId, alice, bob } = await direct();
    const id = clientMsgId(700);
    const sent = [1, 2, 3].map(() => alice.react(conversationId, 2, '👍', false, id));
    await harness.settle();
    expect(sent.map((each) => alice.ack(each).convSeq)).toEqual([3, 3, 3]);
    expect(harness.gate.messages(bob.id).filter((message) => message.kind === MessageKind.reaction)).toHaveLength(1);
  });

  it('are answered OK without an id where they change nothing, and nobody is told', async () => {
    const { harness, conversationId, alice, bob } = await direct();
    alice.react(conversationId, 2, '👍');
    await harness.settle();
    const pushes = harness.gate.messages(bob.id).length;
    const again = alice.react(conversationId, 2, '👍');
    const other = alice.react(conversationId, 2, '🎉', true);
    await harness.settle();
    for (const sent of [again, other]) {
      expect(alice.ack(sent)).toMatchObject({ status: undefined, conversationId, msgId: 0n, convSeq: 0 });
    }
    expect(harness.gate.messages(bob.id)).toHaveLength(pushes);
    expect(await harness.metric('fastim_messages_unchanged_total')).toBe(2);
  });
});

describe('what an event or a reply may refer to', () => {
  type Act = (connection: Awaited<ReturnType<typeof direct>>['alice'], id: bigint, seq: number) => number;
  const edit: Act = (connection, id, seq) => connection.edit(id, seq, 'mine now');
  const recall: Act = (connection, id, seq) => connection.recall(id, seq);
  const react: Act = (connection, id, seq) => connection.react(id, seq, '👍');
  const reply: Act = (connection, id, seq) => connection.post(id, { replySeq: seq });

  it.each<[string, Act, bigint, number, string]>([
    ['editing another’s message', edit, 9n, 2, 'NOT_ALLOWED'],
    ['recalling another’s message', recall, 9n, 2, 'NOT_ALLOWED'],
    ['editing a message that is not there yet', edit, 9n, 50, 'TARGET_INVALID'],
    ['recalling a message that is not there yet', recall, 9n, 50, 'TARGET_INVALID'],
    ['a reaction to a message that is not there yet', react, 9n, 50, 'TARGET_INVALID'],
    ['a reply to a message that is not there yet', reply, 9n, 50, 'TARGET_INVALID'],
    ['a reply to a conv_seq that only another conversation has', reply, 9n, 3, 'TARGET_INVALID'],
    ['editing in a conversation of others', edit, 8n, 1, 'NOT_A_MEMBER'],
    ['recalling in a conversation of others', recall, 8n, 1, 'NOT_A_MEMBER'],
    ['a reaction in a conversation of others', react, 8n, 1, 'NOT_A_MEMBER'],
    ['a reply in a conversation of others', reply, 8n, 1, 'NOT_A_MEMBER'],
    ['a reaction in a conversation that does not exist', react, 12_345n, 1, 'NOT_A_MEMBER'],
    ['editing nothing', edit, 9n, 0, 'MESSAGE_INVALID'],
    ['recalling nothing', recall, 9n, 0, 'MESSAGE_INVALID'],
    ['a reaction to nothing', react, 9n, 0, 'MESSAGE_INVALID'],
  ])('%s is refused, and nothing changes', async (_name, act, id, seq, reason) => {
    const { harness, conversationId, foreignId, alice, bob, carol } = await direct();
    for (const text of ['third', 'fourth']) carol.send(foreignId, text);
    await harness.settle();
    const told = [bob, carol].map((device) => harness.gate.told(device.id).length);
    const sent = act(alice, id, seq);
    await harness.settle();
    expect(alice.refusal(sent)).toBe(reason);
    const { messages, headSeq } = await history(harness, bob, conversationId);
    expect(headSeq).toBe(2);
    expect(messages.map((message) => message.marks)).toEqual([undefined, undefined]);
    // Bob asked for the history; besides that nobody was told anything.
    expect([bob, carol].map((device) => harness.gate.told(device.id).length)).toEqual([told[0]! + 1, told[1]]);
    expect((await history(harness, carol, foreignId)).headSeq).toBe(3);
  });

  it.each<[string, Act]>([
    ['an edit', edit],
    ['a recall', recall],
    ['a reaction', react],
  ])('%s of an event or of what was recalled is TARGET_INVALID', async (_name, act) => {
    const { harness, conversationId, alice } = await direct();
    alice.send(conversationId, 'third');
    await harness.settle();
    alice.edit(conversationId, 3, 'edited');
    alice.recall(conversationId, 1);
    await harness.settle();
    const sent = [act(alice, conversationId, 4), act(alice, conversationId, 1)];
    await harness.settle();
    expect(sent.map((each) => alice.refusal(each))).toEqual(['TARGET_INVALID', 'TARGET_INVALID']);
  });

  it('nothing can be referred to from before one joined, and nothing after one left', async () => {
    const { harness, alice, bob } = await direct();
    const groupId = await harness.group(alice, []);
    alice.send(groupId, 'before');
    await harness.settle();
    await change(harness, alice, groupId, GroupChange.invite, { userIds: [2n] });
    const early = [react(bob, groupId, 2), reply(bob, groupId, 2)];
    const own = bob.send(groupId, 'mine');
    await harness.settle();
    expect(early.map((each) => bob.refusal(each))).toEqual(['TARGET_INVALID', 'TARGET_INVALID']);
    const seq = bob.ack(own).convSeq;
    await change(harness, alice, groupId, GroupChange.remove, { userIds: [2n] });
    const late = [edit, recall, react, reply].map((act) => act(bob, groupId, seq));
    late.push(bob.send(groupId, 'still here'));
    await harness.settle();
    expect(late.map((each) => bob.refusal(each))).toEqual(Array.from({ length: 5 }, () => 'NOT_A_MEMBER'));
    expect((await history(harness, alice, groupId)).headSeq).toBe(seq + 1);
  });
});

describe('windows', () => {
  it.each([
    ['edit', EDIT_WINDOW],
    ['recall', RECALL_WINDOW],
  ] as const)('an %s is possible to the last moment of its window, then TOO_LATE', async (what, windowMs) => {
    const { harness, conversationId, alice } = await direct({ config: { notifyTimeoutMs: 10 * EDIT_WINDOW } });
    const act = (): number =>
      what === 'edit' ? alice.edit(conversationId, 1, 'new words') : alice.recall(conversationId, 1);
    await harness.advance(windowMs);
    if (what === 'edit') {
      const inTime = act();
      await harness.settle();
      expect(alice.refusal(inTime)).toBeUndefined();
    }
    await harness.advance(1);
    const late = act();
    await harness.settle();
    expect(alice.refusal(late)).toBe('TOO_LATE');
  });

  it('a window of 0 is never open, not even at once', async () => {
    const { harness, conversationId, alice } = await direct({ config: { editWindowMs: 0, recallWindowMs: 0 } });
    const sent = [alice.edit(conversationId, 1, 'new'), alice.recall(conversationId, 1)];
    await harness.settle();
    expect(sent.map((each) => alice.refusal(each))).toEqual(['TOO_LATE', 'TOO_LATE']);
  });

  it('admins of a group recall anybody’s message at any time', async () => {
    const { harness, alice, bob, carol } = await direct({ config: { notifyTimeoutMs: 10 * EDIT_WINDOW } });
    const groupId = await harness.group(alice, [2n, 3n]);
    await change(harness, alice, groupId, GroupChange.role, { userIds: [2n], number: GroupRole.admin });
    const old = carol.send(groupId, 'old');
    await harness.settle();
    await harness.advance(10 * RECALL_WINDOW);
    const { convSeq } = carol.ack(old);
    const own = carol.recall(groupId, convSeq);
    const byAdmin = bob.recall(groupId, convSeq);
    await harness.settle();
    expect([carol.refusal(own), bob.refusal(byAdmin)]).toEqual(['TOO_LATE', undefined]);
    expect(await marksOf(harness, carol, groupId, convSeq)).toMatchObject({ recalledBy: 2n });
  });
});

describe('rights in a group', () => {
  it('who is muted may neither write nor edit nor react, but take back', async () => {
    const { harness, alice, bob } = await direct();
    const groupId = await harness.group(alice, [2n]);
    bob.send(groupId, 'mine');
    await harness.settle();
    await change(harness, alice, groupId, GroupChange.muteAll, { number: 1 });
    const sent = [
      bob.send(groupId, 'more'),
      bob.edit(groupId, 2, 'other'),
      bob.react(groupId, 2, '👍'),
      bob.recall(groupId, 2),
    ];
    await harness.settle();
    expect(sent.map((each) => bob.refusal(each))).toEqual(['MUTED', 'MUTED', 'MUTED', undefined]);
  });

  it('@all is for owner and admins', async () => {
    const { harness, alice, bob } = await direct();
    const groupId = await harness.group(alice, [2n]);
    const [byMember, byOwner] = [
      bob.post(groupId, { text: '@all', mentionAll: true }),
      alice.post(groupId, { text: '@all', mentionAll: true }),
    ];
    await harness.settle();
    expect(bob.refusal(byMember)).toBe('NOT_ALLOWED');
    const { convSeq } = alice.ack(byOwner);
    expect((await harness.storage.states(2n, [groupId]))[0]?.mentionSeq).toBe(convSeq);
  });

  it('a notice is never taken from a client', async () => {
    const { harness, conversationId, alice } = await direct();
    const notice: NoticeBody = { action: 5, userIds: [2n], text: '', number: 0 };
    const sent = alice.sendBody(conversationId, MessageKind.notice, noticeBody.encode(notice));
    await harness.settle();
    expect(alice.refusal(sent)).toBe('MESSAGE_INVALID');
    expect(harness.storage.batches.flat().every((append) => append.kind === MessageKind.text)).toBe(true);
  });
});

describe('order and repeats', () => {
  it('an event that is to come again holds its lane as a text does', async () => {
    const { harness, conversationId, alice, bob } = await direct();
    harness.storage.failWith(new StorageError('full', 'no space'));
    const id = clientMsgId(800);
    const refused = alice.edit(conversationId, 1, 'better', {}, id);
    await harness.settle();
    harness.storage.failWith(undefined);
    const behind = alice.send(conversationId, 'behind');
    await harness.settle();
    expect([refused, behind].map((each) => alice.refusal(each))).toEqual(['STORAGE_FULL', 'STORAGE_FULL']);
    const again = [alice.edit(conversationId, 1, 'better', {}, id), alice.send(conversationId, 'behind')];
    await harness.settle();
    expect(again.map((each) => alice.ack(each).convSeq)).toEqual([3, 4]);
    expect(harness.gate.messages(bob.id).map((message) => message.convSeq)).toEqual([1, 3, 4]);
  });

  it('one that changed nothing frees its lane', async () => {
    const { harness, conversationId, alice } = await direct();
    alice.react(conversationId, 2, '👍');
    await harness.settle();
    harness.storage.failWith(new StorageError('full', 'no space'));
    const id = clientMsgId(801);
    alice.react(conversationId, 2, '👍', false, id);
    await harness.settle();
    harness.storage.failWith(undefined);
    const sent = [alice.react(conversationId, 2, '👍', false, id), alice.send(conversationId, 'goes on')];
    await harness.settle();
    expect(sent.map((each) => alice.ack(each))).toMatchObject([
      { status: undefined, msgId: 0n },
      { status: undefined, convSeq: 4 },
    ]);
  });

  it('a late copy of one that changed nothing has no effect, whatever came between', async () => {
    const { harness, conversationId, alice } = await direct();
    alice.react(conversationId, 2, '👍');
    await harness.settle();
    const id = clientMsgId(803);
    const first = alice.react(conversationId, 2, '👍', false, id);
    await harness.settle();
    const removed = alice.react(conversationId, 2, '👍', true);
    const copy = alice.react(conversationId, 2, '👍', false, id);
    await harness.settle();
    expect([first, removed, copy].map((each) => alice.ack(each).convSeq)).toEqual([0, 4, 0]);
    expect((await marksOf(harness, alice, conversationId, 2)).reactions).toEqual([]);
  });

  it('copies in one batch have one effect between them, good or bad', async () => {
    const { harness, conversationId, alice } = await direct();
    alice.react(conversationId, 2, '👍');
    await harness.settle();
    const [add, remove] = [clientMsgId(804), clientMsgId(805)];
    const all = (): number[] => [
      alice.react(conversationId, 2, '👍', false, add),
      alice.react(conversationId, 2, '👍', true, remove),
      alice.react(conversationId, 2, '👍', false, add),
      alice.react(conversationId, 2, '👍', true, remove),
    ];
    harness.storage.failWith(new StorageError('full', 'no space'));
    const failed = all();
    await harness.settle();
    harness.storage.failWith(undefined);
    const sent = all();
    await harness.settle();
    expect(failed.map((each) => alice.refusal(each))).toEqual(Array.from({ length: 4 }, () => 'STORAGE_FULL'));
    expect(sent.map((each) => alice.ack(each).convSeq)).toEqual([0, 4, 0, 4]);
    expect((await marksOf(harness, alice, conversationId, 2)).reactions).toEqual([]);
  });

  it('a late copy of one that changed nothing holds nobody up', async () => {
    const { harness, conversationId, alice } = await direct({
      config: { sendBurstPerUser: 4, sendPerSecondPerUser: 1 },
    });
    const id = clientMsgId(802);
    alice.react(conversationId, 2, '🎉', true, id);
    alice.send(conversationId, 'one');
    await harness.settle();
    alice.send(conversationId, 'two');
    const late = alice.react(conversationId, 2, '🎉', true, id);
    await harness.settle();
    expect(alice.refusal(late)).toBe('RATE_LIMITED');
    await harness.advance(5_000);
    const next = alice.send(conversationId, 'three');
    await harness.settle();
    expect(alice.ack(next)).toMatchObject({ status: undefined, convSeq: 5 });
    expect(harness.gate.frames(alice.id, Command.send).length).toBeGreaterThan(4);
  });
});
