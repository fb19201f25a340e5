import { Command, MessageKind, textBody } from '@fastim/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Client } from './client.ts';
import { World } from './testing/index.ts';

const drain = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('my own view of conversations', () => {
  let world: World;
  let alice: bigint;
  let bob: bigint;
  let wireId: bigint;
  let conversationId: string;

  beforeEach(() => {
    world = new World(drain);
    alice = world.server.addUser('alice');
    bob = world.server.addUser('bob');
    wireId = world.server.createGroup(alice, 'hikers', [bob]);
    conversationId = wireId.toString();
  });

  const set = (client: Client, patch: Parameters<Client['setConversationSettings']>[0]['patch']) =>
    world.finish(client.setConversationSettings({ conversationId, patch }));
  const view = (client: Client) => world.conversation(client, conversationId);
  const down = () => {
    world.server.network.down = true;
    world.server.network.cutAll();
  };
  const mention = (userId: bigint, text = 'you!') => {
    const body = { text, mentions: [userId], mentionAll: false, replySeq: 0, forwardedFrom: 0n };
    return world.server.writeBody(wireId, alice, MessageKind.text, textBody.encode(body));
  };

  it('follows to my other devices at once, and to those that come back', async () => {
    const [desk, laptop] = [await world.loggedIn('bob'), await world.loggedIn('bob')];
    const until = world.clock.now() + 3_600_000;
    expect(await set(desk.client, { silentUntilMs: until, pinned: true })).toMatchObject({ silentUntilMs: until });
    await world.advance(200);
    const pinnedMs = (await view(desk.client)).pinnedMs;
    expect(pinnedMs).toBeGreaterThan(0);
    expect(await view(laptop.client)).toMatchObject({ silentUntilMs: until, pinnedMs, archived: false });
    await set(laptop.client, { pinned: false, archived: true });
    await world.advance(200);
    expect(await view(desk.client)).toMatchObject({ pinnedMs: 0, archived: true });
    const phone = await world.loggedIn('bob');
    expect(await view(phone.client)).toMatchObject({ pinnedMs: 0, archived: true, silentUntilMs: until });
  });

  it('is changed offline, kept over a crash, and the last write wins', async () => {
    const [desk, laptop] = [await world.loggedIn('bob'), await world.loggedIn('bob')];
    down();
    await set(desk.client, { pinned: true, archived: true });
    expect(await view(desk.client)).toMatchObject({ archived: true });
    desk.crash();
    world.server.network.down = false;
    await world.advance(3_000);
    await set(laptop.client, { archived: true });
    await set(laptop.client, { archived: false });
    await world.advance(500);
    expect(world.server.cursorsOf(wireId, bob).settings).toMatchObject({ archived: false });
    const next = await world.rebooted(desk.device);
    await world.online(next.client);
    await world.advance(1_000);
    const member = world.server.cursorsOf(wireId, bob);
    expect(member.settings).toMatchObject({ archived: true });
    for (const { client } of [next, laptop]) expect(await view(client)).toMatchObject({ archived: true });
    expect((await view(laptop.client)).pinnedMs).toBe(member.settings.pinnedMs);
  });

  it('is repaired by the heartbeat when its push is lost', async () => {
    const [desk, laptop] = [await world.loggedIn('bob'), await world.loggedIn('bob')];
    world.server.network.fate = ({ direction, cmd }) =>
      direction === 'down' && cmd === Command.settingsPush ? 'lose' : 'deliver';
    await set(desk.client, { pinned: true });
    await world.advance(40_000, 100);
    expect((await view(laptop.client)).pinnedMs).toBeGreaterThan(0);
  });

  it('that the server refuses for good goes back to what the server has', async () => {
    const b = await world.loggedIn('bob');
    world.server.refuse = (cmd) => (cmd === Command.settings ? { reason: 'NOT_A_MEMBER' } : undefined);
    await set(b.client, { archived: true });
    await world.advance(500);
    expect(await view(b.client)).toMatchObject({ archived: false });
    const asked = world.server.handled.get(Command.settings);
    await world.advance(30_000, 100);
    expect(world.server.handled.get(Command.settings)).toBe(asked);
  });

  it('marked as unread lasts until it is read, on any device', async () => {
    const [desk, laptop] = [await world.loggedIn('bob'), await world.loggedIn('bob')];
    await world.finish(desk.client.markRead({ conversationId, convSeq: 1 }));
    await set(desk.client, { markedUnread: true });
    await world.advance(300);
    expect(await view(laptop.client)).toMatchObject({ markedUnread: true, unread: 0 });
    await world.finish(laptop.client.markRead({ conversationId, convSeq: 1 }));
    await world.advance(300);
    for (const { client } of [desk, laptop]) expect(await view(client)).toMatchObject({ markedUnread: false });
    await set(desk.client, { markedUnread: true });
    await world.advance(300);
    world.server.write(wireId, alice, 'news');
    await world.advance(1_000);
    await world.finish(desk.client.markRead({ conversationId, convSeq: 2 }));
    await world.advance(300);
    for (const { client } of [desk, laptop]) {
      expect(await view(client)).toMatchObject({ markedUnread: false, unread: 0 });
    }
    expect(world.server.cursorsOf(wireId, bob).settings.markedUnread).toBe(false);
  });

  it('says that a mention is unread until it is read, with or without the message here', async () => {
    mention(bob);
    for (let index = 0; index < 800; index += 1) world.server.write(wireId, alice, `m${index}`);
    const b = await world.loggedIn('bob');
    expect(await view(b.client)).toMatchObject({ mentioned: true, unread: 801 });
    await world.finish(b.client.markRead({ conversationId, convSeq: 100 }));
    expect(await view(b.client)).toMatchObject({ mentioned: false });
    mention(bob, 'again');
    await world.advance(1_500);
    expect(await view(b.client)).toMatchObject({ mentioned: true });
    const shown = await world.shown(b.client, conversationId);
    expect(shown.at(-1)).toMatchObject({ mentionsMe: true, mentions: [{ name: 'BOB' }] });
    mention(alice);
    await world.finish(b.client.markRead({ conversationId, convSeq: 803 }));
    await world.advance(1_500);
    expect(await view(b.client)).toMatchObject({ mentioned: false, unread: 1 });
  });

  it('archived comes back with news, but not while it is muted', async () => {
    const b = await world.loggedIn('bob');
    await set(b.client, { archived: true });
    world.server.write(wireId, alice, 'news');
    await world.advance(1_500);
    expect(await view(b.client)).toMatchObject({ archived: false, unread: 1 });
    expect(world.server.cursorsOf(wireId, bob).settings.archived).toBe(false);
    await set(b.client, { archived: true, silentUntilMs: world.clock.now() + 3_600_000 });
    world.server.write(wireId, alice, 'more');
    await world.advance(1_500);
    expect(await view(b.client)).toMatchObject({ archived: true, unread: 2 });
  });

  it('a draft from elsewhere comes also with the answer to another setting', async () => {
    const [desk, laptop] = [await world.loggedIn('bob'), await world.loggedIn('bob')];
    // The push of the draft does not reach the laptop.
    world.server.network.fate = ({ cmd }) => (cmd === Command.settingsPush ? 'lose' : 'deliver');
    await world.finish(desk.client.setDraft({ conversationId, text: 'from the desk' }));
    await world.advance(2_500);
    await set(laptop.client, { pinned: true });
    await world.advance(500);
    expect(await view(laptop.client)).toMatchObject({ draft: 'from the desk' });
  });

  it('a draft follows when the writing pauses, and never into what is being written', async () => {
    const [desk, laptop] = [await world.loggedIn('bob'), await world.loggedIn('bob')];
    const write = (client: Client, text: string) => world.finish(client.setDraft({ conversationId, text }));
    const told = () => world.server.handled.get(Command.settings) ?? 0;
    for (const text of ['h', 'he', 'hel', 'hell', 'hello']) {
      await write(desk.client, text);
      await world.advance(500);
    }
    expect(told()).toBe(0);
    await world.advance(2_200);
    expect(told()).toBe(1);
    expect((await view(laptop.client)).draft).toBe('hello');
    await world.finish(laptop.client.setOpenConversation({ conversationId }));
    await write(desk.client, 'hello there');
    await world.advance(2_500);
    // Somebody looks at it there: it is not replaced under their hands.
    expect((await view(laptop.client)).draft).toBe('hello');
    await world.finish(laptop.client.setOpenConversation({ conversationId: null }));
    expect((await view(laptop.client)).draft).toBe('hello there');
    down();
    await write(laptop.client, 'my own');
    world.server.network.down = false;
    await write(desk.client, 'from the desk');
    await world.online(laptop.client);
    await world.advance(5_000);
    expect((await view(laptop.client)).draft).toBe((await view(desk.client)).draft);
    await world.finish(desk.client.sendMessage({ conversationId, text: 'sent' }));
    await world.advance(2_500);
    for (const { client } of [desk, laptop]) expect((await view(client)).draft).toBe('');
    const long = 'x'.repeat(5_000);
    await write(desk.client, long);
    await world.advance(3_000);
    expect([(await view(desk.client)).draft, (await view(laptop.client)).draft]).toEqual([long, '']);
  });

  it('a draft that comes in the moment its conversation is left shows', async () => {
    const [desk, laptop] = [await world.loggedIn('bob'), await world.loggedIn('bob')];
    await world.finish(laptop.client.setOpenConversation({ conversationId }));
    const { network } = world.server;
    let leaving: Promise<void> | undefined;
    network.fate = ({ direction, cmd }) => {
      if (direction === 'down' && cmd === Command.settingsPush) {
        // Before the push is handed over, in the same moment.
        world.clock.setTimer(network.latencyMs, () => {
          leaving = laptop.client.setOpenConversation({ conversationId: null });
        });
      }
      return 'deliver';
    };
    await world.finish(desk.client.setDraft({ conversationId, text: 'from the desk' }));
    await world.advance(3_000);
    expect(leaving).toBeDefined();
    await leaving;
    expect(await view(laptop.client)).toMatchObject({ draft: 'from the desk' });
  });
});
