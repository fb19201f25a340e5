import { Command, MsgType } from '@fastim/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { StoreError } from './store.ts';
import { type FrameInTransit, textsOf, World } from './testing/index.ts';

const drain = () => new Promise<void>((resolve) => setImmediate(resolve));
const isPush = ({ direction, cmd }: FrameInTransit) => direction === 'down' && cmd === Command.messages;

describe('a receiving device', () => {
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

  const write = (count: number, from = 1) => {
    for (let index = 0; index < count; index += 1) world.server.write(wireId, alice, `m${from + index}`);
  };
  const everything = () => ({ conversationId, fromSeq: 1, toSeq: 1_000, limit: 1_000, newestFirst: false });
  const pulls = () => world.server.handled.get(Command.history) ?? 0;

  it('puts pushes in order when the network does not, without a pull', async () => {
    const b = await world.loggedIn('bob');
    let count = 0;
    world.server.network.fate = (frame) => {
      if (!isPush(frame)) return 'deliver';
      count += 1;
      return { delayMs: (10 - count) * 30 };
    };
    const seen: number[] = [];
    b.client.on('messages', ({ changed }) => seen.push(...changed.map(({ order }) => order)));
    write(10);
    await world.advance(1_000);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(pulls()).toBe(0);
  });

  it('takes a doubled push once, and tells the server again how far it is', async () => {
    const b = await world.loggedIn('bob');
    world.server.network.fate = (frame) => (isPush(frame) ? 'double' : 'deliver');
    const seen: number[] = [];
    b.client.on('messages', ({ changed }) => seen.push(...changed.map(({ order }) => order)));
    write(3);
    await world.advance(500);
    expect(seen).toEqual([1, 2, 3]);
    world.server.network.fate = () => 'deliver';
    const cursors = world.server.handled.get(Command.cursor) ?? 0;
    world.server.pushAgain(wireId);
    await world.advance(500);
    expect(world.server.handled.get(Command.cursor)).toBe(cursors + 1);
    expect(seen).toEqual([1, 2, 3]);
  });

  it('pulls a gap after half a second, not before', async () => {
    const b = await world.loggedIn('bob');
    let count = 0;
    world.server.network.fate = (frame) => {
      if (!isPush(frame)) return 'deliver';
      count += 1;
      return count >= 2 && count <= 4 ? 'lose' : 'deliver';
    };
    write(6);
    await world.advance(490);
    expect(pulls()).toBe(0);
    expect(await world.shown(b.client, conversationId)).toHaveLength(1);
    expect(world.server.cursorsOf(wireId, bob).deliveredSeq).toBe(1);
    await world.advance(200);
    expect(pulls()).toBe(1);
    expect((await world.shown(b.client, conversationId)).map(({ text }) => text)).toEqual(
      textsOf(world.server.history(wireId)),
    );
    expect(world.server.cursorsOf(wireId, bob).deliveredSeq).toBe(6);
  });

  it('repairs a lost last push within one heartbeat', async () => {
    const b = await world.loggedIn('bob');
    world.server.network.fate = (frame) => (isPush(frame) ? 'lose' : 'deliver');
    write(1);
    await world.advance(40_000, 100);
    expect(await world.shown(b.client, conversationId)).toHaveLength(1);
    expect((await world.conversation(b.client, conversationId)).unread).toBe(1);
  });

  it('finds what the peer wrote before its own message, when that push was lost', async () => {
    const b = await world.loggedIn('bob');
    let lost = false;
    world.server.network.fate = (frame) => {
      if (!isPush(frame) || lost) return 'deliver';
      lost = true;
      return 'lose';
    };
    write(1);
    const seen: string[] = [];
    b.client.on('messages', ({ changed }) => seen.push(...changed.map(({ text, status }) => `${text} ${status}`)));
    await world.finish(b.client.sendMessage({ conversationId, text: 'mine' }));
    await world.advance(1_500);
    expect(seen).toEqual(['mine sending', 'mine stored', 'm1 stored']);
    expect((await world.shown(b.client, conversationId)).map(({ text }) => text)).toEqual(['m1', 'mine']);
  });

  it('merges pushes that come while a pull runs, behind what was pulled', async () => {
    write(150);
    const b = await world.loggedIn('bob');
    world.server.network.cutAll();
    world.server.network.down = true;
    write(120, 151);
    world.server.network.down = false;
    world.server.network.fate = ({ direction, cmd, msgType }) =>
      direction === 'down' && cmd === Command.history && msgType === MsgType.response ? { delayMs: 700 } : 'deliver';
    const seen: number[] = [];
    b.client.on('messages', ({ changed }) => seen.push(...changed.map(({ order }) => order)));
    await world.until(() => pulls() > 0);
    write(20, 271);
    await world.advance(10_000, 50);
    expect((await world.shown(b.client, conversationId)).map(({ text }) => text)).toEqual(
      textsOf(world.server.history(wireId)),
    );
    expect(new Set(seen).size).toBe(seen.length);
    expect(world.server.cursorsOf(wireId, bob).deliveredSeq).toBe(290);
  });

  it('shows a conversation it did not know, from the push alone', async () => {
    const b = await world.loggedIn('bob');
    const carol = world.server.addUser('carol');
    const opened = world.server.openDirect(carol, bob);
    world.server.write(opened, carol, 'hi bob');
    world.server.write(opened, carol, 'are you there?');
    await world.advance(300);
    const shown = await world.conversation(b.client, opened.toString());
    expect(shown).toMatchObject({ title: 'CAROL', unread: 2, preview: { text: 'are you there?' } });
    expect(await world.shown(b.client, opened.toString())).toHaveLength(2);
  });

  it('keeps nothing that the store did not take, and has it all when there is space again', async () => {
    const b = await world.loggedIn('bob');
    b.store.beforeWrite = () => {
      throw new StoreError('full', 'no space');
    };
    write(5);
    await world.advance(3_000);
    expect(await world.shown(b.client, conversationId)).toHaveLength(0);
    expect(world.server.cursorsOf(wireId, bob).deliveredSeq).toBe(0);
    await expect(world.finish(b.client.sendMessage({ conversationId, text: 'x' }))).rejects.toMatchObject({
      reason: 'STORAGE_FULL',
    });
    b.store.beforeWrite = undefined;
    await world.advance(5_000, 50);
    expect(await b.store.messages(1, everything())).toHaveLength(5);
    expect(await world.shown(b.client, conversationId)).toHaveLength(5);
    expect(world.server.cursorsOf(wireId, bob).deliveredSeq).toBe(5);
  });

  it('keeps what it cannot show, byte for byte, and says so', async () => {
    const b = await world.loggedIn('bob');
    world.server.writeBody(wireId, alice, 99, new Uint8Array([1, 2, 3]));
    // A text body that is no text.
    world.server.writeBody(wireId, alice, 1, new Uint8Array([0xff]));
    world.server.write(wireId, alice, 'after');
    await world.advance(300);
    const shown = await world.shown(b.client, conversationId);
    expect(shown.map(({ kind, text }) => [kind, text])).toEqual([
      ['unsupported', ''],
      ['unsupported', ''],
      ['text', 'after'],
    ]);
    const [first, second] = await b.store.messages(1, everything());
    expect(first?.content).toEqual({ type: 'unknown', kind: 99, body: 'AQID' });
    expect(second?.content).toEqual({ type: 'unknown', kind: 1, body: '/w==' });
  });
});
