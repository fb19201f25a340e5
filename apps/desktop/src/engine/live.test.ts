import { Command, presencePush, readersPush } from '@fastim/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { World } from './testing/index.ts';

const drain = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('what is true of the moment', () => {
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

  const handled = (cmd: number) => world.server.handled.get(cmd) ?? 0;

  it('typing shows by name, ends by itself or with the message, and is told once in three seconds', async () => {
    const [a, b] = [await world.loggedIn('alice'), await world.loggedIn('bob')];
    const seen: string[][] = [];
    b.client.on('typing', ({ names }) => seen.push(names));
    for (let index = 0; index < 10; index += 1) {
      await world.finish(a.client.typing({ conversationId }));
      await world.advance(200);
    }
    expect(handled(Command.typing)).toBe(1);
    expect(seen).toEqual([['ALICE']]);
    await world.advance(5_000);
    expect(seen).toEqual([['ALICE'], []]);
    await world.finish(a.client.typing({ conversationId }));
    await world.advance(100);
    await world.finish(a.client.sendMessage({ conversationId, text: 'done' }));
    await world.advance(200);
    expect(seen).toEqual([['ALICE'], [], ['ALICE'], []]);
    // After the message the next word is told at once.
    await world.finish(a.client.typing({ conversationId }));
    expect(handled(Command.typing)).toBe(2);
    await world.advance(100);
    expect(handled(Command.typing)).toBe(3);
    world.server.network.down = true;
    world.server.network.cutAll();
    await world.advance(100);
    expect(seen.at(-1)).toEqual([]);
    await world.finish(a.client.typing({ conversationId }));
    await expect(world.finish(a.client.typing({ conversationId: '5' }))).rejects.toMatchObject({ reason: 'NOT_FOUND' });
  });

  it('typing in a large group is not told to anybody', async () => {
    const members = Array.from({ length: 50 }, (_, index) => world.server.addUser(`user${index}`));
    const small = world.server.createGroup(alice, 'small', members.slice(1)).toString();
    const large = world.server.createGroup(alice, 'large', members).toString();
    const a = await world.loggedIn('alice');
    await world.finish(a.client.typing({ conversationId: large }));
    await world.advance(100);
    expect(handled(Command.typing)).toBe(0);
    await world.finish(a.client.typing({ conversationId: small }));
    await world.advance(100);
    expect(handled(Command.typing)).toBe(1);
  });

  it('presence of those who are watched is known at once, told when it changes, and asked for again', async () => {
    const b = await world.loggedIn('bob');
    const userIds = [alice.toString()];
    expect(await world.finish(b.client.watchPresence({ userIds }))).toMatchObject([{ state: 'offline' }]);
    const seen: string[] = [];
    b.client.on('presence', (views) => seen.push(...views.map(({ state }) => state)));
    const push = (online: boolean, userId = alice) =>
      presencePush.encode({ presences: [{ userId, online, hidden: false, lastSeenMs: 0 }] });
    world.server.pushTo(bob, Command.presencePush, push(true));
    world.server.pushTo(bob, Command.presencePush, push(true));
    world.server.pushTo(bob, Command.presencePush, push(true, 77n));
    await world.advance(100);
    expect(seen).toEqual(['online']);
    // A lost push is found within a minute.
    await world.advance(61_000, 500);
    expect(seen).toEqual(['online', 'offline']);
    const asked = handled(Command.presence);
    world.server.network.cutAll();
    await world.advance(3_000);
    expect(handled(Command.presence)).toBe(asked + 1);
    expect(await world.finish(b.client.watchPresence({ userIds: [] }))).toEqual([]);
    await world.advance(200_000, 1_000);
    expect(handled(Command.presence)).toBe(asked + 2);
  });

  it('tells which group is on the screen, again after a reconnect, and hears when somebody reads on there', async () => {
    const group = world.server.createGroup(alice, 'hikers', [bob]).toString();
    const b = await world.loggedIn('bob');
    const viewing = () => [...world.server.state.connections].map((connection) => connection.viewing.toString());
    await world.finish(b.client.setOpenConversation({ conversationId: group }));
    await world.advance(100);
    expect(viewing()).toEqual([group]);
    world.server.network.cutAll();
    await world.advance(3_000);
    expect(viewing()).toEqual([group]);
    const read: string[] = [];
    b.client.on('readers', (event) => read.push(event.conversationId));
    world.server.pushTo(bob, Command.readersPush, readersPush.encode({ conversationIds: [BigInt(group)] }));
    await world.advance(100);
    expect(read).toEqual([group]);
    await world.finish(b.client.setOpenConversation({ conversationId }));
    await world.advance(100);
    expect(viewing()).toEqual(['0']);
  });

  it('names are learned in batches, shown when they come, and kept', async () => {
    const others = Array.from({ length: 120 }, (_, index) => world.server.addUser(`user${index}`));
    const group = world.server.createGroup(alice, 'hikers', [bob, ...others]);
    for (const userId of others) world.server.write(group, userId, 'hi');
    const b = await world.loggedIn('bob');
    const seen = new Map<number, string>();
    b.client.on('messages', ({ changed }) => {
      for (const { order, senderName } of changed) seen.set(order, senderName);
    });
    const page = await world.finish(
      b.client.messagesPage({ conversationId: group.toString(), anchor: { at: 'newest' }, limit: 120 }),
    );
    expect(page.messages.some(({ senderName }) => senderName === '')).toBe(true);
    await world.advance(2_000);
    for (let index = 0; index < 120; index += 1) expect(seen.get(index + 2)).toBe(`USER${index}`);
    expect(handled(Command.profiles)).toBeLessThanOrEqual(4);
    b.crash();
    const next = await world.rebooted(b.device);
    const kept = await world.shown(next.client, group.toString());
    expect(kept.every(({ senderName }) => senderName !== '')).toBe(true);
  });

  it('devices are listed and ended, privacy is set, over HTTP', async () => {
    const [desk, laptop] = [await world.loggedIn('bob'), await world.loggedIn('bob')];
    const devices = await world.finish(desk.client.devices());
    expect(devices.map(({ current, online }) => [current, online])).toEqual([
      [true, true],
      [false, true],
    ]);
    const other = devices.find(({ current }) => !current)!;
    await world.finish(desk.client.endDevice({ sessionId: other.sessionId }));
    await world.advance(200);
    expect((await laptop.client.app()).connection).toEqual({ state: 'ended', reason: 'logged-out' });
    expect(await world.finish(desk.client.devices())).toHaveLength(1);
    await expect(world.finish(desk.client.endDevice({ sessionId: '99' }))).rejects.toMatchObject({
      reason: 'NOT_FOUND',
    });
    expect(await world.finish(desk.client.privacy())).toEqual({ showOnline: true });
    expect(await world.finish(desk.client.setPrivacy({ showOnline: false }))).toEqual({ showOnline: false });
    const a = await world.loggedIn('alice');
    expect(await world.finish(a.client.watchPresence({ userIds: [bob.toString()] }))).toMatchObject([
      { state: 'hidden' },
    ]);
  });

  it('a cursor that the server refuses is told once, and the state is asked for', async () => {
    const b = await world.loggedIn('bob');
    for (let index = 0; index < 4; index += 1) world.server.write(wireId, alice, `m${index}`);
    await world.advance(500);
    world.server.state.conversation(wireId)!.messages.splice(2);
    const asked = [Command.cursor, Command.conversations].map(handled);
    await world.finish(b.client.markRead({ conversationId, convSeq: 4 }));
    await world.advance(10_000, 50);
    expect([Command.cursor, Command.conversations].map(handled)).toEqual([asked[0]! + 1, asked[1]! + 1]);
  });
});
