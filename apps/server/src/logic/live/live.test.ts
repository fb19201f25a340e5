import {
  Command,
  cursorRequest,
  cursorResponse,
  errorCatalogue,
  GroupChange,
  type Presence,
  presencePush,
  presenceRequest,
  presenceResponse,
  readersPush,
  typingPush,
  typingRequest,
  viewingRequest,
} from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { StorageError } from '../../storage/storage.ts';
import { ask, change, refusalOf } from '../testing/group-client.ts';
import { LogicHarness, type TestConnection } from '../testing/logic-harness.ts';

async function withGroup(memberCount = 3) {
  const harness = new LogicHarness();
  await harness.users(memberCount + 1);
  const owner = await harness.online(1n);
  const [bob, carol] = [await harness.online(2n), await harness.online(3n)];
  const stranger = await harness.online(BigInt(memberCount + 1));
  const groupId = await harness.group(
    owner,
    Array.from({ length: memberCount - 1 }, (_, index) => BigInt(index + 2)),
  );
  const directId = await harness.direct(1n, 2n, 9n);
  return { harness, groupId, directId, owner, bob, carol, stranger };
}

const viewing = (conversationId: bigint): Uint8Array => viewingRequest.encode({ conversationId });
const typing = (conversationId: bigint): Uint8Array => typingRequest.encode({ conversationId });

describe('VIEWING', () => {
  it('brings bodies of that group instead of heads, until something else is on the screen', async () => {
    const { harness, groupId, owner, bob, carol } = await withGroup();
    expect(await refusalOf(harness, bob, Command.viewing, viewing(groupId))).toBeUndefined();
    owner.send(groupId, 'hello');
    await harness.settle();
    expect(bob.texts()).toEqual(['hello']);
    expect(carol.texts()).toEqual([]);
    expect(harness.gate.heads(carol.id)).toContainEqual({ conversationId: groupId, headSeq: 2 });
    expect(await refusalOf(harness, bob, Command.viewing, viewing(0n))).toBeUndefined();
    owner.send(groupId, 'and bye');
    await harness.settle();
    expect(bob.texts()).toEqual(['hello']);
  });

  it.each([
    ['a group of others', (groupId: bigint) => groupId],
    ['what does not exist', () => 123_456n],
  ])('of %s is NOT_A_MEMBER, and shows nothing', async (_name, idOf) => {
    const { harness, groupId, stranger } = await withGroup();
    expect(await refusalOf(harness, stranger, Command.viewing, viewing(idOf(groupId)))).toBe('NOT_A_MEMBER');
    expect(harness.gate.viewing(stranger.id)).toBeUndefined();
    expect(harness.gate.followers(groupId)).not.toContain(stranger.id);
  });

  it('of a group that one has left is answered OK, and brings nothing', async () => {
    const { harness, groupId, owner, bob } = await withGroup();
    await change(harness, bob, groupId, GroupChange.leave);
    expect(await refusalOf(harness, bob, Command.viewing, viewing(groupId))).toBeUndefined();
    owner.send(groupId, 'among us');
    await harness.settle();
    expect(harness.gate.viewing(bob.id)).toBeUndefined();
    expect(bob.texts()).toEqual([]);
  });

  it('counts as it was asked last, in whatever order the storage answers', async () => {
    const { harness, groupId, directId, bob } = await withGroup();
    const real = harness.storage.membership.bind(harness.storage);
    const { promise, resolve } = Promise.withResolvers<void>();
    harness.storage.membership = async (id, userId) => {
      if (id === groupId) await promise;
      return real(id, userId);
    };
    const first = bob.request(Command.viewing, viewing(groupId));
    const second = bob.request(Command.viewing, viewing(directId));
    await harness.settle();
    resolve();
    await harness.settle();
    expect([first, second].map((each) => bob.refusal(each))).toEqual([undefined, undefined]);
    expect(harness.gate.viewing(bob.id)).toBe(directId);
  });

  it('shows nothing on a connection that closed meanwhile', async () => {
    const { harness, groupId, bob } = await withGroup();
    const real = harness.storage.membership.bind(harness.storage);
    const { promise, resolve } = Promise.withResolvers<void>();
    harness.storage.membership = async (id, userId) => {
      await promise;
      return real(id, userId);
    };
    bob.request(Command.viewing, viewing(groupId));
    await harness.settle();
    bob.close();
    resolve();
    await harness.settle();
    expect(harness.gate.viewing(bob.id)).toBeUndefined();
  });
});

describe('TYPING', () => {
  it('reaches the peer’s devices, and nobody else', async () => {
    const { harness, directId, owner, bob, carol } = await withGroup();
    const laptop = await harness.online(2n, 'laptop', { sessionId: 201n });
    expect(await refusalOf(harness, owner, Command.typing, typing(directId))).toBeUndefined();
    const told = { typing: [{ conversationId: directId, userId: 1n }] };
    for (const device of [bob, laptop]) {
      expect(harness.gate.pushed(device.id, Command.typingPush, typingPush)).toEqual([told]);
    }
    for (const device of [owner, carol]) expect(harness.gate.frames(device.id, Command.typingPush)).toEqual([]);
  });

  it('reaches those who have the small group on the screen', async () => {
    const { harness, groupId, owner, bob, carol } = await withGroup();
    for (const each of [owner, bob]) await refusalOf(harness, each, Command.viewing, viewing(groupId));
    await refusalOf(harness, owner, Command.typing, typing(groupId));
    expect(harness.gate.pushed(bob.id, Command.typingPush, typingPush)).toEqual([
      { typing: [{ conversationId: groupId, userId: 1n }] },
    ]);
    expect(harness.gate.frames(carol.id, Command.typingPush)).toEqual([]);
    expect(harness.gate.pushed(owner.id, Command.typingPush, typingPush)).toEqual([]);
  });

  it('goes nowhere in a large group, and is answered OK', async () => {
    const { harness, groupId, owner } = await withGroup(51);
    expect(await refusalOf(harness, owner, Command.typing, typing(groupId))).toBeUndefined();
    expect(harness.gate.signals).toEqual([]);
  });

  it('costs no look-up for each key, and is passed on only so often', async () => {
    const { harness, groupId, owner } = await withGroup();
    let reads = 0;
    const real = harness.storage.membership.bind(harness.storage);
    harness.storage.membership = (...ids) => {
      reads += 1;
      return real(...ids);
    };
    const sent = Array.from({ length: 100 }, () => owner.request(Command.typing, typing(groupId)));
    await harness.settle();
    for (let key = 0; key < 5; key += 1) {
      sent.push(owner.request(Command.typing, typing(groupId)));
      await harness.advance(500);
    }
    expect(sent.map((each) => owner.refusal(each))).toEqual(Array.from({ length: 105 }));
    expect(harness.gate.signals.length).toBeLessThanOrEqual(16);
    expect(reads).toBeLessThanOrEqual(10);
  });

  it.each([
    ['in a conversation of others', () => 8n],
    ['in what does not exist', () => 12_345n],
    ['in a group of others', (groupId: bigint) => groupId],
  ])('%s is NOT_A_MEMBER', async (_name, idOf) => {
    const { harness, groupId, stranger } = await withGroup();
    await harness.direct(2n, 3n, 8n);
    expect(await refusalOf(harness, stranger, Command.typing, typing(idOf(groupId)))).toBe('NOT_A_MEMBER');
    expect(harness.gate.signals).toEqual([]);
  });

  it('is NOT_A_MEMBER from the moment on in which one is removed', async () => {
    const { harness, groupId, owner, bob } = await withGroup();
    expect(await refusalOf(harness, bob, Command.typing, typing(groupId))).toBeUndefined();
    const signals = harness.gate.signals.length;
    await change(harness, owner, groupId, GroupChange.remove, { userIds: [2n] });
    expect(await refusalOf(harness, bob, Command.typing, typing(groupId))).toBe('NOT_A_MEMBER');
    expect(harness.gate.signals).toHaveLength(signals);
  });
});

describe('reading in a group', () => {
  const read = (conversationId: bigint, seq: number): Uint8Array =>
    cursorRequest.encode({ moves: [{ conversationId, deliveredSeq: seq, readSeq: seq }] });

  it('clears the reader’s other devices, tells nobody the cursor, and viewers that counts moved, once', async () => {
    const { harness, groupId, owner, bob, carol } = await withGroup();
    const laptop = await harness.online(2n, 'laptop', { sessionId: 201n });
    owner.send(groupId, 'read me');
    await harness.settle();
    await refusalOf(harness, owner, Command.viewing, viewing(groupId));
    bob.request(Command.cursor, read(groupId, 1));
    carol.request(Command.cursor, read(groupId, 2));
    await harness.advance(100);
    bob.request(Command.cursor, read(groupId, 2));
    await harness.advance(1_000);
    expect(harness.gate.cursors(laptop.id).at(-1)).toMatchObject({ conversationId: groupId, userId: 2n, readSeq: 2 });
    expect(harness.gate.cursors(owner.id)).toEqual([]);
    expect(harness.gate.pushed(owner.id, Command.readersPush, readersPush)).toEqual([{ conversationIds: [groupId] }]);
    expect(harness.gate.frames(bob.id, Command.readersPush)).toEqual([]);
  });

  it('is told to nobody in a large group', async () => {
    const { harness, groupId, owner, bob } = await withGroup(51);
    await refusalOf(harness, owner, Command.viewing, viewing(groupId));
    bob.request(Command.cursor, read(groupId, 1));
    await harness.advance(2_000);
    expect(harness.gate.signals).toEqual([]);
    expect((await harness.storage.states(2n, [groupId]))[0]?.readSeq).toBe(1);
  });

  it('is all that is written: that a device has a message moves nothing and is told to nobody', async () => {
    const { harness, groupId, owner, bob } = await withGroup();
    const laptop = await harness.online(2n, 'laptop', { sessionId: 201n });
    await refusalOf(harness, owner, Command.viewing, viewing(groupId));
    const before = await harness.storage.mark(2n);
    const sent = bob.cursor(groupId, 1);
    await harness.advance(1_000);
    expect(bob.read(sent, cursorResponse)).toEqual({ status: undefined, refused: [] });
    expect(await harness.storage.mark(2n)).toEqual(before);
    expect([...harness.gate.cursors(laptop.id), ...harness.gate.signals]).toEqual([]);
  });

  it('is refused beyond the head, and for who is not a member', async () => {
    const { harness, groupId, bob, stranger } = await withGroup();
    const [beyond, foreign] = [bob.cursor(groupId, 0, 2), stranger.cursor(groupId, 1, 0)];
    await harness.advance(1_000);
    const codeOf = (connection: TestConnection, sent: number) => connection.read(sent, cursorResponse).refused;
    expect(codeOf(bob, beyond)).toEqual([{ conversationId: groupId, code: errorCatalogue.CURSOR_INVALID.code }]);
    expect(codeOf(stranger, foreign)).toEqual([{ conversationId: groupId, code: errorCatalogue.NOT_A_MEMBER.code }]);
  });
});

describe('PRESENCE', () => {
  const watch = (userIds: bigint[]): Uint8Array => presenceRequest.encode({ userIds });
  const told = (harness: LogicHarness, connection: TestConnection): Presence[] =>
    harness.gate.pushed(connection.id, Command.presencePush, presencePush).flatMap((push) => push.presences);
  const offline = { online: false, hidden: false };

  async function twoOfThree() {
    const harness = new LogicHarness();
    await harness.users(3);
    const alice = await harness.online(1n);
    const bob = await harness.online(2n);
    const answer = async (userIds: bigint[], connection = alice): Promise<Presence[]> =>
      (await ask(harness, connection, Command.presence, watch(userIds), presenceResponse)).presences;
    return { harness, alice, bob, answer };
  }

  it('answers who is online now', async () => {
    const { harness, answer } = await twoOfThree();
    expect(await answer([2n, 3n, 2n])).toEqual([
      { userId: 2n, online: true, hidden: false, lastSeenMs: harness.clock.now() },
      { userId: 3n, ...offline, lastSeenMs: 0 },
    ]);
  });

  it('tells who comes, and who has been gone for a moment, with the time', async () => {
    const { harness, alice, bob, answer } = await twoOfThree();
    await answer([2n, 3n]);
    await harness.online(3n);
    await harness.advance(1_000);
    expect(told(harness, alice)).toMatchObject([{ userId: 3n, online: true }]);
    const leftAt = harness.clock.now();
    bob.close();
    await harness.advance(2_900);
    expect(told(harness, alice)).toHaveLength(1);
    await harness.advance(200);
    expect(told(harness, alice).slice(1)).toEqual([{ userId: 2n, ...offline, lastSeenMs: leftAt }]);
    expect(await answer([2n])).toEqual([{ userId: 2n, ...offline, lastSeenMs: leftAt }]);
  });

  it('tells nothing of who is back at once, or has another device left', async () => {
    const { harness, alice, bob, answer } = await twoOfThree();
    await answer([2n]);
    const laptop = await harness.online(2n, 'laptop', { sessionId: 201n });
    bob.close();
    await harness.advance(5_000);
    laptop.close();
    await harness.advance(1_000);
    await harness.online(2n);
    await harness.advance(60_000);
    expect(told(harness, alice)).toEqual([]);
  });

  it('replaces the list, and ends with the connection', async () => {
    const { harness, alice, bob, answer } = await twoOfThree();
    await answer([2n]);
    await answer([3n]);
    bob.close();
    await harness.advance(5_000);
    expect(told(harness, alice)).toEqual([]);
    alice.close();
    await harness.online(3n);
    await harness.advance(5_000);
    expect(told(harness, alice)).toEqual([]);
    expect(await harness.metric('fastim_presence_pushes_total')).toBe(0);
  });

  it('hides who does not show it, and everybody from who does not show it', async () => {
    const { harness, alice, bob, answer } = await twoOfThree();
    await harness.storage.users.setShowOnline(2n, false);
    const hidden = { online: false, hidden: true, lastSeenMs: 0 };
    expect(await answer([2n, 3n])).toEqual([
      { userId: 2n, ...hidden },
      { userId: 3n, ...offline, lastSeenMs: 0 },
    ]);
    expect(await answer([1n, 3n], bob)).toEqual([
      { userId: 1n, ...hidden },
      { userId: 3n, ...hidden },
    ]);
    bob.close();
    await harness.online(3n);
    await harness.advance(5_000);
    expect(told(harness, alice)).toMatchObject([{ userId: 3n, online: true }]);
    expect(told(harness, bob)).toEqual([]);
  });

  it('tells a change of mind at once, also to those who watched before', async () => {
    const { harness, alice, answer } = await twoOfThree();
    await answer([2n]);
    await harness.storage.users.setShowOnline(2n, false);
    harness.logic.showOnlineChanged(2n);
    await harness.advance(200);
    expect(told(harness, alice)).toEqual([{ userId: 2n, online: false, hidden: true, lastSeenMs: 0 }]);
    await harness.storage.users.setShowOnline(2n, true);
    harness.logic.showOnlineChanged(2n);
    await harness.advance(200);
    expect(told(harness, alice).at(-1)).toMatchObject({ userId: 2n, online: true, hidden: false });
  });

  it('shows others no longer to who hides, on all devices, and again to who shows it again', async () => {
    const { harness, alice, answer } = await twoOfThree();
    const laptop = await harness.online(1n, 'laptop', { sessionId: 101n });
    await answer([2n]);
    await answer([2n], laptop);
    for (const showOnline of [false, true]) {
      await harness.storage.users.setShowOnline(1n, showOnline);
      harness.logic.showOnlineChanged(1n);
      await harness.advance(200);
      for (const device of [alice, laptop]) {
        expect(told(harness, device).at(-1)).toMatchObject({ userId: 2n, online: showOnline, hidden: !showOnline });
      }
    }
  });

  it('shows nothing of who does not exist', async () => {
    const { answer } = await twoOfThree();
    expect(await answer([77_777n])).toEqual([{ userId: 77_777n, online: false, hidden: true, lastSeenMs: 0 }]);
  });

  it('refuses to watch more than a screenful', async () => {
    const { harness, alice } = await twoOfThree();
    const data = watch(Array.from({ length: 101 }, (_, index) => BigInt(index + 1)));
    expect(await refusalOf(harness, alice, Command.presence, data)).toBe('TOO_MANY');
  });

  it('goes on after a storage that failed, and tells later what it could not tell', async () => {
    const { harness, alice, bob, answer } = await twoOfThree();
    await answer([2n, 3n]);
    const { users } = harness.storage;
    const real = users.byIds.bind(users);
    users.byIds = () => Promise.reject(new StorageError('io', 'unreadable'));
    await harness.online(3n);
    await harness.advance(1_000);
    users.byIds = real;
    bob.close();
    await harness.advance(10_000);
    expect(told(harness, alice)).toMatchObject([
      { userId: 2n, online: false },
      { userId: 3n, online: true },
    ]);
  });

  it('leaves no timer behind', async () => {
    const { harness, bob, answer } = await twoOfThree();
    await answer([2n]);
    bob.close();
    await harness.settle();
    await harness.logic.stop();
    expect(harness.clock.pendingTimers).toBe(0);
  });
});
