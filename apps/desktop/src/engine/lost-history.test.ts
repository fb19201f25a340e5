import { Command } from '@fastim/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Client } from './client.ts';
import { textsOf, World } from './testing/index.ts';

const drain = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a device whose server was restored from a backup', () => {
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

  const write = (senderId: bigint, from: number, to: number, name = 'm') => {
    for (let index = from; index <= to; index += 1) world.server.write(wireId, senderId, `${name}${index}`);
  };
  const history = () => textsOf(world.server.history(wireId));
  const shown = async (client: Client) => (await world.shown(client, conversationId)).map(({ text }) => text);

  /** The server goes away, loses what came after `headSeq`, and comes back after `meanwhile`. */
  async function restore(headSeq: number, meanwhile: () => void = () => undefined): Promise<void> {
    world.server.network.down = true;
    world.server.network.cutAll();
    await world.advance(100);
    world.server.loseAfter(wireId, headSeq);
    meanwhile();
    world.server.network.down = false;
  }

  it('shows what is sent after the restore, in place of what was lost', async () => {
    const b = await world.loggedIn('bob');
    write(alice, 1, 10);
    await world.advance(500);
    await world.finish(b.client.markRead({ conversationId, convSeq: 10 }));
    await restore(6);
    await world.online(b.client);
    expect(await shown(b.client)).toEqual(['m1', 'm2', 'm3', 'm4', 'm5', 'm6']);
    write(alice, 7, 9, 'new');
    await world.advance(1_000);
    expect(await shown(b.client)).toEqual(history());
    expect(await world.conversation(b.client, conversationId)).toMatchObject({
      headSeq: 9,
      unread: 3,
      preview: { text: 'new9' },
    });
    await world.finish(b.client.markRead({ conversationId, convSeq: 9 }));
    await world.advance(200);
    expect(world.server.cursorsOf(wireId, bob)).toMatchObject({ readSeq: 9, deliveredSeq: 9 });
  });

  it.each([
    ['fewer', 3],
    ['as many', 4],
    ['more', 9],
    ['many more', 400],
  ])('finds that out when %s messages have come since', async (_what, count) => {
    const b = await world.loggedIn('bob');
    write(alice, 1, 10);
    await world.advance(500);
    await restore(6, () => write(alice, 7, 6 + count, 'new'));
    await world.online(b.client);
    await world.advance(5_000);
    expect(await shown(b.client)).toEqual(history());
    b.crash();
    const next = await world.rebooted(b.device);
    await world.online(next.client);
    expect(await shown(next.client)).toEqual(history());
  });

  it('tells whoever shows it what is gone and what is new', async () => {
    const b = await world.loggedIn('bob');
    const screen = new Map<string, { order: number; text: string }>();
    b.client.on('messages', ({ changed, removed }) => {
      for (const key of removed) screen.delete(key);
      for (const { key, order, text } of changed) screen.set(key, { order, text });
    });
    write(alice, 1, 10);
    await world.advance(500);
    await restore(6, () => write(alice, 7, 8, 'new'));
    await world.online(b.client);
    await world.advance(1_000);
    const rows = [...screen.values()].sort((one, other) => one.order - other.order);
    expect(rows.map(({ text }) => text)).toEqual(history());
  });

  it('sends what was lost of its own again, once, from however many devices', async () => {
    const [a, a2, b] = [await world.loggedIn('alice'), await world.loggedIn('alice'), await world.loggedIn('bob')];
    write(bob, 1, 3);
    for (let index = 4; index <= 8; index += 1) {
      await world.finish(a.client.sendMessage({ conversationId, text: `m${index}` }));
      await world.advance(50);
    }
    await world.finish(b.client.sendMessage({ conversationId, text: 'from bob' }));
    await world.advance(500);
    expect(await shown(a2.client)).toHaveLength(9);
    await restore(5);
    for (const { client } of [a, a2, b]) await world.online(client);
    await world.advance(10_000);
    expect(history().slice(0, 5)).toEqual(['m1', 'm2', 'm3', 'm4', 'm5']);
    expect(history().filter((text) => text !== 'from bob')).toEqual(['m1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7', 'm8']);
    expect(history()).toHaveLength(9);
    for (const { client } of [a, a2, b]) expect(await shown(client)).toEqual(history());
    expect((await world.conversation(a.client, conversationId)).unsent).toBe(0);
  });

  it('is not misled by what comes before it could ask', async () => {
    const b = await world.loggedIn('bob');
    write(alice, 1, 10);
    await world.advance(500);
    await restore(6, () => write(alice, 7, 10, 'new'));
    // The first connections break before the question is answered, but bring the next message.
    world.server.refuse = (cmd) => (cmd === Command.history ? { reason: 'UNAVAILABLE' } : undefined);
    await world.until(() => world.server.network.connections > 0);
    await world.advance(100);
    write(alice, 11, 11, 'new');
    await world.advance(500);
    world.server.network.cutAll();
    world.server.refuse = () => undefined;
    await world.online(b.client);
    await world.advance(2_000);
    expect(await shown(b.client)).toEqual(history());
  });

  it('goes on when a whole conversation is gone', async () => {
    const b = await world.loggedIn('bob');
    const carol = world.server.addUser('carol');
    write(alice, 1, 3);
    const other = world.server.openDirect(bob, carol);
    world.server.write(other, carol, 'younger than the backup');
    await world.advance(500);
    world.server.forget(other);
    await restore(2, () => write(alice, 3, 5, 'new'));
    await world.online(b.client);
    await world.advance(1_000);
    expect(await shown(b.client)).toEqual(history());
  });
});

it('an ordinary reconnect asks for the list alone and changes nothing', async () => {
  const world = new World(drain);
  const [alice, bob] = [world.server.addUser('alice'), world.server.addUser('bob')];
  const others = Array.from({ length: 5 }, (_, index) =>
    world.server.openDirect(bob, world.server.addUser(`p${index}`)),
  );
  const wireId = world.server.openDirect(alice, bob);
  const b = await world.loggedIn('bob');
  for (const id of [...others, wireId]) world.server.write(id, id === wireId ? alice : bob, 'hello');
  await world.advance(500);
  const asked = () => [Command.history, Command.sync].map((cmd) => world.server.handled.get(cmd) ?? 0);
  const before = asked();
  const events: string[] = [];
  b.client.on('messages', () => events.push('messages'));
  world.server.restart();
  await world.online(b.client);
  await world.advance(60_000, 100);
  expect(asked()).toEqual([before[0]!, before[1]! + 1]);
  expect(events).toEqual([]);
});
