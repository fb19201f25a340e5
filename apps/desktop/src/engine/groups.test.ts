import { Command, GroupChange } from '@fastim/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Client } from './client.ts';
import { SERVER_URL, World } from './testing/index.ts';

const drain = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a group', () => {
  let world: World;
  let alice: bigint;
  let bob: bigint;
  let carol: bigint;

  beforeEach(() => {
    world = new World(drain);
    alice = world.server.addUser('alice');
    bob = world.server.addUser('bob');
    carol = world.server.addUser('carol');
  });

  const handled = (cmd: number) => world.server.handled.get(cmd) ?? 0;
  const texts = async (client: Client, conversationId: string) =>
    (await world.shown(client, conversationId)).map(({ text, notice }) => notice?.kind ?? text);
  const make = (client: Client, userIds = [bob]) =>
    world.finish(client.createGroup({ name: 'hikers', avatarColor: 3, userIds: userIds.map(String) }));

  it('is made, is there for everybody, and its messages reach all', async () => {
    const [a, b] = [await world.loggedIn('alice'), await world.loggedIn('bob')];
    const view = await make(a.client, [bob, carol]);
    expect(view).toMatchObject({
      kind: 'group',
      title: 'hikers',
      group: { avatarColor: 3, memberCount: 3, myRole: 'owner', can: { write: true, manage: true, own: true } },
    });
    const { conversationId } = view;
    await world.advance(500);
    expect(await world.conversation(b.client, conversationId)).toMatchObject({
      title: 'hikers',
      unread: 0,
      group: { myRole: 'member', can: { mentionAll: false, manage: false, invite: true } },
      preview: { kind: 'notice', notice: { kind: 'created', actor: { name: 'ALICE' }, meAmong: true } },
    });
    await world.finish(a.client.sendMessage({ conversationId, text: 'hello all' }));
    await world.advance(1_500);
    expect(await texts(b.client, conversationId)).toEqual(['created', 'hello all']);
    expect(await world.conversation(b.client, conversationId)).toMatchObject({
      unread: 1,
      preview: { text: 'hello all', senderName: 'ALICE' },
    });
    await world.finish(b.client.markRead({ conversationId, convSeq: 2 }));
    await world.advance(500);
    expect(world.server.unread(BigInt(conversationId), bob)).toBe(0);
    // Nobody is told that a group message was delivered.
    expect(world.server.cursorsOf(BigInt(conversationId), bob).deliveredSeq).toBe(0);
    expect(await world.finish(a.client.readCounts({ conversationId, convSeqs: [2] }))).toEqual([
      { convSeq: 2, read: 1, of: 2 },
    ]);
    const readers = { conversationId, convSeq: 2, after: null, limit: 10 };
    const read = await world.finish(a.client.readers({ ...readers, unread: false }));
    expect(read.users.map(({ username }) => username)).toEqual(['bob']);
    const unread = await world.finish(a.client.readers({ ...readers, unread: true }));
    expect(unread.users.map(({ username }) => username)).toEqual(['carol']);
  });

  it('shows each change as a notice, and the group as it is after it', async () => {
    const [a, b] = [await world.loggedIn('alice'), await world.loggedIn('bob')];
    const { conversationId } = await make(a.client);
    const change = (one: Parameters<Client['changeGroup']>[0]['change'], by: Client = a.client) =>
      world.finish(by.changeGroup({ conversationId, change: one }));
    await change({ type: 'rename', name: '登山队' });
    await change({ type: 'announce', text: 'Sunday at nine' });
    expect(await change({ type: 'invite', userIds: [carol.toString(), bob.toString()] })).toEqual({
      userIds: [carol.toString()],
    });
    await change({ type: 'role', userId: bob.toString(), role: 'admin' });
    await change({ type: 'mute', userIds: [carol.toString()], untilMs: 4_000_000_000_000 });
    await change({ type: 'muteAll', on: true });
    await world.advance(3_000);
    expect(await texts(b.client, conversationId)).toEqual([
      'created',
      'renamed',
      'announced',
      'invited',
      'role',
      'muted',
      'all-muted',
    ]);
    expect(await world.conversation(b.client, conversationId)).toMatchObject({
      title: '登山队',
      group: { memberCount: 3, announcement: 'Sunday at nine', myRole: 'admin', muteAll: true, can: { write: true } },
    });
    const c = await world.loggedIn('carol');
    await world.advance(500);
    const [first] = await world.shown(c.client, conversationId);
    expect(first).toMatchObject({
      notice: { kind: 'invited', actor: { name: 'ALICE' }, users: [{ name: 'CAROL' }], meAmong: true },
    });
    expect(await world.conversation(c.client, conversationId)).toMatchObject({ group: { can: { write: false } } });
    await world.finish(c.client.sendMessage({ conversationId, text: 'may I?' }));
    await world.advance(500);
    expect((await world.shown(c.client, conversationId)).at(-1)).toMatchObject({ status: 'failed', failure: 'MUTED' });
    await expect(change({ type: 'rename', name: 'mine' }, c.client)).rejects.toMatchObject({ reason: 'NOT_ALLOWED' });
    await expect(change({ type: 'rename', name: ' ' })).rejects.toMatchObject({ reason: 'GROUP_INVALID' });
    await expect(change({ type: 'leave' })).rejects.toMatchObject({ reason: 'OWNER_CANNOT_LEAVE' });
  });

  it('is read-only for who was removed, who sees nothing that came after, until they are back', async () => {
    const [a, b] = [await world.loggedIn('alice'), await world.loggedIn('bob')];
    const { conversationId } = await make(a.client);
    const wireId = BigInt(conversationId);
    world.server.write(wireId, alice, 'before');
    await world.advance(1_000);
    world.server.change(wireId, alice, GroupChange.remove, { userIds: [bob] });
    world.server.write(wireId, alice, 'not for bob');
    await world.advance(2_000);
    expect(await texts(b.client, conversationId)).toEqual(['created', 'before', 'removed']);
    expect(await world.conversation(b.client, conversationId)).toMatchObject({
      headSeq: 3,
      group: { left: true, can: { write: false, invite: false } },
    });
    await expect(world.finish(b.client.sendMessage({ conversationId, text: 'still there?' }))).rejects.toMatchObject({
      reason: 'NOT_A_MEMBER',
    });
    // It comes to rest: no pull, no sync that goes on for ever.
    const asked = [Command.history, Command.sync, Command.conversations].map(handled);
    await world.advance(180_000, 500);
    expect([Command.history, Command.sync, Command.conversations].map(handled)).toEqual(asked);
    world.server.change(wireId, alice, GroupChange.invite, { userIds: [bob] });
    world.server.write(wireId, alice, 'welcome back');
    await world.advance(3_000);
    expect(await texts(b.client, conversationId)).toEqual(['invited', 'welcome back']);
    expect(await world.conversation(b.client, conversationId)).toMatchObject({ group: { left: false }, unread: 1 });
    const found = await world.finish(b.client.searchMessages({ query: 'before', limit: 5 }));
    expect(found.hits).toEqual([]);
  });

  it('is left by oneself, on all devices', async () => {
    const [desk, laptop] = [await world.loggedIn('bob'), await world.loggedIn('bob')];
    const wireId = world.server.createGroup(alice, 'hikers', [bob]);
    const conversationId = wireId.toString();
    await world.advance(1_000);
    await world.finish(desk.client.changeGroup({ conversationId, change: { type: 'leave' } }));
    await world.advance(2_000);
    world.server.write(wireId, alice, 'gone');
    await world.advance(40_000, 100);
    for (const { client } of [desk, laptop]) {
      expect(await texts(client, conversationId)).toEqual(['created', 'left']);
      expect(await world.conversation(client, conversationId)).toMatchObject({ group: { left: true } });
    }
  });

  it('is joined by a link, at once or when an admin has agreed', async () => {
    const [a, c] = [await world.loggedIn('alice'), await world.loggedIn('carol')];
    const { conversationId } = await make(a.client);
    const link = await world.finish(a.client.makeGroupLink({ conversationId, expiresMs: 0, maxUses: 5 }));
    expect(link).toMatchObject({ url: `${SERVER_URL}/join/${link.token}`, creatorName: 'ALICE', maxUses: 5 });
    const page = await world.finish(c.client.lookAtLink({ link: link.url }));
    expect(page).toMatchObject({ name: 'hikers', memberCount: 2, inviterName: 'ALICE', member: false });
    await world.finish(a.client.changeGroup({ conversationId, change: { type: 'approval', on: true } }));
    expect(await world.finish(c.client.joinByLink({ token: page.token }))).toBeNull();
    await world.advance(40_000, 100);
    expect(await world.conversation(a.client, conversationId)).toMatchObject({ group: { pendingJoins: 1 } });
    const [asked] = await world.finish(a.client.pendingJoins({ conversationId }));
    expect(asked?.user.username).toBe('carol');
    const decide = { type: 'decide' as const, userIds: [carol.toString()], approve: true };
    await world.finish(a.client.changeGroup({ conversationId, change: decide }));
    await world.advance(1_500);
    expect(await texts(c.client, conversationId)).toEqual(['approved']);
    expect(await world.conversation(a.client, conversationId)).toMatchObject({ group: { pendingJoins: 0 } });
    await expect(world.finish(c.client.joinByLink({ token: link.token }))).rejects.toMatchObject({
      reason: 'ALREADY_MEMBER',
    });
    await world.finish(a.client.revokeGroupLink({ conversationId, token: link.token }));
    expect(await world.finish(a.client.groupLinks({ conversationId }))).toEqual([]);
    for (const bad of [link.url, 'http://server.test/elsewhere', 'no such token', '']) {
      await expect(world.finish(c.client.lookAtLink({ link: bad }))).rejects.toMatchObject({ reason: 'LINK_INVALID' });
    }
  });

  it('is made once, however often the answer is lost', async () => {
    const a = await world.loggedIn('alice');
    let lost = 0;
    world.server.network.fate = ({ direction, cmd }) => {
      if (direction !== 'down' || cmd !== Command.createGroup || lost >= 2) return 'deliver';
      lost += 1;
      world.server.network.cutAll();
      return 'lose';
    };
    await make(a.client);
    expect(lost).toBe(2);
    expect(await a.client.listConversations()).toHaveLength(1);
    // Given up by the engine, tried again by the user.
    world.server.network.fate = ({ direction, cmd }) =>
      direction === 'down' && cmd === Command.createGroup ? 'lose' : 'deliver';
    const call = { name: 'second', avatarColor: 1, userIds: [bob.toString()] };
    await expect(world.finish(a.client.createGroup(call))).rejects.toMatchObject({ reason: 'TIMEOUT' });
    world.server.network.fate = () => 'deliver';
    await world.finish(a.client.createGroup(call));
    await world.advance(500);
    expect(await a.client.listConversations()).toHaveLength(2);
    world.server.network.down = true;
    world.server.network.cutAll();
    await world.advance(20);
    await expect(world.finish(a.client.createGroup(call))).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
  });

  it('has its members in pages, found by name on the server', async () => {
    const a = await world.loggedIn('alice');
    const others = Array.from({ length: 25 }, (_, index) => world.server.addUser(`user${index}`));
    const { conversationId } = await make(a.client, others);
    const first = await world.finish(a.client.groupMembers({ conversationId, query: '', after: null, limit: 20 }));
    expect(first.members).toHaveLength(20);
    expect(first.members[0]).toMatchObject({ role: 'owner', user: { username: 'alice' } });
    const rest = await world.finish(a.client.groupMembers({ conversationId, query: '', after: first.next, limit: 20 }));
    expect([rest.members.length, rest.next]).toEqual([6, null]);
    const found = await world.finish(
      a.client.groupMembers({ conversationId, query: 'user24', after: null, limit: 20 }),
    );
    expect(found.members.map(({ user }) => user.username)).toEqual(['user24']);
  });

  it('merges heads that come together into few pulls, and the open one gets its messages without any', async () => {
    const [a, b] = [await world.loggedIn('alice'), await world.loggedIn('bob')];
    const { conversationId } = await make(a.client);
    const wireId = BigInt(conversationId);
    await world.advance(2_000);
    const before = handled(Command.history);
    for (let index = 0; index < 100; index += 1) {
      world.server.write(wireId, alice, `m${index}`);
      await world.advance(20);
    }
    await world.advance(1_000);
    // Two devices, two pulls a second each.
    expect(handled(Command.history) - before).toBeLessThanOrEqual(16);
    expect(await texts(b.client, conversationId)).toHaveLength(101);
    await world.finish(b.client.setOpenConversation({ conversationId }));
    await world.finish(a.client.setOpenConversation({ conversationId }));
    await world.advance(100);
    const pulls = handled(Command.history);
    const seen: string[] = [];
    b.client.on('messages', ({ changed }) => seen.push(...changed.map(({ text }) => text)));
    for (let index = 0; index < 50; index += 1) {
      world.server.write(wireId, alice, `live ${index}`);
      await world.advance(20);
    }
    await world.advance(500);
    expect(seen).toEqual(Array.from({ length: 50 }, (_, index) => `live ${index}`));
    expect(handled(Command.history)).toBe(pulls);
  });

  it('repairs a lost head within one heartbeat, also while another group is busy', async () => {
    const [a, b] = [await world.loggedIn('alice'), await world.loggedIn('bob')];
    const quiet = await make(a.client);
    const busy = world.server.createGroup(alice, 'busy', [bob]);
    await world.advance(2_000);
    world.server.network.fate = ({ direction, cmd }) =>
      direction === 'down' && cmd === Command.heads ? 'lose' : 'deliver';
    world.server.write(BigInt(quiet.conversationId), alice, 'missed');
    await world.advance(20);
    world.server.network.fate = () => 'deliver';
    for (let index = 0; index < 120; index += 1) {
      world.server.write(busy, alice, `noise ${index}`);
      await world.advance(500, 50);
    }
    expect(await texts(b.client, quiet.conversationId)).toEqual(['created', 'missed']);
  });

  it('jumps to a date, from what is here or by the server', async () => {
    const a = await world.loggedIn('alice');
    const { conversationId } = await make(a.client);
    const start = world.clock.now();
    await world.finish(a.client.stop());
    for (let day = 0; day < 400; day += 1) {
      world.clock.advance(3_600_000);
      world.server.write(BigInt(conversationId), bob, `hour ${day}`);
    }
    const next = await world.rebooted(a.device);
    await world.online(next.client);
    await world.finish(next.client.markRead({ conversationId, convSeq: 401 }));
    const jump = async (hour: number) => {
      const anchor = { at: 'date' as const, timeMs: start + (hour + 1) * 3_600_000 - 5 };
      const page = await world.finish(next.client.messagesPage({ conversationId, anchor, limit: 9 }));
      return page.messages.map(({ text }) => text);
    };
    expect(await jump(100)).toContain('hour 100');
    const seeks = handled(Command.seek);
    expect((await jump(398)).at(-1)).toBe('hour 399');
    expect(handled(Command.seek)).toBe(seeks);
    expect((await jump(5_000)).at(-1)).toBe('hour 399');
    expect(await jump(-10)).toContain('hour 0');
  });
});
