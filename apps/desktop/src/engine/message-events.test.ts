import { Command, editBody, MessageKind, reactionBody, recallBody } from '@fastim/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Client } from './client.ts';
import { StoreError } from './store.ts';
import { World } from './testing/index.ts';
import type { MessageView } from './views.ts';

const drain = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('edits, recalls and reactions', () => {
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

  const send = (client: Client, text: string) => world.finish(client.sendMessage({ conversationId, text }));
  const at = async (client: Client, convSeq: number): Promise<MessageView> => {
    const shown = await world.shown(client, conversationId);
    const found = shown.find((one) => one.convSeq === convSeq);
    if (!found) throw new Error(`nothing is shown at ${convSeq}`);
    return found;
  };
  const offline = () => {
    world.server.network.down = true;
    world.server.network.cutAll();
  };
  const online = () => {
    world.server.network.down = false;
  };

  it('are seen at once where they are made, and everywhere when the server has them', async () => {
    const [a, b] = [await world.loggedIn('alice'), await world.loggedIn('bob')];
    const key = { conversationId, convSeq: 2 };
    await send(a.client, 'helo');
    await world.advance(500);
    await world.finish(a.client.editMessage({ ...key, text: 'hello' }));
    expect(await at(a.client, 2)).toMatchObject({ text: 'hello', edited: true, changing: true });
    await world.finish(b.client.react({ ...key, emoji: '👍', on: true }));
    expect(await at(b.client, 2)).toMatchObject({ reactions: [{ emoji: '👍', count: 1, mine: true, names: ['BOB'] }] });
    await world.advance(1_500);
    for (const { client } of [a, b]) {
      const view = await at(client, 2);
      expect(view).toMatchObject({ text: 'hello', edited: true, changing: false, reactions: [{ count: 1 }] });
    }
    expect((await world.conversation(b.client, conversationId)).preview).toMatchObject({ text: 'hello' });
    await world.finish(a.client.recallMessage(key));
    expect(await at(a.client, 2)).toMatchObject({
      text: '',
      reactions: [],
      recalled: { by: { name: 'ALICE' }, mine: true, again: 'hello' },
    });
    await world.advance(1_500);
    expect(await at(b.client, 2)).toMatchObject({ text: '', recalled: { by: { name: 'ALICE' }, again: null } });
    expect((await world.conversation(b.client, conversationId)).preview).toMatchObject({ recalled: true, text: '' });
    // None of them is shown itself, and none counts.
    expect(await world.shown(b.client, conversationId)).toHaveLength(2);
    expect((await world.conversation(b.client, conversationId)).unread).toBe(0);
  });

  it('wait offline, go out in their order, and have one effect when their acks are lost', async () => {
    const a = await world.loggedIn('alice');
    await send(a.client, 'one');
    await world.advance(500);
    offline();
    await world.finish(a.client.editMessage({ conversationId, convSeq: 2, text: 'two' }));
    await world.finish(a.client.editMessage({ conversationId, convSeq: 2, text: 'three' }));
    await world.finish(a.client.react({ conversationId, convSeq: 2, emoji: '🎉', on: true }));
    await world.finish(a.client.react({ conversationId, convSeq: 2, emoji: '🎉', on: true }));
    await send(a.client, 'after');
    a.crash();
    const next = await world.rebooted(a.device);
    expect(await at(next.client, 2)).toMatchObject({ text: 'three', changing: true, reactions: [{ count: 1 }] });
    expect((await world.conversation(next.client, conversationId)).unsent).toBe(1);
    let lost = 0;
    world.server.network.fate = ({ direction, cmd }) => {
      if (direction !== 'down' || cmd !== Command.send || lost >= 3) return 'deliver';
      lost += 1;
      return 'lose';
    };
    online();
    await world.until(() => world.server.history(wireId).length >= 6);
    await world.advance(20_000, 50);
    expect(world.server.history(wireId).map(({ kind }) => kind)).toEqual([5, 1, 2, 2, 4, 1]);
    expect(await at(next.client, 2)).toMatchObject({ text: 'three', changing: false, reactions: [{ count: 1 }] });
  });

  it('that the server refuses leave the message as it was, and say why', async () => {
    const a = await world.loggedIn('alice');
    await send(a.client, 'one');
    await world.advance(500);
    world.server.refuse = (cmd) => (cmd === Command.send ? { reason: 'TOO_LATE' } : undefined);
    const seen: Array<[string, string | null]> = [];
    a.client.on('messages', ({ changed }) =>
      seen.push(...changed.map((one) => [one.text, one.failure] as [string, string | null])),
    );
    await world.finish(a.client.editMessage({ conversationId, convSeq: 2, text: 'two' }));
    await world.advance(1_000);
    expect(seen.at(0)).toEqual(['two', null]);
    expect(seen.at(-1)).toEqual(['one', 'TOO_LATE']);
    expect(await at(a.client, 2)).toMatchObject({ text: 'one', changing: false, status: 'stored' });
    world.server.refuse = () => undefined;
    await world.finish(a.client.editMessage({ conversationId, convSeq: 2, text: 'two' }));
    await world.advance(1_000);
    expect(await at(a.client, 2)).toMatchObject({ text: 'two', failure: null });
  });

  it('that the rules do not allow are refused at once, and change nothing', async () => {
    const [a, b] = [await world.loggedIn('alice'), await world.loggedIn('bob')];
    await send(a.client, 'mine');
    await world.advance(500);
    const sends = world.server.sends.length;
    const refused = async (call: Promise<void>, reason: string) =>
      expect(world.finish(call)).rejects.toMatchObject({ reason });
    const target = { conversationId, convSeq: 2 };
    await refused(b.client.editMessage({ ...target, text: 'forged' }), 'NOT_ALLOWED');
    await refused(b.client.recallMessage(target), 'NOT_ALLOWED');
    await refused(b.client.react({ conversationId, convSeq: 1, emoji: '👍', on: true }), 'TARGET_INVALID');
    await refused(b.client.react({ conversationId, convSeq: 99, emoji: '👍', on: true }), 'TARGET_INVALID');
    await refused(b.client.react({ ...target, emoji: 'x'.repeat(33), on: true }), 'MESSAGE_INVALID');
    await refused(a.client.editMessage({ ...target, text: '  ' }), 'MESSAGE_INVALID');
    expect(await at(a.client, 2)).toMatchObject({ recallableUntilMs: null });
    world.clock.jump(25 * 3_600_000);
    await world.advance(60_000, 1_000);
    await refused(a.client.editMessage({ ...target, text: 'too late' }), 'TOO_LATE');
    // An admin may take anything back at any time, and nothing twice.
    await world.finish(a.client.recallMessage(target));
    await refused(a.client.recallMessage(target), 'TARGET_INVALID');
    await world.advance(500);
    expect(world.server.sends.length).toBe(sends + 1);
  });

  it('reach a device that was away for long, also about what it had before a hole', async () => {
    const b = await world.loggedIn('bob');
    for (let index = 0; index < 40; index += 1) world.server.write(wireId, alice, `old ${index}`);
    await world.advance(2_000);
    offline();
    const event = (kind: number, body: Uint8Array, by = alice) => world.server.writeBody(wireId, by, kind, body);
    event(MessageKind.edit, editBody.encode({ targetSeq: 3, text: 'better', mentions: [], mentionAll: false }));
    event(MessageKind.recall, recallBody.encode({ targetSeq: 4 }));
    event(MessageKind.reaction, reactionBody.encode({ targetSeq: 5, emoji: '👍', removed: false }));
    for (let index = 0; index < 2_000; index += 1) world.server.write(wireId, alice, `later ${index}`);
    event(MessageKind.reaction, reactionBody.encode({ targetSeq: 5, emoji: '👍', removed: false }), bob);
    // Read elsewhere: nothing of it is filled in the background.
    world.server.moveCursor(wireId, bob, 0, world.server.history(wireId).length);
    online();
    await world.online(b.client);
    await world.advance(2_000);
    const page = await world.finish(
      b.client.messagesPage({ conversationId, anchor: { at: 'around', order: 4 }, limit: 10 }),
    );
    const views = new Map(page.messages.map((view) => [view.convSeq, view]));
    expect(views.get(3)).toMatchObject({ text: 'better', edited: true });
    expect(views.get(4)).toMatchObject({ text: '', recalled: { by: { name: 'ALICE' } } });
    expect(views.get(5)?.reactions).toMatchObject([{ emoji: '👍', count: 2, mine: true, names: ['ALICE', 'BOB'] }]);
  });

  it('show on a new device what is left of a message, never its words', async () => {
    const a = await world.loggedIn('alice');
    await send(a.client, 'secret');
    await world.advance(300);
    await world.finish(a.client.editMessage({ conversationId, convSeq: 2, text: 'secret again' }));
    await world.finish(a.client.recallMessage({ conversationId, convSeq: 2 }));
    await world.advance(1_000);
    const b = await world.loggedIn('bob');
    await world.advance(1_000);
    expect(await at(b.client, 2)).toMatchObject({ text: '', recalled: { mine: false, again: null } });
    const stored = await b.store.messages(1, { conversationId, fromSeq: 1, toSeq: 9, limit: 9, newestFirst: false });
    expect(JSON.stringify(stored)).not.toContain('secret');
  });

  it('deleted for me is gone on my devices, the next one too, and nowhere else', async () => {
    const [desk, a] = [await world.loggedIn('bob'), await world.loggedIn('alice')];
    for (const text of ['one', 'two', 'three']) await send(a.client, text);
    await world.advance(1_500);
    offline();
    const removed: string[] = [];
    desk.client.on('messages', (event) => removed.push(...event.removed));
    await world.finish(desk.client.deleteForMe({ conversationId, convSeqs: [2, 4] }));
    await world.advance(500);
    expect(removed).toHaveLength(2);
    expect((await world.conversation(desk.client, conversationId)).preview?.text).toBe('two');
    const laptopDevice = world.device();
    online();
    await world.online(desk.client);
    await world.advance(1_500);
    const laptop = await world.loggedIn('bob', laptopDevice);
    await world.advance(1_500);
    for (const { client } of [desk, laptop]) {
      const shown = await world.shown(client, conversationId);
      expect(shown.map(({ convSeq }) => convSeq)).toEqual([1, 3]);
      expect((await world.conversation(client, conversationId)).preview?.text).toBe('two');
    }
    await world.finish(laptop.client.deleteForMe({ conversationId, convSeqs: [3] }));
    await world.advance(1_500);
    expect(await world.shown(desk.client, conversationId)).toHaveLength(1);
    expect(await world.shown(a.client, conversationId)).toHaveLength(4);
  });

  it('what was deleted for me elsewhere is asked for until the server answers', async () => {
    const [desk, laptop] = [await world.loggedIn('bob'), await world.loggedIn('bob')];
    await send(desk.client, 'one');
    await world.advance(1_500);
    let refused = 0;
    world.server.refuse = (cmd) => {
      if (cmd !== Command.hidden || refused === 2) return undefined;
      refused += 1;
      return { reason: 'UNAVAILABLE' };
    };
    await world.finish(desk.client.deleteForMe({ conversationId, convSeqs: [2] }));
    await world.advance(10_000);
    expect(refused).toBe(2);
    const shown = await world.shown(laptop.client, conversationId);
    expect(shown.map(({ convSeq }) => convSeq)).toEqual([1]);
  });

  it('what was deleted for me while it was asked for is asked for again', async () => {
    const [desk, laptop] = [await world.loggedIn('bob'), await world.loggedIn('bob')];
    for (const text of ['one', 'two']) await send(desk.client, text);
    await world.advance(1_500);
    // The first answer is on its way for long.
    let slow = 1;
    world.server.network.fate = ({ direction, cmd }) => {
      if (direction !== 'down' || cmd !== Command.hidden || slow === 0) return 'deliver';
      slow -= 1;
      return { delayMs: 1_000 };
    };
    await world.finish(desk.client.deleteForMe({ conversationId, convSeqs: [2] }));
    await world.advance(300);
    await world.finish(desk.client.deleteForMe({ conversationId, convSeqs: [3] }));
    await world.advance(3_000);
    expect(slow).toBe(0);
    const shown = await world.shown(laptop.client, conversationId);
    expect(shown.map(({ convSeq }) => convSeq)).toEqual([1]);
  });

  it('a refusal that does not fit on the disk is heard again', async () => {
    const a = await world.loggedIn('alice');
    let isFull = false;
    world.server.refuse = (cmd) => {
      if (cmd !== Command.send) return undefined;
      isFull = true;
      return { reason: 'NOT_ALLOWED' };
    };
    a.store.beforeWrite = () => {
      if (isFull) throw new StoreError('full', 'no space left');
    };
    await send(a.client, 'refused');
    await world.advance(500);
    const status = async () => (await world.shown(a.client, conversationId)).at(-1)?.status;
    expect([isFull, await status()]).toEqual([true, 'sending']);
    a.store.beforeWrite = undefined;
    await world.advance(10_000);
    expect(await status()).toBe('failed');
  });

  it('a reply shows what it answers as it is now, also when that was not here', async () => {
    for (let index = 0; index < 200; index += 1) world.server.write(wireId, alice, `m${index}`);
    const [a, b] = [await world.loggedIn('alice'), await world.loggedIn('bob')];
    await world.finish(b.client.sendMessage({ conversationId, text: 'yes', replyTo: 5 }));
    await world.advance(2_000);
    const replies = async (client: Client) => (await at(client, 202)).reply;
    expect(await replies(a.client)).toEqual({ convSeq: 5, state: 'shown', senderName: 'ALICE', text: 'm3' });
    const seen: string[] = [];
    b.client.on('messages', ({ changed }) => {
      for (const view of changed) if (view.convSeq === 202) seen.push(view.reply?.state ?? '');
    });
    await world.finish(a.client.recallMessage({ conversationId, convSeq: 5 }));
    await world.advance(2_000);
    expect(seen.at(-1)).toBe('recalled');
    await expect(world.finish(b.client.sendMessage({ conversationId, text: 'x', replyTo: 999 }))).rejects.toMatchObject(
      { reason: 'TARGET_INVALID' },
    );
  });

  it('forwards words, with who wrote them first, to several conversations in order', async () => {
    const carol = world.server.addUser('carol');
    const [one, two] = [world.server.openDirect(alice, carol), world.server.openDirect(alice, bob)];
    const a = await world.loggedIn('alice');
    world.server.write(wireId, bob, 'first');
    world.server.write(wireId, bob, 'second');
    await world.advance(2_000);
    const to = [one.toString(), two.toString()];
    await world.finish(a.client.forwardMessages({ conversationId, convSeqs: [3, 2], to }));
    await world.advance(1_000);
    for (const id of to) {
      const shown = await world.shown(a.client, id);
      expect(shown.map(({ text, forwardedFrom }) => [text, forwardedFrom?.name])).toEqual([
        ['first', 'BOB'],
        ['second', 'BOB'],
      ]);
    }
    await expect(world.finish(a.client.forwardMessages({ conversationId, convSeqs: [1], to }))).rejects.toMatchObject({
      reason: 'TARGET_INVALID',
    });
    await expect(
      world.finish(a.client.forwardMessages({ conversationId, convSeqs: [2], to: Array(10).fill('7') })),
    ).rejects.toMatchObject({ reason: 'TOO_MANY' });
  });

  it('finds words as they are now, and no others', async () => {
    const a = await world.loggedIn('alice');
    for (const text of ['我们去爬山', 'a walk', 'secret plan']) await send(a.client, text);
    await world.advance(500);
    await world.finish(a.client.editMessage({ conversationId, convSeq: 3, text: 'a hike' }));
    await world.finish(a.client.recallMessage({ conversationId, convSeq: 4 }));
    await world.advance(1_000);
    const found = async (query: string) => {
      const { hits } = await world.finish(a.client.searchMessages({ query, limit: 10 }));
      return hits.map(({ message, conversationTitle }) => [message.text, conversationTitle]);
    };
    expect(await found('爬')).toEqual([['我们去爬山', 'hikers']]);
    expect(await found('hike')).toEqual([['a hike', 'hikers']]);
    expect(await found('walk')).toEqual([]);
    expect(await found('secret')).toEqual([]);
  });
});
