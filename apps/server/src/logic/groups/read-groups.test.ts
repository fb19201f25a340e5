import {
  Command,
  GroupChange,
  GroupRole,
  joinsRequest,
  joinsResponse,
  linksRequest,
  linksResponse,
  lookAtLinkRequest,
  lookAtLinkResponse,
  makeLinkRequest,
  membersRequest,
  membersResponse,
  profilesRequest,
  profilesResponse,
  readCountsRequest,
  readCountsResponse,
  readersRequest,
  readersResponse,
  revokeLinkRequest,
  seekRequest,
  seekResponse,
} from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { ask, change, history, join, linkTo, refusalOf } from '../testing/group-client.ts';
import { LogicHarness } from '../testing/logic-harness.ts';

/** Users 1 to 5 are in the group of user 1, 6 is not; 1, 2, 3 and 6 are connected. */
async function withGroup(options: ConstructorParameters<typeof LogicHarness>[0] = {}) {
  const harness = new LogicHarness(options as object);
  await harness.users(6);
  const owner = await harness.online(1n);
  const [bob, carol, stranger] = [await harness.online(2n), await harness.online(3n), await harness.online(6n)];
  const groupId = await harness.group(owner, [2n, 3n, 4n, 5n]);
  return { harness, groupId, owner, bob, carol, stranger };
}

const members = (conversationId: bigint, more = {}): Uint8Array =>
  membersRequest.encode({ conversationId, query: '', after: '', limit: 0, ...more });
const readers = (conversationId: bigint, convSeq: number, more = {}): Uint8Array =>
  readersRequest.encode({ conversationId, convSeq, unread: false, after: '', limit: 0, ...more });

describe('MEMBERS', () => {
  it('gives pages, owner first, each member once', async () => {
    const { harness, groupId, carol } = await withGroup();
    const got: bigint[] = [];
    let after = '';
    do {
      const data = members(groupId, { after, limit: 2 });
      const page = await ask(harness, carol, Command.members, data, membersResponse);
      expect(page.members.length).toBeLessThanOrEqual(2);
      got.push(...page.members.map((member) => member.profile.userId));
      after = page.next;
    } while (after !== '');
    expect(got).toEqual([1n, 2n, 3n, 4n, 5n]);
  });

  it('is searched on the server, whatever the case and width', async () => {
    const { harness, groupId, carol } = await withGroup();
    const data = members(groupId, { query: ' ＵＳＥＲ4 ' });
    const page = await ask(harness, carol, Command.members, data, membersResponse);
    expect(page.members.map((member) => member.profile.userId)).toEqual([4n]);
  });

  it.each([
    ['a page of 10^9', { limit: 1_000_000_000 }, 'BAD_REQUEST'],
    ['a search as long as a book', { query: 'x'.repeat(10_000) }, 'BAD_REQUEST'],
    ['a place that nobody gave out', { after: 'x'.repeat(10_000) }, 'BAD_REQUEST'],
  ])('refuses %s', async (_name, more, reason) => {
    const { harness, groupId, owner } = await withGroup();
    expect(await refusalOf(harness, owner, Command.members, members(groupId, more))).toBe(reason);
  });
});

describe('READ_COUNTS and READERS', () => {
  it('say how many have read, and who', async () => {
    const { harness, groupId, owner, bob } = await withGroup();
    owner.send(groupId, 'hello');
    await harness.settle();
    bob.cursor(groupId, 2, 2);
    await harness.advance(100);
    const data = readCountsRequest.encode({ conversationId: groupId, convSeqs: [2] });
    const { counts } = await ask(harness, owner, Command.readCounts, data, readCountsResponse);
    expect(counts).toEqual([{ convSeq: 2, read: 1, of: 4 }]);
    const read = await ask(harness, owner, Command.readers, readers(groupId, 2), readersResponse);
    const unread = await ask(harness, owner, Command.readers, readers(groupId, 2, { unread: true }), readersResponse);
    expect(read.users.map((user) => user.userId)).toEqual([2n]);
    expect(unread.users.map((user) => user.userId)).toEqual([3n, 4n, 5n]);
  });

  it.each([
    ['of more messages than fit a screen', Array.from({ length: 51 }, (_, index) => index + 1), 'TOO_MANY'],
    ['of a message that is not there yet', [2], 'CURSOR_INVALID'],
    ['of message 0', [0], 'CURSOR_INVALID'],
  ])('refuse counts %s', async (_name, convSeqs, reason) => {
    const { harness, groupId, owner } = await withGroup();
    const data = readCountsRequest.encode({ conversationId: groupId, convSeqs });
    expect(await refusalOf(harness, owner, Command.readCounts, data)).toBe(reason);
  });

  it('say nothing of messages from before one joined', async () => {
    const { harness, groupId, owner, stranger } = await withGroup();
    await change(harness, owner, groupId, GroupChange.invite, { userIds: [6n] });
    expect(await refusalOf(harness, stranger, Command.readers, readers(groupId, 1))).toBe('CURSOR_INVALID');
    expect(await refusalOf(harness, stranger, Command.readers, readers(groupId, 2))).toBeUndefined();
  });
});

describe('what goes through all members of a group', () => {
  it.each([
    [
      'READ_COUNTS',
      Command.readCounts,
      (id: bigint) => readCountsRequest.encode({ conversationId: id, convSeqs: [1] }),
    ],
    ['READERS', Command.readers, (id: bigint) => readers(id, 1)],
    ['MEMBERS by name', Command.members, (id: bigint) => members(id, { query: 'user' })],
  ])('%s: counts for as many pulls as it costs', async (_name, cmd, of) => {
    const { harness, groupId, owner, bob } = await withGroup();
    const real = harness.storage.membership.bind(harness.storage);
    harness.storage.membership = async (conversationId, userId) => {
      const membership = await real(conversationId, userId);
      return membership && { ...membership, memberCount: 400_000 };
    };
    expect(await refusalOf(harness, owner, cmd, of(groupId))).toBeUndefined();
    expect(await refusalOf(harness, owner, cmd, of(groupId))).toBe('RATE_LIMITED');
    expect(await refusalOf(harness, bob, cmd, of(groupId))).toBeUndefined();
    // A page of the list is the same work in any group, and may go on.
    expect(await refusalOf(harness, owner, Command.members, members(groupId))).toBeUndefined();
  });
});

describe('what only members may ask', () => {
  const asked: [string, number, (id: bigint) => Uint8Array][] = [
    ['MEMBERS', Command.members, (id) => members(id)],
    ['READ_COUNTS', Command.readCounts, (id) => readCountsRequest.encode({ conversationId: id, convSeqs: [1] })],
    ['READERS', Command.readers, (id) => readers(id, 1)],
    ['LINKS', Command.links, (id) => linksRequest.encode({ conversationId: id })],
    ['JOINS', Command.joins, (id) => joinsRequest.encode({ conversationId: id })],
    [
      'MAKE_LINK',
      Command.makeLink,
      (id) => makeLinkRequest.encode({ clientMsgId: new Uint8Array(16), conversationId: id, expiresMs: 0, maxUses: 0 }),
    ],
    [
      'REVOKE_LINK',
      Command.revokeLink,
      (id) => revokeLinkRequest.encode({ conversationId: id, token: 'A'.repeat(22) }),
    ],
  ];

  it.each(asked)(
    '%s: a stranger and one who left learn no more than of what does not exist',
    async (_name, cmd, of) => {
      const { harness, groupId, bob, stranger } = await withGroup();
      await change(harness, bob, groupId, GroupChange.leave);
      for (const connection of [bob, stranger]) {
        const answers = [groupId, 123_456n].map((id) => connection.request(cmd, of(id)));
        await harness.settle();
        expect(answers.map((each) => connection.refusal(each))).toEqual(['NOT_A_MEMBER', 'NOT_A_MEMBER']);
      }
    },
  );

  it.each(asked.slice(0, 3))('%s: a conversation of two is no group', async (_name, cmd, of) => {
    const { harness, owner } = await withGroup();
    const directId = await harness.direct(1n, 2n, 9n);
    expect(await refusalOf(harness, owner, cmd, of(directId))).toBe('GROUP_INVALID');
  });
});

describe('links', () => {
  const look = (token: string): Uint8Array => lookAtLinkRequest.encode({ token });

  it('show the group before one joins, without what is for members', async () => {
    const { harness, groupId, owner, stranger } = await withGroup();
    await change(harness, owner, groupId, GroupChange.announce, { text: 'for us only' });
    const token = await linkTo(harness, owner, groupId);
    const seen = await ask(harness, stranger, Command.lookAtLink, look(token), lookAtLinkResponse);
    expect(seen).toMatchObject({
      status: undefined,
      conversationId: groupId,
      group: { name: 'The group', memberCount: 5, announcement: '' },
      member: false,
      requested: false,
      inviter: { userId: 1n, username: 'user1' },
    });
  });

  it('are listed, newest first, and work until they are revoked', async () => {
    const { harness, groupId, owner, stranger } = await withGroup();
    const tokens = [await linkTo(harness, owner, groupId), await linkTo(harness, owner, groupId)];
    const data = linksRequest.encode({ conversationId: groupId });
    const { links } = await ask(harness, owner, Command.links, data, linksResponse);
    expect(links.map((link) => link.token)).toEqual([...tokens].reverse());
    const revoke = revokeLinkRequest.encode({ conversationId: groupId, token: tokens[0]! });
    expect(await refusalOf(harness, owner, Command.revokeLink, revoke)).toBeUndefined();
    expect(await refusalOf(harness, stranger, Command.lookAtLink, look(tokens[0]!))).toBe('LINK_INVALID');
    expect((await join(harness, stranger, tokens[0]!)).conversation).toBeUndefined();
    expect((await join(harness, stranger, tokens[1]!)).conversation?.conversationId).toBe(groupId);
  });

  it('end with their time and their uses', async () => {
    const { harness, groupId, owner, stranger } = await withGroup();
    const soon = await linkTo(harness, owner, groupId, { expiresMs: harness.clock.now() + 1_000 });
    const once = await linkTo(harness, owner, groupId, { maxUses: 1 });
    await harness.advance(1_000);
    expect(await refusalOf(harness, stranger, Command.lookAtLink, look(soon))).toBe('LINK_INVALID');
    expect((await join(harness, stranger, once)).conversation?.conversationId).toBe(groupId);
    await change(harness, stranger, groupId, GroupChange.leave);
    expect(await refusalOf(harness, stranger, Command.lookAtLink, look(once))).toBe('LINK_INVALID');
  });

  it('are not made with a time that has passed, nor without end', async () => {
    const { harness, groupId, owner } = await withGroup({ config: { linksPerGroup: 2 } });
    const make = (more: object): Uint8Array =>
      makeLinkRequest.encode({
        clientMsgId: harness.nextClientMsgId(),
        conversationId: groupId,
        expiresMs: 0,
        maxUses: 0,
        ...more,
      });
    const past = make({ expiresMs: harness.clock.now() });
    expect(await refusalOf(harness, owner, Command.makeLink, past)).toBe('GROUP_INVALID');
    for (const expected of [undefined, undefined, 'TOO_MANY']) {
      expect(await refusalOf(harness, owner, Command.makeLink, make({}))).toBe(expected);
    }
  });

  it('are the admins’ business where joining needs approval, as is who waits', async () => {
    const { harness, groupId, owner, bob, carol, stranger } = await withGroup();
    await change(harness, owner, groupId, GroupChange.approval, { number: 1 });
    await change(harness, owner, groupId, GroupChange.role, { userIds: [2n], number: GroupRole.admin });
    const token = await linkTo(harness, bob, groupId);
    await join(harness, stranger, token);
    const seen = await ask(harness, stranger, Command.lookAtLink, look(token), lookAtLinkResponse);
    expect(seen).toMatchObject({ member: false, requested: true });
    const data = joinsRequest.encode({ conversationId: groupId });
    const { joins } = await ask(harness, bob, Command.joins, data, joinsResponse);
    expect(joins).toMatchObject([{ profile: { userId: 6n }, requestedMs: harness.clock.now() }]);
    expect(await refusalOf(harness, carol, Command.joins, data)).toBe('NOT_ALLOWED');
    const links = linksRequest.encode({ conversationId: groupId });
    expect(await refusalOf(harness, carol, Command.links, links)).toBe('NOT_ALLOWED');
  });
});

describe('SEEK', () => {
  it('finds the first message at or after a time, within what the user may see', async () => {
    const { harness, groupId, owner, bob, stranger } = await withGroup();
    const times: number[] = [];
    for (const text of ['a', 'b', 'c']) {
      await harness.advance(1_000);
      times.push(harness.clock.now());
      owner.send(groupId, text);
      await harness.settle();
    }
    await harness.advance(1_000);
    await change(harness, owner, groupId, GroupChange.invite, { userIds: [6n] });
    const seek = async (connection: typeof bob, timeMs: number): Promise<number> => {
      const data = seekRequest.encode({ conversationId: groupId, timeMs });
      return (await ask(harness, connection, Command.seek, data, seekResponse)).convSeq;
    };
    expect(await seek(bob, 0)).toBe(1);
    expect(await seek(bob, times[1]!)).toBe(3);
    expect(await seek(bob, times[1]! + 1)).toBe(4);
    expect(await seek(bob, harness.clock.now() + 1)).toBe(6);
    expect(await seek(stranger, 0)).toBe(5);
    await change(harness, bob, groupId, GroupChange.leave);
    await harness.advance(1_000);
    owner.send(groupId, 'without bob');
    await harness.settle();
    expect(await seek(bob, harness.clock.now())).toBe(7);
    expect(await seek(owner, harness.clock.now())).toBe(7);
    const foreign = seekRequest.encode({ conversationId: 12_345n, timeMs: 0 });
    expect(await refusalOf(harness, bob, Command.seek, foreign)).toBe('NOT_A_MEMBER');
  });
});

it('who left reads what was, to the notice of leaving, never more', async () => {
  const { harness, groupId, owner, bob } = await withGroup();
  owner.send(groupId, 'with bob');
  await harness.settle();
  await change(harness, bob, groupId, GroupChange.leave);
  owner.send(groupId, 'secret');
  await harness.settle();
  for (const toSeq of [0, 3, 4, Number.MAX_SAFE_INTEGER]) {
    const { messages, headSeq } = await history(harness, bob, groupId, { toSeq });
    expect(messages.map((message) => message.convSeq)).toEqual([1, 2, 3]);
    expect(headSeq).toBe(3);
  }
  expect((await history(harness, bob, groupId, { fromSeq: 4 })).messages).toEqual([]);
});

it('PROFILES gives the names of those who exist, in the order asked', async () => {
  const { harness, owner } = await withGroup();
  const data = profilesRequest.encode({ userIds: [3n, 77_777n, 1n, 3n] });
  const { profiles } = await ask(harness, owner, Command.profiles, data, profilesResponse);
  expect(profiles).toEqual([
    { userId: 3n, username: 'user3', displayName: 'User 3' },
    { userId: 1n, username: 'user1', displayName: 'User 1' },
  ]);
  const many = profilesRequest.encode({ userIds: Array.from({ length: 201 }, (_, index) => BigInt(index + 1)) });
  expect(await refusalOf(harness, owner, Command.profiles, many)).toBe('TOO_MANY');
});
