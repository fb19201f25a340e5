import { ConversationKind } from '@fastim/protocol';
import { describe, expect, test } from 'vitest';
import { type OpenStorage, sorted, useStorage } from './fixtures.ts';

/** What ConversationStore promises about conversations, members and cursors; the list is in sync-contract.ts. */
export function conversationContract(open: OpenStorage): void {
  describe('openDirect', () => {
    const fixture = useStorage(open);

    test('makes one conversation, whoever asks, and uses newId only for a new one', async () => {
      const [a, b] = [await fixture.user(), await fixture.user()];
      const [firstId, secondId] = [fixture.id(), fixture.id()];
      const { conversations } = fixture.storage;
      expect(await conversations.openDirect(a.userId, b.userId, firstId, fixture.later())).toEqual({
        conversationId: firstId,
        created: true,
      });
      expect(await conversations.openDirect(b.userId, a.userId, secondId, fixture.later())).toEqual({
        conversationId: firstId,
        created: false,
      });
      expect(sorted(await conversations.directMembers(firstId))).toEqual(sorted([a.userId, b.userId]));
      expect(await conversations.directMembers(secondId)).toEqual([]);
    });

    test('both at once, many times over: one is created, all get the same', async () => {
      const [a, b] = [await fixture.user(), await fixture.user()];
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          index % 2 === 0
            ? fixture.storage.conversations.openDirect(a.userId, b.userId, fixture.id(), fixture.later())
            : fixture.storage.conversations.openDirect(b.userId, a.userId, fixture.id(), fixture.later()),
        ),
      );
      expect(answers.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(answers.map(({ conversationId }) => conversationId)).size).toBe(1);
    });

    test('a conversation asked for before it was made can be used at once afterwards', async () => {
      const [a, b] = [await fixture.user(), await fixture.user()];
      const conversationId = fixture.id();
      const early = fixture.request(conversationId, a.userId);
      expect(await fixture.storage.messages.append([early])).toEqual([{ outcome: 'refused', reason: 'NOT_A_MEMBER' }]);
      await fixture.storage.conversations.openDirect(a.userId, b.userId, conversationId, fixture.later());
      expect(await fixture.storage.messages.append([early])).toMatchObject([{ outcome: 'stored', convSeq: 1 }]);
    });
  });

  describe('membership', () => {
    const fixture = useStorage(open);

    test('tells a member joinSeq and head, and nothing to anyone else', async () => {
      const { conversationId, first, second } = await fixture.pair();
      const stranger = await fixture.user();
      const { conversations } = fixture.storage;
      const member = { kind: ConversationKind.direct, joinSeq: 1, lastSeq: 0, leaveSeq: 0, role: 0, memberCount: 2 };
      expect(await conversations.membership(conversationId, first.userId)).toEqual(member);
      await fixture.send(conversationId, first.userId, 3);
      expect(await conversations.membership(conversationId, second.userId)).toEqual({ ...member, lastSeq: 3 });
      expect(await conversations.membership(conversationId, stranger.userId)).toBeUndefined();
      expect(await conversations.membership(fixture.id(), first.userId)).toBeUndefined();
      expect(await conversations.membership(2n ** 64n - 1n, 2n ** 64n - 1n)).toBeUndefined();
    });
  });

  describe('raiseCursors', () => {
    const fixture = useStorage(open);
    const PHONE = 'a'.repeat(32);
    const LAPTOP = 'b'.repeat(32);

    async function conversation(messages: number) {
      const made = await fixture.pair();
      await fixture.send(made.conversationId, made.first.userId, messages);
      const { conversationId } = made;
      const userId = made.second.userId;
      const raise = (deliveredSeq: number, readSeq: number, deviceId = PHONE) =>
        fixture.storage.conversations.raiseCursors([
          { conversationId, userId, deviceId, deliveredSeq, readSeq, nowMs: fixture.later() },
        ]);
      const cursor = async () => {
        const [state] = await fixture.storage.conversations.states(made.first.userId, [conversationId]);
        return state!.peerCursor!;
      };
      return { ...made, userId, raise, cursor };
    }

    test('answers with what rose, with the count_no of the read cursor', async () => {
      const { conversationId, userId, raise, cursor } = await conversation(5);
      const risen = { conversationId, userId, deliveredSeq: 4, readSeq: 2, readCountNo: 2 };
      expect(await raise(4, 2)).toEqual({ raised: [risen], unmarked: [], refused: [] });
      expect(await cursor()).toEqual(risen);
    });

    test('never falls, and a repeat is no rise', async () => {
      const { raise, cursor } = await conversation(5);
      await raise(4, 3);
      for (const [deliveredSeq, readSeq] of [
        [4, 3],
        [1, 1],
        [0, 0],
      ] as const) {
        expect(await raise(deliveredSeq, readSeq)).toEqual({ raised: [], unmarked: [], refused: [] });
      }
      expect(await cursor()).toMatchObject({ deliveredSeq: 4, readSeq: 3 });
    });

    test('what is read is delivered', async () => {
      const { raise } = await conversation(5);
      expect(await raise(0, 3)).toMatchObject({ raised: [{ deliveredSeq: 3, readSeq: 3 }] });
    });

    test.each([
      { name: 'far past the head', deliveredSeq: Number.MAX_SAFE_INTEGER, readSeq: 2 ** 40 },
      { name: 'delivered just past the head', deliveredSeq: 6, readSeq: 5 },
      { name: 'read just past the head', deliveredSeq: 5, readSeq: 6 },
      { name: 'without end', deliveredSeq: Number.POSITIVE_INFINITY, readSeq: 1 },
      { name: 'below zero', deliveredSeq: -1, readSeq: 1 },
      { name: 'that is no number', deliveredSeq: 1, readSeq: Number.NaN },
      { name: 'between two messages', deliveredSeq: 1.5, readSeq: 1 },
    ])('a cursor $name is refused whole, and nothing moves', async ({ deliveredSeq, readSeq }) => {
      const { raise, cursor } = await conversation(5);
      expect(await raise(deliveredSeq, readSeq)).toMatchObject({
        raised: [],
        unmarked: [],
        refused: [{ move: { deliveredSeq, readSeq }, reason: 'CURSOR_INVALID' }],
      });
      expect(await cursor()).toMatchObject({ deliveredSeq: 0, readSeq: 0 });
    });

    test('delivered is the highest over the devices; a slower device does not raise it', async () => {
      const { raise, cursor } = await conversation(5);
      expect(await raise(3, 0, PHONE)).toMatchObject({ raised: [{ deliveredSeq: 3 }] });
      expect(await raise(2, 0, LAPTOP)).toEqual({ raised: [], unmarked: [], refused: [] });
      expect(await raise(5, 0, LAPTOP)).toMatchObject({ raised: [{ deliveredSeq: 5 }] });
      expect(await cursor()).toMatchObject({ deliveredSeq: 5, readSeq: 0 });
    });

    test('moves of non-members and of conversations that are not there are refused, the others hold', async () => {
      const { conversationId, userId } = await conversation(3);
      const stranger = await fixture.user();
      const nowMs = fixture.later();
      const move = { deviceId: PHONE, deliveredSeq: 3, readSeq: 3, nowMs };
      const wrong = [
        { ...move, conversationId, userId: stranger.userId },
        { ...move, conversationId: fixture.id(), userId },
        { ...move, conversationId: 2n ** 64n - 1n, userId },
      ];
      const batch = [...wrong, { ...move, conversationId, userId }];
      expect(await fixture.storage.conversations.raiseCursors(batch)).toEqual({
        raised: [{ conversationId, userId, deliveredSeq: 3, readSeq: 3, readCountNo: 3 }],
        unmarked: [],
        refused: wrong.map((refused) => ({ move: refused, reason: 'NOT_A_MEMBER' })),
      });
    });

    test('a batch with several moves of one member answers once, with the highest', async () => {
      const { conversationId, userId } = await conversation(5);
      const move = { conversationId, userId, deviceId: PHONE, nowMs: fixture.later() };
      const { raised } = await fixture.storage.conversations.raiseCursors([
        { ...move, deliveredSeq: 2, readSeq: 1 },
        { ...move, deliveredSeq: 5, readSeq: 4 },
        { ...move, deliveredSeq: 3, readSeq: 2 },
      ]);
      expect(raised).toEqual([{ conversationId, userId, deliveredSeq: 5, readSeq: 4, readCountNo: 4 }]);
    });

    test('of many at once the end is the highest, whatever their order', async () => {
      const { raise, cursor } = await conversation(30);
      const order = Array.from({ length: 30 }, (_, index) => ((index * 7) % 30) + 1);
      await Promise.all(order.map((seq) => raise(seq, seq - 1, seq % 2 ? PHONE : LAPTOP)));
      expect(await cursor()).toMatchObject({ deliveredSeq: 30, readSeq: 29, readCountNo: 29 });
    });

    test('an empty batch is fine', async () => {
      expect(await fixture.storage.conversations.raiseCursors([])).toEqual({ raised: [], unmarked: [], refused: [] });
    });
  });
}
