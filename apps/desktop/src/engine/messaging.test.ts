import { Command, MsgType } from '@fastim/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Client } from './client.ts';
import { textsOf, World } from './testing/index.ts';

const drain = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('two people', () => {
  let world: World;
  let alice: bigint;
  let bob: bigint;
  let wireId: bigint;
  let conversationId: string;

  beforeEach(() => {
    world = new World(drain);
    alice = world.server.addUser('alice');
    bob = world.server.addUser('bob');
    wireId = world.server.openDirect(alice, bob);
    conversationId = wireId.toString();
  });

  const send = (client: Client, text: string) => world.finish(client.sendMessage({ conversationId, text }));
  const stored = () => textsOf(world.server.history(wireId));
  const allStored = (count: number) => world.until(() => world.server.history(wireId).length >= count);

  it('see each other’s messages, with ticks that rise from sending to read', async () => {
    const a = await world.loggedIn('alice');
    const b = await world.loggedIn('bob');
    const statuses: string[] = [];
    a.client.on('messages', ({ changed }) => statuses.push(...changed.map(({ status }) => status)));
    await send(a.client, 'hello 你好');
    await world.advance(200);
    expect(await world.shown(b.client, conversationId)).toMatchObject([
      { text: 'hello 你好', mine: false, convSeq: 1 },
    ]);
    expect((await world.conversation(b.client, conversationId)).unread).toBe(1);
    await world.finish(b.client.markRead({ conversationId, convSeq: 1 }));
    await world.advance(200);
    expect(statuses).toEqual(['sending', 'stored', 'delivered', 'read']);
    expect((await world.conversation(b.client, conversationId)).unread).toBe(0);
    expect(await world.conversation(a.client, conversationId)).toMatchObject({
      peerReadSeq: 1,
      preview: { text: 'hello 你好', mine: true, status: 'read' },
    });
  });

  it('have one message for one key, however often the send is repeated', async () => {
    const a = await world.loggedIn('alice');
    const key = '0192f0c0ffee000102030405060708ab';
    world.server.network.down = true;
    world.server.network.cutAll();
    const call = { conversationId, text: 'once', key };
    const first = await world.finish(a.client.sendMessage(call));
    expect(first).toMatchObject({ key, status: 'sending' });
    expect(await world.finish(a.client.sendMessage(call))).toEqual(first);
    await expect(world.finish(a.client.sendMessage({ ...call, text: 'other' }))).rejects.toMatchObject({
      reason: 'ID_REUSED',
    });
    world.server.network.down = false;
    await allStored(1);
    await world.advance(1_000);
    expect(await world.finish(a.client.sendMessage(call))).toMatchObject({ key, convSeq: 1, status: 'stored' });
    await world.advance(1_000);
    expect(stored()).toEqual(['once']);
    expect(await world.shown(a.client, conversationId)).toMatchObject([{ key, convSeq: 1 }]);
  });

  it('write offline, and everything goes out once and in order when the network is back', async () => {
    const a = await world.loggedIn('alice');
    world.server.network.down = true;
    world.server.network.cutAll();
    await world.advance(100);
    expect((await a.client.app()).connection.state).toBe('offline');
    for (let index = 0; index < 30; index += 1) await send(a.client, `m${index}`);
    const page = await world.shown(a.client, conversationId);
    expect(page.map(({ status }) => status)).toEqual(Array(30).fill('sending'));
    expect((await world.conversation(a.client, conversationId)).unsent).toBe(30);
    await world.advance(3_600_000, 5_000);
    world.server.network.down = false;
    await allStored(30);
    await world.advance(500);
    expect((await world.conversation(a.client, conversationId)).unsent).toBe(0);
    expect(stored()).toEqual(Array.from({ length: 30 }, (_, index) => `m${index}`));
    expect((await world.shown(a.client, conversationId)).map(({ status }) => status)).toEqual(Array(30).fill('stored'));
  });

  it('get one message when its ack is lost: the same id goes out again', async () => {
    const a = await world.loggedIn('alice');
    let lost = 0;
    world.server.network.fate = ({ direction, cmd }) => {
      if (direction === 'down' && cmd === Command.send && lost < 2) {
        lost += 1;
        return 'lose';
      }
      return 'deliver';
    };
    await send(a.client, 'once');
    await send(a.client, 'twice?');
    await world.until(async () =>
      (await world.shown(a.client, conversationId)).every(({ status }) => status === 'stored'),
    );
    expect(stored()).toEqual(['once', 'twice?']);
    expect(world.server.sends.length).toBeGreaterThan(2);
    expect(new Set(world.server.sends).size).toBe(2);
  });

  it('lose nothing when the server dies between taking a message and acknowledging it', async () => {
    const a = await world.loggedIn('alice');
    world.server.network.fate = ({ direction, cmd }) =>
      direction === 'down' && cmd === Command.send ? 'lose' : 'deliver';
    await send(a.client, 'first');
    await send(a.client, 'second');
    await allStored(2);
    world.server.network.fate = () => 'deliver';
    world.server.restart();
    await world.until(async () =>
      (await world.shown(a.client, conversationId)).every(({ status }) => status === 'stored'),
    );
    expect(stored()).toEqual(['first', 'second']);
    expect(await world.shown(a.client, conversationId)).toHaveLength(2);
  });

  it.each([
    ['before it is stored', 'apply', 0],
    ['once it is stored and not sent', undefined, 0],
    ['when it is on its way', undefined, 6],
    ['when the server has it and the ack is on its way', undefined, 14],
    ['when the ack is being stored', 'apply-ack', 0],
  ] as const)('keep a message whose client dies %s', async (_when, dieAt, dieAfterMs) => {
    const a = await world.loggedIn('alice');
    await send(a.client, 'zero');
    await world.advance(200);
    let writes = 0;
    if (dieAt) {
      a.store.beforeWrite = () => {
        writes += 1;
        if (writes === (dieAt === 'apply' ? 1 : 2)) a.crash();
      };
    }
    const call = a.client.sendMessage({ conversationId, text: 'one' });
    const accepted = await world.finish(call).then(
      () => true,
      () => false,
    );
    if (!dieAt) await world.advance(dieAfterMs, 1);
    else await world.advance(200);
    a.crash();
    const next = await world.rebooted(a.device);
    await world.online(next.client);
    await world.advance(2_000);
    expect(stored()).toEqual(accepted ? ['zero', 'one'] : ['zero']);
    const shown = await world.shown(next.client, conversationId);
    expect(shown.map(({ text, status }) => [text, status])).toEqual(stored().map((text) => [text, 'stored']));
  });

  it('keep the order over restarts of the client with messages in the outbox', async () => {
    const a = await world.loggedIn('alice');
    world.server.network.down = true;
    world.server.network.cutAll();
    for (const text of ['a', 'b', 'c']) await send(a.client, text);
    a.crash();
    const second = await world.rebooted(a.device);
    for (const text of ['d', 'e']) await send(second.client, text);
    second.crash();
    world.server.network.down = false;
    const third = await world.rebooted(a.device);
    await send(third.client, 'f');
    await allStored(6);
    expect(stored()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  });

  it('see a message of theirs that comes back by a pull before its ack only once', async () => {
    const a = await world.loggedIn('alice');
    world.server.network.fate = ({ direction, cmd, msgType }) =>
      direction === 'down' && cmd === Command.send && msgType === MsgType.response ? 'lose' : 'deliver';
    await send(a.client, 'mine');
    await allStored(1);
    // The sync after the reconnect brings it; no answer to a SEND ever does.
    world.server.network.cutAll();
    await world.until(async () => (await world.shown(a.client, conversationId))[0]?.status === 'stored');
    expect(await world.shown(a.client, conversationId)).toHaveLength(1);
    world.server.network.fate = () => 'deliver';
    await world.advance(60_000, 100);
    expect(await world.shown(a.client, conversationId)).toHaveLength(1);
    expect(stored()).toEqual(['mine']);
  });

  it('are told of a refusal for good, and may try again or discard', async () => {
    const a = await world.loggedIn('alice');
    world.server.refuse = (cmd) => (cmd === Command.send ? { reason: 'NOT_ALLOWED' } : undefined);
    const view = await send(a.client, 'refused');
    await send(a.client, 'too');
    await world.advance(200);
    const failed = await world.shown(a.client, conversationId);
    expect(failed).toMatchObject([
      { text: 'refused', status: 'failed', failure: 'NOT_ALLOWED' },
      { text: 'too', status: 'failed', failure: 'NOT_ALLOWED' },
    ]);
    // Over a restart as well.
    a.crash();
    const next = await world.rebooted(a.device);
    await world.online(next.client);
    world.server.refuse = () => undefined;
    await world.advance(5_000);
    expect(stored()).toEqual([]);
    const removed: string[] = [];
    const unsent = [(await world.conversation(next.client, conversationId)).unsent];
    next.client.on('messages', (event) => removed.push(...event.removed));
    next.client.on('conversations', (views) => unsent.push(...views.map((one) => one.unsent)));
    await world.finish(next.client.discardMessage({ key: failed[1]!.key }));
    await world.finish(next.client.retryMessage({ key: view.key }));
    await world.advance(200);
    expect([...new Set(unsent)]).toEqual([2, 1, 0]);
    expect(removed).toEqual([failed[1]!.key]);
    expect(stored()).toEqual(['refused']);
    expect(await world.shown(next.client, conversationId)).toMatchObject([{ text: 'refused', status: 'stored' }]);
    await expect(world.finish(next.client.discardMessage({ key: view.key }))).rejects.toMatchObject({
      reason: 'NOT_FOUND',
    });
  });

  it.each(['RATE_LIMITED', 'OVERLOADED', 'STORAGE_FULL', 'UNAVAILABLE', 'INTERNAL', 'TIMEOUT'] as const)(
    'wait while the server answers %s, without a red mark, and keep the order',
    async (reason) => {
      const a = await world.loggedIn('alice');
      const until = world.clock.now() + 20_000;
      world.server.refuse = (cmd) =>
        cmd === Command.send && world.clock.now() < until ? { reason, retryAfterMs: 2_000 } : undefined;
      // More than may be on the wire at once.
      const texts = Array.from({ length: 100 }, (_, index) => `m${index}`);
      for (const text of texts) await send(a.client, text);
      await world.advance(15_000, 100);
      expect(new Set((await world.shown(a.client, conversationId)).map(({ status }) => status))).toEqual(
        new Set(['sending']),
      );
      // As seldom as it was asked to, not as fast as it can.
      expect(world.server.handled.get(Command.send)).toBeLessThan(1_500);
      await allStored(100);
      expect(stored()).toEqual(texts);
    },
  );

  it('give up a message that the server has put off for a day, and never one that was offline as long', async () => {
    const a = await world.loggedIn('alice');
    world.server.network.down = true;
    world.server.network.cutAll();
    await send(a.client, 'patient');
    await world.advance(48 * 3_600_000, 60_000);
    expect(await world.shown(a.client, conversationId)).toMatchObject([{ status: 'sending' }]);
    world.server.refuse = (cmd) => (cmd === Command.send ? { reason: 'STORAGE_FULL' } : undefined);
    world.server.network.down = false;
    await world.online(a.client);
    await world.advance(23 * 3_600_000, 20_000);
    expect(await world.shown(a.client, conversationId)).toMatchObject([{ status: 'sending' }]);
    await world.advance(2 * 3_600_000, 20_000);
    expect(await world.shown(a.client, conversationId)).toMatchObject([{ status: 'failed', failure: 'STORAGE_FULL' }]);
  });

  it('cannot send what is empty, too long or to nobody', async () => {
    const a = await world.loggedIn('alice');
    const attempt = (text: string, to = conversationId) =>
      world.finish(a.client.sendMessage({ conversationId: to, text }));
    await expect(attempt(' \n ')).rejects.toMatchObject({ reason: 'MESSAGE_INVALID' });
    await expect(attempt('好'.repeat(5_462))).rejects.toMatchObject({ reason: 'MESSAGE_TOO_LONG' });
    await expect(attempt('hi', '77')).rejects.toMatchObject({ reason: 'NOT_FOUND' });
    await attempt('好'.repeat(5_461));
    await attempt('half a pair \ud83d');
    await allStored(2);
    expect(stored()[1]).toBe('half a pair \ufffd');
    expect((await world.shown(a.client, conversationId))[1]?.text).toBe('half a pair \ufffd');
  });

  it('never see a message fall back while a page of it is being read', async () => {
    const a = await world.loggedIn('alice');
    const log: string[] = [];
    world.server.network.fate = ({ direction, cmd }) =>
      direction === 'down' && cmd === Command.send ? { delayMs: 50 } : 'deliver';
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const read = a.store.messages.bind(a.store);
    let reads = 0;
    a.store.messages = async (generation, query) => {
      reads += 1;
      // The first looks for holes, those after it are the page.
      if (reads > 1) await held;
      return read(generation, query);
    };
    // As every store on a disk, this one answers in a later turn.
    const apply = a.store.apply.bind(a.store);
    a.store.apply = async (generation, batch) => {
      await drain();
      return apply(generation, batch);
    };
    await send(a.client, 'hello');
    a.client.on('messages', ({ changed }) => log.push(...changed.map(({ status }) => `event ${status}`)));
    void a.client.messagesPage({ conversationId, anchor: { at: 'newest' }, limit: 10 }).then(({ messages }) => {
      log.push(...messages.map(({ status }) => `page ${status}`));
    });
    await allStored(1);
    await world.advance(100);
    release();
    await world.advance(100);
    expect(log).toEqual(['page sending', 'event stored']);
  });

  it('read on one device, and the other device’s unread clears', async () => {
    const desk = await world.loggedIn('bob');
    const laptop = await world.loggedIn('bob');
    for (let index = 0; index < 5; index += 1) world.server.write(wireId, alice, `m${index}`);
    await world.advance(300);
    for (const { client } of [desk, laptop]) expect((await world.conversation(client, conversationId)).unread).toBe(5);
    await world.finish(desk.client.markRead({ conversationId, convSeq: 3 }));
    await world.advance(300);
    for (const { client } of [desk, laptop]) {
      expect(await world.conversation(client, conversationId)).toMatchObject({ unread: 2, readSeq: 3 });
    }
    expect(world.server.unread(wireId, bob)).toBe(2);
    // What is written on one device is read up to there on the other.
    await send(laptop.client, 'answer');
    await world.advance(300);
    for (const { client } of [desk, laptop]) expect((await world.conversation(client, conversationId)).unread).toBe(0);
    expect((await world.shown(desk.client, conversationId)).at(-1)).toMatchObject({ text: 'answer', mine: true });
  });

  it('read offline, and the server hears of it after the restart', async () => {
    const b = await world.loggedIn('bob');
    for (let index = 0; index < 3; index += 1) world.server.write(wireId, alice, `m${index}`);
    await world.advance(300);
    world.server.network.down = true;
    world.server.network.cutAll();
    await world.finish(b.client.markRead({ conversationId, convSeq: 2 }));
    expect((await world.conversation(b.client, conversationId)).unread).toBe(1);
    b.crash();
    world.server.network.down = false;
    const next = await world.rebooted(b.device);
    await world.online(next.client);
    await world.advance(1_000);
    expect(world.server.cursorsOf(wireId, bob)).toMatchObject({ readSeq: 2, deliveredSeq: 3 });
    expect((await world.conversation(next.client, conversationId)).unread).toBe(1);
  });
});
