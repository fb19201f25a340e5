import { unreadBaseSeq, unreadCount } from '@fastim/core';
import { seededRandom } from '@fastim/core/testing';
import type { ConversationState } from '@fastim/protocol';
import { describe, expect, test } from 'vitest';
import type { Storage } from '../storage.ts';
import { type OpenStorage, TEST_SCALE, useStorage, words } from './fixtures.ts';

const DEVICE = 'c'.repeat(32);

/** What ConversationStore promises about a member's list. */
export function syncContract(open: OpenStorage): void {
  describe('states', () => {
    const fixture = useStorage(open);

    test('shows a conversation as each of its members sees it', async () => {
      const { conversationId, first, second } = await fixture.pair();
      await fixture.send(conversationId, first.userId, 2);
      const [last] = await fixture.send(conversationId, second.userId);
      await raise(fixture.storage, conversationId, first.userId, 3, 1, fixture.later());
      const [mine] = await fixture.storage.conversations.states(first.userId, [conversationId]);
      const [theirs] = await fixture.storage.conversations.states(second.userId, [conversationId]);
      expect(mine).toMatchObject({
        conversationId,
        kind: 1,
        headSeq: 3,
        headCountNo: 3,
        joinSeq: 1,
        readSeq: 1,
        unreadBaseCountNo: 2,
        lastActivityMs: last!.serverTimeMs,
        peer: { userId: second.userId, username: second.username, displayName: second.displayName },
        peerCursor: { conversationId, userId: second.userId, deliveredSeq: 0, readSeq: 0, readCountNo: 0 },
      });
      expect(mine!.lastMessage).toMatchObject({
        conversationId,
        convSeq: 3,
        msgId: last!.msgId,
        senderId: second.userId,
      });
      expect(words(mine!.lastMessage)).toBe('hello 你好');
      expect(theirs).toMatchObject({
        readSeq: 0,
        unreadBaseCountNo: 3,
        peer: { userId: first.userId },
        peerCursor: { userId: first.userId, deliveredSeq: 3, readSeq: 1, readCountNo: 1 },
      });
    });

    test('an empty conversation has no last message', async () => {
      const { conversationId, first } = await fixture.pair();
      const [state] = await fixture.storage.conversations.states(first.userId, [conversationId]);
      expect(state).toMatchObject({ headSeq: 0, headCountNo: 0, unreadBaseCountNo: 0, lastMessage: undefined });
    });

    test('leaves out what the user is not a member of, keeps the order asked for, gives each once', async () => {
      const { conversationId, first } = await fixture.pair();
      const other = await fixture.storage.conversations.openDirect(
        first.userId,
        (await fixture.user()).userId,
        fixture.id(),
        fixture.later(),
      );
      const foreign = await fixture.pair();
      const states = await fixture.storage.conversations.states(first.userId, [
        other.conversationId,
        foreign.conversationId,
        fixture.id(),
        2n ** 64n - 1n,
        conversationId,
        other.conversationId,
      ]);
      expect(states.map((state) => state.conversationId)).toEqual([other.conversationId, conversationId]);
      expect(await fixture.storage.conversations.states(first.userId, [])).toEqual([]);
    });
  });

  describe('syncPage', () => {
    const fixture = useStorage(open);

    async function userWithConversations(count: number) {
      const me = await fixture.user();
      const conversationIds: bigint[] = [];
      // Several share one activity time, so that the place after a row needs the id too.
      let nowMs = fixture.later();
      for (let index = 0; index < count; index += 1) {
        if (index % 3 === 0) nowMs = fixture.later();
        const peer = await fixture.user();
        const opened = await fixture.storage.conversations.openDirect(me.userId, peer.userId, fixture.id(), nowMs);
        conversationIds.push(opened.conversationId);
      }
      return { me, conversationIds };
    }

    test.each([1, 2, 3, 7, 100])('pages of %i give every conversation once, newest activity first', async (limit) => {
      const { me, conversationIds } = await userWithConversations(11);
      await fixture.pair();
      const pages = await allPages(fixture.storage, me.userId, 0, limit);
      const rows = pages.flat();
      expect(rows.map((row) => row.conversationId)).toEqual([...conversationIds].reverse());
      expect(pages.slice(0, -1).every((page) => page.length === limit)).toBe(true);
      for (let index = 1; index < rows.length; index += 1) {
        expect(rows[index]!.lastActivityMs).toBeLessThanOrEqual(rows[index - 1]!.lastActivityMs);
      }
    });

    test('a message moves its conversation to the top; a cursor does not', async () => {
      const { me, conversationIds } = await userWithConversations(4);
      await fixture.send(conversationIds[1]!, me.userId);
      await raise(fixture.storage, conversationIds[0]!, me.userId, 0, 0, fixture.later());
      const [page] = await allPages(fixture.storage, me.userId, 0, 10);
      expect(page!.map((row) => row.conversationId)).toEqual([
        conversationIds[1],
        conversationIds[3],
        conversationIds[2],
        conversationIds[0],
      ]);
    });

    test('activity never goes back, whatever time a message carries', async () => {
      const { conversationId, first } = await fixture.pair();
      const [sent] = await fixture.send(conversationId, first.userId);
      const early = fixture.request(conversationId, first.userId, { serverTimeMs: 1_000 });
      await fixture.storage.messages.append([early]);
      const [state] = await fixture.storage.conversations.states(first.userId, [conversationId]);
      expect(state).toMatchObject({ headSeq: 2, lastActivityMs: sent!.serverTimeMs });
    });

    test('conversations that move up between two pages leave no hole among the others', async () => {
      const { me, conversationIds } = await userWithConversations(9);
      const seen: bigint[] = [];
      let query = { userId: me.userId, sinceMs: 0, beforeActivityMs: 0, beforeConversationId: 0n, limit: 3 };
      for (;;) {
        const { conversations, more } = await fixture.storage.conversations.syncPage(query);
        seen.push(...conversations.map((row) => row.conversationId));
        await fixture.send(conversationIds[seen.length % 9]!, me.userId);
        if (!more) break;
        const last = conversations.at(-1)!;
        query = { ...query, beforeActivityMs: last.lastActivityMs, beforeConversationId: last.conversationId };
      }
      expect(new Set(seen).size).toBe(seen.length);
      const moved = conversationIds.filter((id) => !seen.includes(id));
      const states = await fixture.storage.conversations.states(me.userId, moved);
      expect(states.every((state) => state.headSeq > 0)).toBe(true);
    });

    test('since: only what changed at or after that time, by message, own cursor or the peer’s cursor', async () => {
      const { me, conversationIds } = await userWithConversations(6);
      const [quiet, byMessage, byOwn, byPeer, made] = conversationIds;
      for (const conversationId of [quiet!, byMessage!, byOwn!, byPeer!]) await fixture.send(conversationId, me.userId);
      const states = await fixture.storage.conversations.states(me.userId, [byPeer!, byMessage!]);
      const sinceMs = fixture.later();
      const changed = async () => {
        const rows = (await allPages(fixture.storage, me.userId, sinceMs, 2)).flat();
        return new Set(rows.map((row) => row.conversationId));
      };
      expect(await changed()).toEqual(new Set());
      await fixture.storage.messages.append([
        fixture.request(byMessage!, states[1]!.peer!.userId, { serverTimeMs: sinceMs }),
      ]);
      await raise(fixture.storage, byOwn!, me.userId, 1, 1, sinceMs + 1);
      await raise(fixture.storage, byPeer!, states[0]!.peer!.userId, 1, 0, sinceMs);
      expect(await changed()).toEqual(new Set([byMessage, byOwn, byPeer]));
      // A move that raised nothing is no change.
      await raise(fixture.storage, made!, me.userId, 0, 0, sinceMs + 5);
      expect(await changed()).toEqual(new Set([byMessage, byOwn, byPeer]));
    });

    test('the peer sees the same cursor move as a change', async () => {
      const { conversationId, first, second } = await fixture.pair();
      await fixture.send(conversationId, first.userId);
      const sinceMs = fixture.later();
      await raise(fixture.storage, conversationId, second.userId, 1, 1, sinceMs);
      for (const { userId } of [first, second]) {
        expect((await allPages(fixture.storage, userId, sinceMs, 5)).flat()).toHaveLength(1);
        expect((await allPages(fixture.storage, userId, sinceMs + 1, 5)).flat()).toHaveLength(0);
      }
    });

    test('a user without conversations, or one that is not there, has an empty list', async () => {
      const loner = await fixture.user();
      for (const userId of [loner.userId, fixture.id(), 2n ** 64n - 1n]) {
        expect(await allPages(fixture.storage, userId, 0, 10)).toEqual([[]]);
      }
    });
  });

  describe('mark and unread', () => {
    const fixture = useStorage(open);

    test('mark of a user without conversations is zeros', async () => {
      const expected = { conversationCount: 0, headSum: 0, readSum: 0, sinceMs: 0, versionSum: 0, peerSum: 0 };
      expect(await fixture.storage.conversations.mark(fixture.id())).toEqual(expected);
    });

    test.each(Array.from({ length: 3 * TEST_SCALE }, (_, seed) => seed + 1))(
      'random sends, reads, deliveries and repeats agree with a naive model (seed %i)',
      async (seed) => {
        const random = seededRandom(seed);
        const pick = (below: number) => Math.floor(random() * below);
        const users = await Promise.all(Array.from({ length: 4 }, () => fixture.user()));
        const model: ModelConversation[] = [];
        for (let a = 0; a < users.length; a += 1) {
          for (let b = a + 1; b < users.length; b += 1) {
            const members = [users[a]!.userId, users[b]!.userId];
            const opened = await fixture.storage.conversations.openDirect(
              members[0]!,
              members[1]!,
              fixture.id(),
              fixture.later(),
            );
            model.push(new ModelConversation(opened.conversationId, members));
          }
        }
        for (let step = 0; step < 150; step += 1) {
          const conversation = model[pick(model.length)]!;
          const userId = conversation.members[pick(2)]!;
          if (random() < 0.6) {
            const batch = Array.from({ length: 1 + pick(4) }, () => {
              const { conversationId } = conversation;
              const target = random() < 0.3 ? conversation.lastText(userId) : 0;
              conversation.messages.push({ senderId: userId, counts: target === 0 });
              return target === 0
                ? fixture.request(conversationId, userId)
                : fixture.edit(conversationId, userId, target);
            });
            await fixture.storage.messages.append(batch);
            if (random() < 0.3) await fixture.storage.messages.append(batch);
          } else {
            const { conversationId, messages } = conversation;
            const deliveredSeq = pick(messages.length + 3);
            const readSeq = random() < 0.5 ? pick(messages.length + 3) : 0;
            conversation.raise(userId, deliveredSeq, readSeq);
            await raise(fixture.storage, conversationId, userId, deliveredSeq, readSeq, fixture.later());
          }
        }
        for (const { userId } of users) {
          const mine = model.filter((conversation) => conversation.members.includes(userId));
          const states = (await allPages(fixture.storage, userId, 0, 2)).flat();
          expect(states).toHaveLength(mine.length);
          for (const state of states) {
            mine.find(({ conversationId }) => conversationId === state.conversationId)!.check(state, userId);
          }
          expect(await fixture.storage.conversations.mark(userId)).toEqual({
            conversationCount: mine.length,
            headSum: mine.reduce((sum, { messages }) => sum + messages.length, 0),
            readSum: mine.reduce((sum, { read }) => sum + (read.get(userId) ?? 0), 0),
            sinceMs: 0,
            versionSum: 0,
            peerSum: mine.reduce((sum, conversation) => sum + conversation.peerSum(userId), 0),
          });
        }
      },
    );
  });
}

/** A conversation the slow and obvious way. */
class ModelConversation {
  readonly conversationId: bigint;
  readonly members: readonly bigint[];
  readonly messages: { senderId: bigint; counts: boolean }[] = [];
  readonly read = new Map<bigint, number>();
  readonly delivered = new Map<bigint, number>();

  constructor(conversationId: bigint, members: readonly bigint[]) {
    this.conversationId = conversationId;
    this.members = members;
  }

  raise(userId: bigint, delivered: number, read: number): void {
    const head = this.messages.length;
    if (delivered > head || read > head) return;
    this.read.set(userId, Math.max(this.read.get(userId) ?? 0, read));
    this.delivered.set(userId, Math.max(this.delivered.get(userId) ?? 0, delivered, read));
  }

  /** 0: none. */
  lastText(userId: bigint): number {
    return this.messages.findLastIndex(({ senderId, counts }) => senderId === userId && counts) + 1;
  }

  peerSum(userId: bigint): number {
    const peerId = this.#peerOf(userId);
    return (this.delivered.get(peerId) ?? 0) + (this.read.get(peerId) ?? 0);
  }

  check(state: ConversationState, userId: bigint): void {
    const peerId = this.#peerOf(userId);
    const readSeq = this.read.get(userId) ?? 0;
    expect(state.headSeq).toBe(this.messages.length);
    expect(state.headCountNo).toBe(this.#countNo(this.messages.length));
    expect(state.readSeq).toBe(readSeq);
    expect(state.peerCursor).toEqual({
      conversationId: this.conversationId,
      userId: peerId,
      deliveredSeq: this.delivered.get(peerId) ?? 0,
      readSeq: this.read.get(peerId) ?? 0,
      readCountNo: this.#countNo(this.read.get(peerId) ?? 0),
    });
    const lastOwn = this.messages.findLastIndex(({ senderId }) => senderId === userId) + 1;
    const unread = this.messages.slice(unreadBaseSeq(readSeq, 1, lastOwn)).filter(({ counts }) => counts).length;
    expect(unreadCount({ headCountNo: state.headCountNo, baseCountNo: state.unreadBaseCountNo })).toBe(unread);
    expect(state.lastMessage?.convSeq ?? 0).toBe(this.messages.findLastIndex(({ counts }) => counts) + 1);
  }

  #peerOf(userId: bigint): bigint {
    return this.members.find((member) => member !== userId)!;
  }

  #countNo(seq: number): number {
    return this.messages.slice(0, seq).filter(({ counts }) => counts).length;
  }
}

async function allPages(
  storage: Storage,
  userId: bigint,
  sinceMs: number,
  limit: number,
): Promise<ConversationState[][]> {
  const pages: ConversationState[][] = [];
  let place = { beforeActivityMs: 0, beforeConversationId: 0n };
  for (;;) {
    const { conversations, more } = await storage.conversations.syncPage({ userId, sinceMs, limit, ...place });
    pages.push(conversations);
    if (!more) return pages;
    const last = conversations.at(-1)!;
    place = { beforeActivityMs: last.lastActivityMs, beforeConversationId: last.conversationId };
  }
}

async function raise(
  storage: Storage,
  conversationId: bigint,
  userId: bigint,
  deliveredSeq: number,
  readSeq: number,
  nowMs: number,
): Promise<void> {
  await storage.conversations.raiseCursors([
    { conversationId, userId, deviceId: DEVICE, deliveredSeq, readSeq, nowMs },
  ]);
}
