import { Command } from '@fastim/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Client } from './client.ts';
import type { PageAnchor } from './client-api.ts';
import { World } from './testing/index.ts';

const drain = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a page of messages', () => {
  let world: World;
  let alice: bigint;
  let wireId: bigint;
  let conversationId: string;

  beforeEach(() => {
    world = new World(drain, { limits: { backgroundFill: 0 } });
    alice = world.server.addUser('alice');
    const bob = world.server.addUser('bob');
    wireId = world.server.openDirect(alice, bob);
    conversationId = wireId.toString();
  });

  const write = (count: number) => {
    for (let index = 0; index < count; index += 1) world.server.write(wireId, alice, 'text');
  };
  const page = (client: Client, anchor: PageAnchor, limit: number) =>
    world.finish(client.messagesPage({ conversationId, anchor, limit }));
  const orders = async (client: Client, anchor: PageAnchor, limit: number) =>
    (await page(client, anchor, limit)).messages.map(({ order }) => order);
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const offline = () => {
    world.server.network.down = true;
    world.server.network.cutAll();
  };

  it('pulls what is missing: newest, before, after and round a place', async () => {
    write(1_000);
    const b = await world.loggedIn('bob');
    expect(await orders(b.client, { at: 'newest' }, 30)).toEqual(range(971, 1_000));
    expect(await orders(b.client, { at: 'before', order: 971 }, 100)).toEqual(range(871, 970));
    expect(await orders(b.client, { at: 'around', order: 300 }, 30)).toEqual(range(290, 319));
    expect(await orders(b.client, { at: 'after', order: 319 }, 10)).toEqual(range(320, 329));
    expect(await orders(b.client, { at: 'before', order: 4 }, 10)).toEqual([1, 2, 3]);
    expect(await page(b.client, { at: 'before', order: 4 }, 10)).toMatchObject({ hasOlder: false, hasNewer: true });
    expect(await page(b.client, { at: 'before', order: 1 }, 10)).toMatchObject({ messages: [], hasOlder: false });
    expect(await page(b.client, { at: 'newest' }, 10)).toMatchObject({ hasOlder: true, hasNewer: false });
    expect(await page(b.client, { at: 'after', order: 995 }, 10)).toMatchObject({ hasNewer: false });
    expect(await page(b.client, { at: 'after', order: 1_000 }, 10)).toMatchObject({ messages: [], hasNewer: false });
  });

  it('opens at the first unread message, with some before it', async () => {
    write(500);
    const b = await world.loggedIn('bob');
    await world.finish(b.client.markRead({ conversationId, convSeq: 200 }));
    const opened = await page(b.client, { at: 'unread' }, 30);
    expect(opened.firstUnreadSeq).toBe(201);
    expect(opened.messages.map(({ order }) => order)).toEqual(range(191, 220));
    expect(opened).toMatchObject({ hasOlder: true, hasNewer: true });
    await world.finish(b.client.markRead({ conversationId, convSeq: 500 }));
    expect(await page(b.client, { at: 'unread' }, 30)).toMatchObject({ firstUnreadSeq: null, hasNewer: false });
  });

  it('shows my unsent messages behind all others, in their order, across page borders', async () => {
    write(5);
    const b = await world.loggedIn('bob');
    offline();
    const sent = [];
    for (const text of ['a', 'b', 'c']) sent.push(await world.finish(b.client.sendMessage({ conversationId, text })));
    const [first, second, third] = sent.map(({ order }) => order) as [number, number, number];
    expect(await orders(b.client, { at: 'newest' }, 5)).toEqual([4, 5, first, second, third]);
    expect(await orders(b.client, { at: 'before', order: second }, 3)).toEqual([4, 5, first]);
    expect(await orders(b.client, { at: 'after', order: 4 }, 3)).toEqual([5, first, second]);
    expect(await page(b.client, { at: 'after', order: 4 }, 3)).toMatchObject({ hasNewer: true });
    expect(await page(b.client, { at: 'after', order: second }, 3)).toMatchObject({ hasNewer: false });
    expect(await orders(b.client, { at: 'newest' }, 2)).toEqual([second, third]);
    expect(await page(b.client, { at: 'newest' }, 2)).toMatchObject({ hasOlder: true, hasNewer: false });
  });

  it('answers offline with what is here, and says when there is nothing of what is asked', async () => {
    write(1_000);
    const b = await world.loggedIn('bob');
    expect(await orders(b.client, { at: 'around', order: 500 }, 20)).toHaveLength(20);
    offline();
    const newest = await orders(b.client, { at: 'newest' }, 200);
    expect(newest.at(-1)).toBe(1_000);
    expect(newest.length).toBeGreaterThanOrEqual(50);
    const oldest = newest[0]!;
    const before = await page(b.client, { at: 'before', order: oldest }, 100).catch((error: unknown) => error);
    if (before instanceof Error) expect(before).toMatchObject({ reason: 'UNAVAILABLE' });
    await expect(page(b.client, { at: 'before', order: 50 }, 10)).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
    await expect(
      world.finish(b.client.messagesPage({ conversationId: '5', anchor: { at: 'newest' }, limit: 5 })),
    ).rejects.toMatchObject({ reason: 'NOT_FOUND' });
  });

  it('does not wait for a server that does not answer', async () => {
    write(300);
    const b = await world.loggedIn('bob');
    world.server.network.fate = ({ cmd }) => (cmd === Command.history ? 'lose' : 'deliver');
    const asked = world.clock.now();
    expect((await page(b.client, { at: 'around', order: 280 }, 40)).messages.length).toBeGreaterThan(0);
    expect(world.clock.now() - asked).toBeLessThan(6_000);
  });

  it('does not ask for ever for history that the server has lost', async () => {
    write(300);
    const b = await world.loggedIn('bob');
    world.server.historyIsLost = true;
    const asked = world.server.handled.get(Command.history) ?? 0;
    expect((await page(b.client, { at: 'around', order: 150 }, 40)).messages.length).toBeGreaterThan(0);
    await world.advance(60_000, 100);
    expect((world.server.handled.get(Command.history) ?? 0) - asked).toBeLessThan(5);
  });

  it('keeps drafts, positions, settings and the open conversation over a crash', async () => {
    write(3);
    const b = await world.loggedIn('bob');
    const { client } = b;
    await world.finish(client.setDraft({ conversationId, text: 'not yet 完' }));
    await world.finish(client.setPosition({ conversationId, position: { order: 2, offsetPx: 13.5, atEnd: false } }));
    await world.finish(client.setSettings({ patch: { theme: 'dark' } }));
    await world.finish(client.setSettings({ patch: { sendKey: 'ctrl-enter' } }));
    await world.finish(client.setOpenConversation({ conversationId }));
    b.crash();
    const next = await world.rebooted(b.device);
    expect(await world.conversation(next.client, conversationId)).toMatchObject({ draft: 'not yet 完' });
    expect(await next.client.getPosition({ conversationId })).toEqual({ order: 2, offsetPx: 13.5, atEnd: false });
    expect(await next.client.app()).toMatchObject({
      settings: { theme: 'dark', language: 'system', sendKey: 'ctrl-enter' },
      openConversationId: conversationId,
    });
    // Sending takes the draft with it, in the same transaction.
    await world.finish(next.client.sendMessage({ conversationId, text: 'now' }));
    next.crash();
    const third = await world.rebooted(b.device);
    expect(await world.conversation(third.client, conversationId)).toMatchObject({
      draft: '',
      preview: { text: 'now' },
    });
  });
});
