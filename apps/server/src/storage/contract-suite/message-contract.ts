import { seededRandom } from '@fastim/core/testing';
import { describe, expect, test } from 'vitest';
import { type OpenStorage, sorted, stored, TEST_SCALE, useStorage, words } from './fixtures.ts';

/** What MessageStore promises. */
export function messageContract(open: OpenStorage): void {
  describe('append', () => {
    const fixture = useStorage(open);

    test('gives conv_seq 1, 2, 3 and count_no in the order of the batch, and both members for fan-out', async () => {
      const { conversationId, first, second } = await fixture.pair();
      const outcomes = [
        ...(await fixture.send(conversationId, first.userId, 2)),
        ...(await fixture.send(conversationId, second.userId)),
      ];
      expect(outcomes.map(({ outcome, convSeq, countNo }) => ({ outcome, convSeq, countNo }))).toEqual([
        { outcome: 'stored', convSeq: 1, countNo: 1 },
        { outcome: 'stored', convSeq: 2, countNo: 2 },
        { outcome: 'stored', convSeq: 3, countNo: 3 },
      ]);
      for (const { memberIds } of outcomes) expect(sorted(memberIds)).toEqual(sorted([first.userId, second.userId]));
    });

    test('an event takes a conv_seq and leaves count_no', async () => {
      const { conversationId, first } = await fixture.pair();
      const batch = [
        fixture.request(conversationId, first.userId),
        fixture.edit(conversationId, first.userId, 1),
        fixture.reaction(conversationId, first.userId, 1),
        fixture.request(conversationId, first.userId),
      ];
      const outcomes = (await fixture.storage.messages.append(batch)).map(stored);
      expect(outcomes.map(({ convSeq, countNo }) => [convSeq, countNo])).toEqual([
        [1, 1],
        [2, 1],
        [3, 1],
        [4, 2],
      ]);
    });

    test('what was appended is read back byte for byte', async () => {
      const { conversationId, first } = await fixture.pair();
      const bodies = [new Uint8Array(0), Uint8Array.of(0, 255, 10, 13, 0), new Uint8Array(64 * 1024).fill(7)];
      const batch = bodies.map((body) => fixture.request(conversationId, first.userId, { body, kind: 4_000_000_000 }));
      const outcomes = (await fixture.storage.messages.append(batch)).map(stored);
      const messages = await fixture.history(conversationId);
      expect(
        messages.map((message) => ({ ...message, body: [...message.body], clientMsgId: [...message.clientMsgId] })),
      ).toEqual(
        batch.map((request, index) => ({
          msgId: request.msgId,
          conversationId,
          convSeq: outcomes[index]!.convSeq,
          senderId: first.userId,
          clientMsgId: [...request.clientMsgId],
          kind: request.kind,
          body: [...request.body],
          serverTimeMs: request.serverTimeMs,
          countNo: outcomes[index]!.countNo,
        })),
      );
    });

    test('views into a larger buffer are stored as what they show', async () => {
      const { conversationId, first } = await fixture.pair();
      const large = new Uint8Array(1_000).map((_, index) => index % 251);
      const request = fixture.request(conversationId, first.userId, {
        body: large.subarray(100, 140),
        clientMsgId: large.subarray(500, 516),
      });
      await fixture.storage.messages.append([request]);
      const [state] = await fixture.storage.conversations.states(first.userId, [conversationId]);
      expect([...state!.lastMessage!.body]).toEqual([...large.subarray(100, 140)]);
      expect([...state!.lastMessage!.clientMsgId]).toEqual([...large.subarray(500, 516)]);
      expect(large[100]).toBe(100);
    });

    test('a repeat gives the first values and stores nothing, also in one batch and with another body', async () => {
      const { conversationId, first } = await fixture.pair();
      const request = fixture.request(conversationId, first.userId);
      const again = { ...request, msgId: fixture.id(), serverTimeMs: fixture.later() };
      const [one, two] = (await fixture.storage.messages.append([request, again])).map(stored);
      const other = { ...again, body: new TextEncoder().encode('another body') };
      const [three] = (await fixture.storage.messages.append([other])).map(stored);
      expect(one).toMatchObject({ outcome: 'stored', msgId: request.msgId, serverTimeMs: request.serverTimeMs });
      expect(two).toEqual({ ...one!, outcome: 'repeated' });
      expect(three).toEqual({ ...one!, outcome: 'repeated' });
      const messages = await fixture.history(conversationId);
      expect(messages.map(words)).toEqual(['hello 你好']);
    });

    test('the same client id of another sender, or in another conversation, is another message', async () => {
      const a = await fixture.pair();
      const b = await fixture.storage.conversations.openDirect(
        a.first.userId,
        (await fixture.user()).userId,
        fixture.id(),
        fixture.later(),
      );
      const clientMsgId = fixture.clientMsgId();
      const outcomes = await fixture.storage.messages.append([
        fixture.request(a.conversationId, a.first.userId, { clientMsgId }),
        fixture.request(a.conversationId, a.second.userId, { clientMsgId }),
        fixture.request(b.conversationId, a.first.userId, { clientMsgId }),
      ]);
      expect(outcomes.map(stored).map(({ outcome, convSeq }) => [outcome, convSeq])).toEqual([
        ['stored', 1],
        ['stored', 2],
        ['stored', 1],
      ]);
    });

    test('a stranger and a conversation that is not there look the same, and do not touch the rest', async () => {
      const { conversationId, first } = await fixture.pair();
      const stranger = await fixture.user();
      const outcomes = await fixture.storage.messages.append([
        fixture.request(conversationId, first.userId),
        fixture.request(conversationId, stranger.userId),
        fixture.request(fixture.id(), first.userId),
        fixture.request(2n ** 64n - 1n, first.userId),
        fixture.request(conversationId, first.userId),
      ]);
      expect(outcomes.map((outcome) => ('convSeq' in outcome ? outcome.convSeq : outcome))).toEqual([
        1,
        { outcome: 'refused', reason: 'NOT_A_MEMBER' },
        { outcome: 'refused', reason: 'NOT_A_MEMBER' },
        { outcome: 'refused', reason: 'NOT_A_MEMBER' },
        2,
      ]);
    });

    test('an empty batch is fine', async () => {
      expect(await fixture.storage.messages.append([])).toEqual([]);
    });

    test('a client id of the wrong length rejects the call, and nothing of it is stored', async () => {
      const { conversationId, first } = await fixture.pair();
      const bad = fixture.request(conversationId, first.userId, { clientMsgId: new Uint8Array(15) });
      const call = fixture.storage.messages.append([fixture.request(conversationId, first.userId), bad]);
      await expect(call).rejects.toMatchObject({ name: 'StorageError', kind: 'other' });
      expect(await fixture.history(conversationId)).toEqual([]);
    });

    test('many writers at once: no hole, no double, one row for each client id, repeats agree', async () => {
      const random = seededRandom(7);
      const pairs = await Promise.all(Array.from({ length: 3 }, () => fixture.pair()));
      const requests = Array.from({ length: 300 * TEST_SCALE }, () => {
        const { conversationId, first, second } = pairs[Math.floor(random() * pairs.length)]!;
        return fixture.request(conversationId, random() < 0.5 ? first.userId : second.userId);
      });
      const acked = new Map<bigint, string>();
      const writer = async () => {
        for (let round = 0; round < 20; round += 1) {
          const batch = Array.from({ length: 1 + Math.floor(random() * 30) }, () => {
            const request = requests[Math.floor(random() * requests.length)]!;
            return { ...request, msgId: fixture.id() };
          });
          const outcomes = await fixture.storage.messages.append(batch);
          outcomes.map(stored).forEach((outcome, index) => {
            const { clientMsgId } = batch[index]!;
            const key = new DataView(clientMsgId.buffer).getBigInt64(0);
            const values = `${outcome.msgId} ${outcome.convSeq} ${outcome.countNo} ${outcome.serverTimeMs}`;
            expect(acked.get(key) ?? values).toBe(values);
            acked.set(key, values);
          });
        }
      };
      await Promise.all(Array.from({ length: 8 }, writer));
      let total = 0;
      for (const { conversationId } of pairs) {
        const messages = await fixture.history(conversationId);
        expect(messages.map(({ convSeq }) => convSeq)).toEqual(messages.map((_, index) => index + 1));
        total += messages.length;
      }
      expect(total).toBe(acked.size);
    });

    test('one sender’s order is kept over calls that are under way together', async () => {
      const { conversationId, first } = await fixture.pair();
      const batches = Array.from({ length: 40 }, () =>
        [1, 2, 3].map(() => fixture.request(conversationId, first.userId)),
      );
      await Promise.all(batches.map((batch) => fixture.storage.messages.append(batch)));
      const messages = await fixture.history(conversationId);
      expect(messages.map(({ msgId }) => msgId)).toEqual(batches.flat().map(({ msgId }) => msgId));
    });
  });

  describe('history', () => {
    const fixture = useStorage(open);

    test.each([
      { fromSeq: 1, toSeq: 10, limit: 100, newestFirst: false, expected: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] },
      { fromSeq: 3, toSeq: 5, limit: 100, newestFirst: false, expected: [3, 4, 5] },
      { fromSeq: 3, toSeq: 9, limit: 2, newestFirst: false, expected: [3, 4] },
      { fromSeq: 3, toSeq: 9, limit: 2, newestFirst: true, expected: [8, 9] },
      { fromSeq: 10, toSeq: 10, limit: 1, newestFirst: true, expected: [10] },
      { fromSeq: 8, toSeq: 1e15, limit: 100, newestFirst: false, expected: [8, 9, 10] },
      { fromSeq: 1, toSeq: Number.MAX_SAFE_INTEGER, limit: 3, newestFirst: true, expected: [8, 9, 10] },
      { fromSeq: 0, toSeq: 2, limit: 100, newestFirst: false, expected: [1, 2] },
      { fromSeq: -5, toSeq: 2, limit: 100, newestFirst: false, expected: [1, 2] },
      { fromSeq: 11, toSeq: 20, limit: 100, newestFirst: false, expected: [] },
      { fromSeq: 5, toSeq: 4, limit: 100, newestFirst: false, expected: [] },
      { fromSeq: 1, toSeq: 10, limit: 0, newestFirst: false, expected: [] },
      { fromSeq: 1, toSeq: 10, limit: -1, newestFirst: true, expected: [] },
      { fromSeq: Number.NaN, toSeq: Number.NaN, limit: Number.NaN, newestFirst: true, expected: [] },
    ])(
      'of ten, from $fromSeq to $toSeq, limit $limit, newestFirst $newestFirst: $expected',
      async ({ expected, ...range }) => {
        const { conversationId, first } = await fixture.pair();
        const neighbour = await fixture.pair();
        await fixture.send(neighbour.conversationId, neighbour.first.userId, 3);
        await fixture.send(conversationId, first.userId, 10);
        const messages = await fixture.history(conversationId, first.userId, range);
        expect(messages.map(({ convSeq }) => convSeq)).toEqual(expected);
        expect(messages.every((message) => message.conversationId === conversationId)).toBe(true);
      },
    );

    test.each([{ conversationId: 1n }, { conversationId: 0n }, { conversationId: 2n ** 64n - 1n }])(
      'of conversation $conversationId, which is not there, is empty',
      async ({ conversationId }) => {
        expect(await fixture.history(conversationId)).toEqual([]);
      },
    );

    test('what an append resolved with is in every read begun after it', async () => {
      const { conversationId, first } = await fixture.pair();
      for (let round = 1; round <= 50; round += 1) {
        const [outcome] = await fixture.send(conversationId, first.userId);
        const [newest] = await fixture.history(conversationId, 0n, { limit: 1, newestFirst: true });
        expect(newest!.msgId).toBe(outcome!.msgId);
      }
    });
  });

  describe('seqAt', () => {
    const fixture = useStorage(open);

    test('finds the first message at or after a time', async () => {
      const { conversationId, first } = await fixture.pair();
      const sent = await fixture.send(conversationId, first.userId, 20);
      const at = (timeMs: number) => fixture.storage.messages.seqAt(conversationId, timeMs);
      for (const { convSeq, serverTimeMs } of sent) {
        expect(await at(serverTimeMs)).toBe(convSeq);
        expect(await at(serverTimeMs - 1)).toBe(convSeq);
      }
      expect(await at(0)).toBe(1);
      expect(await at(sent.at(-1)!.serverTimeMs + 1)).toBe(21);
      const empty = await fixture.pair();
      expect(await fixture.storage.messages.seqAt(empty.conversationId, 5)).toBe(1);
      expect(await fixture.storage.messages.seqAt(fixture.id(), 5)).toBe(1);
    });
  });
}
