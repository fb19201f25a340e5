import { Command, historyRequest } from '@fastim/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { textsOf, World } from './testing/index.ts';

const drain = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('catching up', () => {
  let world: World;
  let bob: bigint;
  const peers: bigint[] = [];
  const conversations: bigint[] = [];

  beforeEach(() => {
    world = new World(drain);
    bob = world.server.addUser('bob');
    peers.length = 0;
    conversations.length = 0;
  });

  /** `count` conversations of bob, each with `messages` in it, the last made the newest. */
  const people = (count: number, messages: number) => {
    for (let index = 0; index < count; index += 1) {
      const peer = world.server.addUser(`peer${index}`);
      const conversation = world.server.openDirect(bob, peer);
      for (let message = 0; message < messages; message += 1) {
        world.server.write(conversation, peer, `${index}:${message}`);
      }
      world.clock.advance(1_000);
      peers.push(peer);
      conversations.push(conversation);
    }
  };
  const handled = (cmd: number) => world.server.handled.get(cmd) ?? 0;

  it('brings 500 conversations in pages, the last pages of the newest 20 first, and every unread count right', async () => {
    people(500, 3);
    const b = await world.loggedIn('bob');
    expect(handled(Command.sync)).toBe(5);
    const list = await b.client.listConversations();
    expect(list).toHaveLength(500);
    expect(list[0]?.conversationId).toBe(conversations.at(-1)!.toString());
    expect(list.map(({ lastActivityMs }) => lastActivityMs)).toEqual(
      list.map(({ lastActivityMs }) => lastActivityMs).toSorted((x, y) => y - x),
    );
    expect(new Set(list.map(({ unread }) => unread))).toEqual(new Set([3]));
    // Behind everything else, what was missed is pulled too, so it is there without a network.
    await world.advance(60_000, 50);
    world.server.network.down = true;
    world.server.network.cutAll();
    for (const index of [0, 250, 499]) {
      const shown = await world.shown(b.client, conversations[index]!.toString());
      expect(shown.map(({ text }) => text)).toEqual([`${index}:0`, `${index}:1`, `${index}:2`]);
    }
  });

  it('asks only for what changed when it comes back, and pulls nothing for a single message', async () => {
    people(150, 2);
    const b = await world.loggedIn('bob');
    // Long enough for heartbeats to say that nothing is missing, its own cursors included.
    await world.advance(600_000, 1_000);
    world.server.network.down = true;
    world.server.network.cutAll();
    await world.advance(60_000, 1_000);
    world.server.write(conversations[7]!, peers[7]!, 'one more');
    world.server.network.down = false;
    const [syncs, pulls] = [handled(Command.sync), handled(Command.history)];
    await world.online(b.client);
    await world.advance(1_000);
    expect(handled(Command.sync) - syncs).toBe(1);
    expect(handled(Command.history) - pulls).toBe(0);
    expect((await b.client.listConversations())[0]).toMatchObject({ unread: 3, preview: { text: 'one more' } });
  });

  it('fills what was missed behind everything else, and waits when it is asked to', async () => {
    people(300, 3);
    const b = await world.loggedIn('bob');
    const asked = new Map<bigint, number[]>();
    let refused = 0n;
    world.server.refuse = (cmd, data) => {
      if (cmd !== Command.history) return undefined;
      const { conversationId } = historyRequest.decode(data);
      asked.set(conversationId, [...(asked.get(conversationId) ?? []), world.clock.now()]);
      if (asked.size !== 20 || refused !== 0n) return undefined;
      refused = conversationId;
      return { reason: 'RATE_LIMITED', retryAfterMs: 5_000 };
    };
    await world.advance(20_000, 10);
    const [first, second] = asked.get(refused)!;
    expect(second! - first!).toBeGreaterThanOrEqual(5_000);
    // All but the first 20 (a few went before this test looked), each once.
    expect(asked.size).toBeGreaterThan(270);
    expect([...asked.values()].filter((times) => times.length > 1)).toHaveLength(1);
    const list = await b.client.listConversations();
    expect(list.every(({ unread }) => unread === 3)).toBe(true);
  });

  it('has 5,000 messages that wait in 500 conversations on its disk within two seconds, told in few events', async () => {
    people(500, 2);
    const b = await world.loggedIn('bob');
    await world.advance(20_000, 100);
    world.server.network.down = true;
    world.server.network.cutAll();
    for (const [index, id] of conversations.entries()) {
      for (let message = 0; message < 10; message += 1) world.server.write(id, peers[index]!, `new ${message}`);
    }
    world.server.network.down = false;
    let events = 0;
    b.client.on('messages', () => {
      events += 1;
    });
    await world.online(b.client);
    await world.advance(2_000);
    const stored = await Promise.all(
      conversations.map((id) =>
        b.store.messages(1, {
          conversationId: id.toString(),
          fromSeq: 1,
          toSeq: 100,
          limit: 100,
          newestFirst: false,
        }),
      ),
    );
    expect(stored.flat()).toHaveLength(6_000);
    expect(events).toBeLessThan(1_100);
  });

  it('jumps over a long absence and fills the hole behind', async () => {
    people(1, 10);
    const b = await world.loggedIn('bob');
    const id = conversations[0]!;
    world.server.network.down = true;
    world.server.network.cutAll();
    for (let index = 0; index < 1_000; index += 1) world.server.write(id, peers[0]!, `later ${index}`);
    world.server.network.down = false;
    const seen = new Map<number, number>();
    b.client.on('messages', ({ changed }) => {
      for (const { order } of changed) seen.set(order, (seen.get(order) ?? 0) + 1);
    });
    await world.online(b.client);
    await world.advance(10_000, 50);
    expect((await world.shown(b.client, id.toString())).map(({ text }) => text)).toEqual(
      textsOf(world.server.history(id)),
    );
    expect(Math.max(...seen.values())).toBe(1);
    expect((await world.conversation(b.client, id.toString())).unread).toBe(1_010);
  });

  it('begins with the open conversation, however old it is', async () => {
    people(60, 120);
    const open = conversations[0]!.toString();
    const b = await world.loggedIn('bob');
    await world.finish(b.client.setOpenConversation({ conversationId: open }));
    await world.finish(b.client.stop());
    for (let index = 0; index < 5; index += 1) world.server.write(conversations[0]!, peers[0]!, `new ${index}`);
    const next = await world.rebooted(b.device);
    expect((await next.client.app()).openConversationId).toBe(open);
    await world.online(next.client);
    await world.advance(200);
    const page = await world.finish(
      next.client.messagesPage({ conversationId: open, anchor: { at: 'newest' }, limit: 5 }),
    );
    expect(page.messages.map(({ text }) => text)).toEqual([0, 1, 2, 3, 4].map((index) => `new ${index}`));
  });

  it('is not fooled by a list that differs although nothing moved lately', async () => {
    people(3, 1);
    const b = await world.loggedIn('bob');
    await world.finish(b.client.stop());
    // Stored with an activity time in the past: no "since" would ever name it.
    const peer = world.server.addUser('late');
    const now = world.clock.now();
    world.clock.jump(-3_600_000);
    const late = world.server.openDirect(bob, peer);
    world.server.write(late, peer, 'from the past');
    world.clock.jump(now - world.clock.now());
    const next = await world.rebooted(b.device);
    await world.online(next.client);
    expect((await world.conversation(next.client, late.toString())).unread).toBe(1);
  });

  it('starts over when the connection breaks in the middle, and has everything in the end', async () => {
    people(250, 1);
    let cuts = 0;
    world.server.network.fate = ({ direction, cmd }) => {
      if (direction === 'down' && cmd === Command.sync && cuts < 3 && handled(Command.sync) % 2 === 0) {
        cuts += 1;
        world.server.network.cutAll();
        return 'lose';
      }
      return 'deliver';
    };
    const b = await world.loggedIn('bob');
    expect(cuts).toBe(3);
    expect(await b.client.listConversations()).toHaveLength(250);
  });

  it('keeps ticks right when the peer read while this device was away', async () => {
    people(1, 0);
    const id = conversations[0]!.toString();
    const b = await world.loggedIn('bob');
    await world.finish(b.client.sendMessage({ conversationId: id, text: 'read me' }));
    await world.advance(200);
    world.server.network.down = true;
    world.server.network.cutAll();
    await world.advance(1_000);
    world.server.moveCursor(conversations[0]!, peers[0]!, 1, 1);
    world.server.network.down = false;
    const statuses: string[] = [];
    b.client.on('messages', ({ changed }) => statuses.push(...changed.map(({ status }) => status)));
    await world.online(b.client);
    await world.advance(100);
    expect(statuses).toEqual(['read']);
    expect((await world.shown(b.client, id))[0]?.status).toBe('read');
  });

  it('opens a conversation by user, known or not, and orders it by what is written', async () => {
    people(2, 1);
    const carol = world.server.addUser('carol');
    const b = await world.loggedIn('bob');
    const fresh = await world.finish(b.client.openDirect({ userId: carol.toString() }));
    expect(fresh).toMatchObject({ title: 'CAROL', headSeq: 0, unread: 0, preview: null });
    expect((await world.finish(b.client.openDirect({ userId: carol.toString() }))).conversationId).toBe(
      fresh.conversationId,
    );
    await world.advance(2_000);
    await world.finish(b.client.sendMessage({ conversationId: conversations[0]!.toString(), text: 'bump' }));
    expect((await b.client.listConversations())[0]?.conversationId).toBe(conversations[0]!.toString());
    await expect(world.finish(b.client.openDirect({ userId: '999' }))).rejects.toMatchObject({ reason: 'NOT_FOUND' });
    world.server.network.down = true;
    world.server.network.cutAll();
    const known = await world.finish(b.client.openDirect({ userId: peers[1]!.toString() }));
    expect(known.conversationId).toBe(conversations[1]!.toString());
    const stranger = world.server.addUser('stranger');
    await expect(world.finish(b.client.openDirect({ userId: stranger.toString() }))).rejects.toMatchObject({
      reason: 'UNAVAILABLE',
    });
  });
});
