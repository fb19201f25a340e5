import { BusinessLine } from '@fastim/core';
import {
  Command,
  changeGroupRequest,
  changeGroupResponse,
  createGroupRequest,
  createGroupResponse,
  errorCatalogue,
  errorName,
  GroupChange,
  GroupRole,
  joinRequest,
  MAX_USERS_A_CHANGE,
  MessageKind,
  NoticeAction,
  noticeBody,
} from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { StorageError } from '../../storage/storage.ts';
import { ask, change, changeData, history, join, linkTo, refusalOf } from '../testing/group-client.ts';
import { clientMsgId, LogicHarness } from '../testing/logic-harness.ts';

/** Users 1 to 3 are in the group of user 1; 4 is not. All are connected. */
async function withGroup(config: ConstructorParameters<typeof LogicHarness>[0] = {}) {
  const harness = new LogicHarness(config as object);
  await harness.users(300);
  const owner = await harness.online(1n);
  const [bob, carol, stranger] = [await harness.online(2n), await harness.online(3n), await harness.online(4n)];
  const groupId = await harness.group(owner, [2n, 3n]);
  return { harness, groupId, owner, bob, carol, stranger };
}

/** Everything that anybody can see of the group. */
async function everything(harness: LogicHarness, groupId: bigint) {
  const views = await Promise.all(
    [1n, 2n, 3n, 4n].map(async (userId) => ({
      states: await harness.storage.states(userId, [groupId]),
      mark: await harness.storage.mark(userId),
    })),
  );
  const members = await harness.storage.groups.members({
    conversationId: groupId,
    queryKey: '',
    after: '',
    limit: 100,
  });
  return { views, members };
}

describe('CREATE_GROUP', () => {
  const request = { clientMsgId: clientMsgId(900), name: '  Tea & cake ', avatarColor: 3, userIds: [2n, 3n, 2n, 1n] };

  it('makes a group of its creator and those named, and answers how it looks', async () => {
    const harness = new LogicHarness();
    await harness.users(3);
    const owner = await harness.online(1n);
    const data = createGroupRequest.encode(request);
    const { conversation } = await ask(harness, owner, Command.createGroup, data, createGroupResponse);
    expect(conversation).toMatchObject({
      kind: 2,
      headSeq: 1,
      joinSeq: 1,
      role: GroupRole.owner,
      group: { name: 'Tea & cake', avatarColor: 3, ownerId: 1n, memberCount: 3 },
    });
    expect(Number((conversation!.conversationId >> 7n) & 7n)).toBe(BusinessLine.group);
  });

  it('gives a repeat the same group, and tells nobody again', async () => {
    const harness = new LogicHarness();
    await harness.users(3);
    const owner = await harness.online(1n);
    const data = createGroupRequest.encode(request);
    const first = await ask(harness, owner, Command.createGroup, data, createGroupResponse);
    const packets = harness.gate.groupPackets.length;
    const again = await ask(harness, owner, Command.createGroup, data, createGroupResponse);
    expect(again.conversation?.conversationId).toBe(first.conversation?.conversationId);
    expect(harness.gate.groupPackets).toHaveLength(packets);
    expect(await harness.metric('fastim_group_changes_total')).toBe(1);
  });

  it('reaches those who are in it: they follow the group before its packet, and get its head', async () => {
    const harness = new LogicHarness();
    await harness.users(3);
    const owner = await harness.online(1n);
    const [phone, laptop] = [await harness.online(2n), await harness.online(2n, 'laptop', { sessionId: 201n })];
    const groupId = await harness.group(owner, [2n, 3n]);
    expect(harness.gate.followers(groupId).sort()).toEqual([owner.id, phone.id, laptop.id]);
    for (const device of [phone, laptop]) {
      expect(harness.gate.heads(device.id)).toContainEqual({ conversationId: groupId, headSeq: 1 });
    }
  });

  it('may be a group of one', async () => {
    const harness = new LogicHarness();
    await harness.users(1);
    const owner = await harness.online(1n);
    const groupId = await harness.group(owner, []);
    const [state] = await harness.storage.states(1n, [groupId]);
    expect(state?.group?.memberCount).toBe(1);
  });

  it.each<[string, Partial<typeof request>, string]>([
    ['an empty name', { name: '' }, 'GROUP_INVALID'],
    ['a name of spaces', { name: ' \u3000\u200b ' }, 'GROUP_INVALID'],
    ['a name of 10 kB', { name: 'x'.repeat(10_240) }, 'GROUP_INVALID'],
    ['a name of one unit too many', { name: 'x'.repeat(65) }, 'GROUP_INVALID'],
    ['a name of two lines', { name: 'a\nb' }, 'GROUP_INVALID'],
    ['a name with a NUL', { name: 'a\0b' }, 'GROUP_INVALID'],
    ['a name that turns the text round', { name: 'a\u202eb' }, 'GROUP_INVALID'],
    ['a colour that is none', { avatarColor: 12 }, 'GROUP_INVALID'],
    ['a user who does not exist', { userIds: [2n, 77_777n] }, 'NOT_FOUND'],
    [
      'too many users',
      { userIds: Array.from({ length: MAX_USERS_A_CHANGE + 2 }, (_, i) => BigInt(i + 1)) },
      'TOO_MANY',
    ],
    ['10,000 users', { userIds: Array.from({ length: 10_000 }, (_, i) => BigInt(i + 1)) }, 'BAD_REQUEST'],
    ['a short id', { clientMsgId: new Uint8Array(15) }, 'BAD_REQUEST'],
  ])('refuses %s, and nothing is stored', async (_name, wrong, reason) => {
    const harness = new LogicHarness();
    await harness.users(3);
    const owner = await harness.online(1n);
    const data = createGroupRequest.encode({ ...request, ...wrong });
    expect(await refusalOf(harness, owner, Command.createGroup, data)).toBe(reason);
    expect((await harness.storage.mark(1n)).conversationCount).toBe(0);
    expect(harness.gate.groupPackets).toEqual([]);
  });

  it('refuses more members than a group may have', async () => {
    const harness = new LogicHarness({ config: { groupMembers: 2 } });
    await harness.users(3);
    const owner = await harness.online(1n);
    const data = createGroupRequest.encode(request);
    expect(await refusalOf(harness, owner, Command.createGroup, data)).toBe('GROUP_FULL');
  });
});

describe('CHANGE_GROUP', () => {
  it('is a notice with a conv_seq, which reaches everybody, the one who asked too', async () => {
    const { harness, groupId, owner, bob } = await withGroup();
    const answer = await change(harness, owner, groupId, GroupChange.rename, { text: 'New name' });
    expect(answer).toMatchObject({ status: undefined, convSeq: 2, userIds: [] });
    const { messages } = await history(harness, bob, groupId, { fromSeq: 2 });
    expect(messages).toMatchObject([{ convSeq: 2, senderId: 1n, kind: MessageKind.notice, countNo: 0 }]);
    expect(noticeBody.decode(messages[0]!.body)).toMatchObject({ action: NoticeAction.renamed, text: 'New name' });
    for (const device of [owner, bob]) {
      expect(harness.gate.heads(device.id)).toContainEqual({ conversationId: groupId, headSeq: 2 });
    }
  });

  it('has one effect, however often it is asked for', async () => {
    const { harness, groupId, owner } = await withGroup();
    const data = changeData(harness, groupId, GroupChange.invite, { userIds: [4n] });
    const first = await ask(harness, owner, Command.changeGroup, data, changeGroupResponse);
    const packets = harness.gate.groupPackets.length;
    const again = await ask(harness, owner, Command.changeGroup, data, changeGroupResponse);
    expect(again).toEqual(first);
    expect(first).toMatchObject({ convSeq: 2, userIds: [4n] });
    expect(harness.gate.groupPackets).toHaveLength(packets);
  });

  it('answers conv_seq 0 when there was nothing to do', async () => {
    const { harness, groupId, owner } = await withGroup();
    const answer = await change(harness, owner, groupId, GroupChange.rename, { text: 'The group' });
    expect(answer).toEqual({ status: undefined, convSeq: 0, userIds: [] });
  });

  it('lets who is invited follow before the packet, and tells the device', async () => {
    const { harness, groupId, owner, stranger } = await withGroup();
    await change(harness, owner, groupId, GroupChange.invite, { userIds: [4n] });
    expect(harness.gate.followed).toContainEqual({
      connectionId: stranger.id,
      conversationId: groupId,
      asOfSeq: 2,
    });
    expect(harness.gate.heads(stranger.id)).toContainEqual({ conversationId: groupId, headSeq: 2 });
    owner.send(groupId, 'welcome');
    await harness.settle();
    expect(harness.gate.heads(stranger.id)).toContainEqual({ conversationId: groupId, headSeq: 3 });
  });

  it('names who is removed to the gates, tells the device once, and then nothing more', async () => {
    const { harness, groupId, owner, bob } = await withGroup();
    const before = harness.gate.heads(bob.id).length;
    await change(harness, owner, groupId, GroupChange.remove, { userIds: [2n] });
    expect(harness.gate.groupPackets.at(-1)).toMatchObject({ convSeq: 2, removalsSeq: 2, removed: [2n] });
    owner.send(groupId, 'gone');
    await harness.settle();
    expect(harness.gate.heads(bob.id).slice(before)).toEqual([{ conversationId: groupId, headSeq: 2 }]);
    const { messages, headSeq } = await history(harness, bob, groupId);
    expect(messages.map((message) => message.convSeq)).toEqual([1, 2]);
    expect(headSeq).toBe(2);
  });

  it('leaves out who cannot be removed, and says who was', async () => {
    const { harness, groupId, owner, bob } = await withGroup();
    await change(harness, owner, groupId, GroupChange.role, { userIds: [2n], number: GroupRole.admin });
    const answer = await change(harness, bob, groupId, GroupChange.remove, { userIds: [1n, 3n, 4n] });
    expect(answer).toMatchObject({ status: undefined, userIds: [3n] });
  });

  it.each<[string, number, Parameters<typeof changeData>[3], string]>([
    ['an empty name', GroupChange.rename, { text: ' ' }, 'GROUP_INVALID'],
    ['a name of 10 kB', GroupChange.rename, { text: 'x'.repeat(10_240) }, 'GROUP_INVALID'],
    ['a colour that is none', GroupChange.color, { number: 4_000_000_000 }, 'GROUP_INVALID'],
    ['an announcement that is too long', GroupChange.announce, { text: 'x'.repeat(2_001) }, 'GROUP_INVALID'],
    ['an announcement with a NUL', GroupChange.announce, { text: 'a\0' }, 'GROUP_INVALID'],
    ['an invitation of nobody', GroupChange.invite, {}, 'GROUP_INVALID'],
    ['an invitation of nobody who exists', GroupChange.invite, { userIds: [0n] }, 'NOT_FOUND'],
    ['an invitation of members', GroupChange.invite, { userIds: [2n, 3n] }, 'ALREADY_MEMBER'],
    [
      'an invitation of 201 users',
      GroupChange.invite,
      { userIds: Array.from({ length: 201 }, (_, index) => BigInt(index + 5)) },
      'TOO_MANY',
    ],
    [
      'an invitation of 10,000 users',
      GroupChange.invite,
      { userIds: Array.from({ length: 10_000 }, (_, index) => BigInt(index + 5)) },
      'BAD_REQUEST',
    ],
    ['a role that cannot be given', GroupChange.role, { userIds: [2n], number: GroupRole.owner }, 'GROUP_INVALID'],
    ['two owners', GroupChange.transfer, { userIds: [2n, 3n] }, 'GROUP_INVALID'],
    ['an owner who is not a member', GroupChange.transfer, { userIds: [4n] }, 'NOT_A_MEMBER'],
    ['the owner leaving', GroupChange.leave, {}, 'OWNER_CANNOT_LEAVE'],
    ['half a switch', GroupChange.muteAll, { number: 2 }, 'GROUP_INVALID'],
    ['a change that is none', 77, {}, 'GROUP_INVALID'],
    ['a change without a number', 0, {}, 'GROUP_INVALID'],
    ['a short id', GroupChange.rename, { text: 'x', clientMsgId: new Uint8Array(3) }, 'BAD_REQUEST'],
  ])('refuses %s, and nothing changes', async (_name, what, more, reason) => {
    const { harness, groupId, owner } = await withGroup();
    const before = await everything(harness, groupId);
    const packets = harness.gate.groupPackets.length;
    const data = changeData(harness, groupId, what, more);
    expect(await refusalOf(harness, owner, Command.changeGroup, data)).toBe(reason);
    expect(await everything(harness, groupId)).toEqual(before);
    expect(harness.gate.groupPackets).toHaveLength(packets);
  });

  const asked: [string, number, Parameters<typeof changeData>[3]][] = [
    ['rename', GroupChange.rename, { text: 'Mine' }],
    ['colour', GroupChange.color, { number: 5 }],
    ['announce', GroupChange.announce, { text: 'Hear' }],
    ['remove somebody from', GroupChange.remove, { userIds: [3n] }],
    ['give a role in', GroupChange.role, { userIds: [3n], number: GroupRole.admin }],
    ['give away', GroupChange.transfer, { userIds: [3n] }],
    ['mute somebody in', GroupChange.mute, { userIds: [3n], number: 5_000_000_000_000 }],
    ['mute all in', GroupChange.muteAll, { number: 1 }],
    ['switch approval in', GroupChange.approval, { number: 1 }],
    ['decide on joins to', GroupChange.decide, { userIds: [4n], number: 1 }],
  ];

  it.each(asked)('does not let a plain member %s the group', async (_name, what, more) => {
    const { harness, groupId, bob } = await withGroup();
    const before = await everything(harness, groupId);
    const data = changeData(harness, groupId, what, more);
    expect(await refusalOf(harness, bob, Command.changeGroup, data)).toBe('NOT_ALLOWED');
    expect(await everything(harness, groupId)).toEqual(before);
  });

  const ofMembers: typeof asked = [
    ...asked,
    ['invite to', GroupChange.invite, { userIds: [5n] }],
    ['leave', GroupChange.leave, {}],
  ];

  it.each(ofMembers)(
    'looks to a stranger who wants to %s it like a group that does not exist',
    async (_name, what, more) => {
      const { harness, groupId, stranger } = await withGroup();
      const before = await everything(harness, groupId);
      const answers = [];
      for (const id of [groupId, 123_456n]) {
        const data = changeData(harness, id, what, more);
        answers.push(await ask(harness, stranger, Command.changeGroup, data, changeGroupResponse));
      }
      expect(answers[0]).toEqual(answers[1]);
      expect(errorName(answers[0]!.status!.code)).toBe('NOT_A_MEMBER');
      expect(await everything(harness, groupId)).toEqual(before);
    },
  );

  it.each(ofMembers)('does not let somebody who was removed %s the group', async (_name, what, more) => {
    const { harness, groupId, owner, bob } = await withGroup();
    await change(harness, owner, groupId, GroupChange.role, { userIds: [2n], number: GroupRole.admin });
    await change(harness, owner, groupId, GroupChange.remove, { userIds: [2n] });
    const before = await everything(harness, groupId);
    const data = changeData(harness, groupId, what, more);
    expect(await refusalOf(harness, bob, Command.changeGroup, data)).toBe('NOT_A_MEMBER');
    expect(await everything(harness, groupId)).toEqual(before);
  });

  it('holds a user to a number of changes in an hour', async () => {
    const { harness, groupId, owner, bob } = await withGroup({ config: { groupChangesPerHour: 3 } });
    for (const text of ['a', 'b']) {
      const data = changeData(harness, groupId, GroupChange.rename, { text });
      expect(await refusalOf(harness, owner, Command.changeGroup, data)).toBeUndefined();
    }
    const { status } = await change(harness, owner, groupId, GroupChange.rename, { text: 'c' });
    expect(status).toMatchObject({ code: errorCatalogue.RATE_LIMITED.code, retryAfterMs: 20 * 60_000 });
    const leave = changeData(harness, groupId, GroupChange.leave);
    expect(await refusalOf(harness, bob, Command.changeGroup, leave)).toBeUndefined();
  });

  it('answers a storage that fails with "try again later", and a repeat then has its effect once', async () => {
    const { harness, groupId, owner } = await withGroup();
    const { groups } = harness.storage;
    const real = groups.change.bind(groups);
    groups.change = () => Promise.reject(new StorageError('full', 'no space'));
    const data = changeData(harness, groupId, GroupChange.rename, { text: 'Later' });
    const { status } = await ask(harness, owner, Command.changeGroup, data, changeGroupResponse);
    expect(status).toMatchObject({ code: errorCatalogue.STORAGE_FULL.code, retryAfterMs: expect.any(Number) });
    groups.change = real;
    const answer = await ask(harness, owner, Command.changeGroup, data, changeGroupResponse);
    expect(answer).toMatchObject({ status: undefined, convSeq: 2 });
  });

  it('is answered before the end of a stop, and refused after it', async () => {
    const { harness, groupId, owner } = await withGroup();
    const { groups } = harness.storage;
    const real = groups.change.bind(groups);
    const { promise, resolve } = Promise.withResolvers<void>();
    groups.change = (request) => promise.then(() => real(request));
    const data = changeData(harness, groupId, GroupChange.rename, { text: 'In time' });
    const under = owner.request(Command.changeGroup, data);
    await harness.settle();
    let stopped = false;
    const stop = harness.logic.stop().then(() => {
      stopped = true;
    });
    const late = owner.request(Command.changeGroup, changeData(harness, groupId, GroupChange.rename, { text: 'Late' }));
    await harness.settle();
    expect(stopped).toBe(false);
    expect(owner.refusal(late)).toBe('UNAVAILABLE');
    expect(await harness.metric('fastim_logic_internal_errors_total')).toBe(0);
    resolve();
    await stop;
    await harness.settle();
    expect(owner.read(under, changeGroupResponse)).toMatchObject({ status: undefined, convSeq: 2 });
  });
});

describe('JOIN', () => {
  it('brings who has the link into the group', async () => {
    const { harness, groupId, owner, stranger } = await withGroup();
    const token = await linkTo(harness, owner, groupId);
    expect(token).toMatch(/^[\w-]{22}$/);
    const { conversation } = await join(harness, stranger, token);
    expect(conversation).toMatchObject({ conversationId: groupId, joinSeq: 2, headSeq: 2, role: GroupRole.member });
    expect(harness.gate.followers(groupId)).toContain(stranger.id);
    const { messages } = await history(harness, stranger, groupId);
    expect(messages.map((message) => message.convSeq)).toEqual([2]);
  });

  it('makes no two links alike', async () => {
    const { harness, groupId, owner } = await withGroup();
    const tokens = new Set<string>();
    for (let made = 0; made < 10; made += 1) tokens.add(await linkTo(harness, owner, groupId));
    expect(tokens.size).toBe(10);
  });

  it('refuses to join twice', async () => {
    const { harness, groupId, owner, stranger } = await withGroup();
    const token = await linkTo(harness, owner, groupId);
    await join(harness, stranger, token);
    const before = await everything(harness, groupId);
    const again = joinRequest.encode({ clientMsgId: harness.nextClientMsgId(), token });
    expect(await refusalOf(harness, stranger, Command.join, again)).toBe('ALREADY_MEMBER');
    expect(await everything(harness, groupId)).toEqual(before);
  });

  it('gives a repeat of the same request the conversation again', async () => {
    const { harness, groupId, owner, stranger } = await withGroup();
    const token = await linkTo(harness, owner, groupId);
    const data = joinRequest.encode({ clientMsgId: clientMsgId(5_000), token });
    expect(await refusalOf(harness, stranger, Command.join, data)).toBeUndefined();
    expect(await refusalOf(harness, stranger, Command.join, data)).toBeUndefined();
    expect((await harness.storage.states(4n, [groupId]))[0]).toMatchObject({ headSeq: 2, leaveSeq: 0 });
  });

  it.each([
    ['of no group', 'A'.repeat(22)],
    ['that is empty', ''],
    ['of another form', "' OR 1=1 --"],
    ['that is absurdly long', 'x'.repeat(3_000)],
  ])('answers LINK_INVALID to a token %s', async (_name, token) => {
    const { harness, stranger } = await withGroup();
    const data = joinRequest.encode({ clientMsgId: harness.nextClientMsgId(), token });
    expect(await refusalOf(harness, stranger, Command.join, data)).toBe('LINK_INVALID');
  });

  it('waits where joining needs approval: the admins’ devices are told to look, and decide', async () => {
    const { harness, groupId, owner, stranger } = await withGroup();
    await change(harness, owner, groupId, GroupChange.approval, { number: 1 });
    const token = await linkTo(harness, owner, groupId);
    expect(await join(harness, stranger, token)).toEqual({ status: undefined, conversation: undefined });
    expect(harness.gate.heads(owner.id)).toContainEqual({ conversationId: groupId, headSeq: 0 });
    expect(harness.gate.followers(groupId)).not.toContain(stranger.id);
    const answer = await change(harness, owner, groupId, GroupChange.decide, { userIds: [4n], number: 1 });
    expect(answer.userIds).toEqual([4n]);
    expect(harness.gate.followers(groupId)).toContain(stranger.id);
  });

  it('tells the other admins to look again when one of them turned a request down', async () => {
    const { harness, groupId, owner, bob, carol, stranger } = await withGroup();
    await change(harness, owner, groupId, GroupChange.role, { userIds: [2n], number: GroupRole.admin });
    await change(harness, owner, groupId, GroupChange.approval, { number: 1 });
    await join(harness, stranger, await linkTo(harness, owner, groupId));
    const looks = (connection: typeof bob) =>
      harness.gate.heads(connection.id).filter(({ headSeq }) => headSeq === 0).length;
    expect([looks(owner), looks(bob), looks(carol)]).toEqual([1, 1, 0]);
    await change(harness, owner, groupId, GroupChange.decide, { userIds: [4n], number: 0 });
    expect([looks(owner), looks(bob), looks(carol)]).toEqual([2, 2, 0]);
    await change(harness, owner, groupId, GroupChange.decide, { userIds: [4n], number: 0 });
    expect([looks(owner), looks(bob), looks(carol)]).toEqual([2, 2, 0]);
  });

  it('refuses more members than a group may have', async () => {
    const { harness, groupId, owner, stranger } = await withGroup({ config: { groupMembers: 3 } });
    const token = await linkTo(harness, owner, groupId);
    const data = joinRequest.encode({ clientMsgId: harness.nextClientMsgId(), token });
    expect(await refusalOf(harness, stranger, Command.join, data)).toBe('GROUP_FULL');
    const invite = changeData(harness, groupId, GroupChange.invite, { userIds: [4n] });
    expect(await refusalOf(harness, owner, Command.changeGroup, invite)).toBe('GROUP_FULL');
  });
});

it('a group request that is not one of the protocol changes nothing', async () => {
  const { harness, groupId, owner } = await withGroup();
  const good = changeGroupRequest.encode({
    clientMsgId: clientMsgId(1),
    conversationId: groupId,
    change: GroupChange.rename,
    userIds: [],
    text: 'cut',
    number: 0,
  });
  const before = await everything(harness, groupId);
  for (let length = 0; length < good.length; length += 1) {
    const sequenceId = owner.request(Command.changeGroup, good.slice(0, length));
    await harness.settle();
    expect(owner.refusal(sequenceId)).toMatch(/BAD_REQUEST|GROUP_INVALID|NOT_A_MEMBER/);
  }
  expect(await everything(harness, groupId)).toEqual(before);
});
