import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fixture, stored, TEST_SCALE, type TestGroup } from '../contract-suite/fixtures.ts';
import type { AppendRequest, NodeNumber } from '../message-store.ts';
import type { Fence } from './fence.ts';
import type { PostgresStorage } from './open-postgres-storage.ts';
import { postgresMissing, recordingLogger, TestStorages } from './testing/test-storages.ts';

const missing = await postgresMissing();
const storages = new TestStorages();

describe.skipIf(missing)('many nodes on one database', () => {
  beforeAll(() => storages.start());
  afterAll(() => storages.remove());

  test('append to the same conversations at once: conv_seq without hole or double, and no deadlock', {
    timeout: 60_000,
  }, async () => {
    const url = await storages.postgres.database();
    const { logger, lines } = recordingLogger();
    const nodes = await Promise.all(Array.from({ length: 3 }, () => storages.open({ url, logger })));
    const fixture = new Fixture();
    fixture.storage = nodes[0]!;
    const groups: TestGroup[] = [];
    for (let index = 0; index < 4; index += 1) groups.push(await fixture.group(2));
    const requests = new Map<string, AppendRequest>();
    const outcomes = new Map<string, string>();
    let repeats = 0;
    const node = async (storage: PostgresStorage, seed: number) => {
      for (let round = 0; round < 25 * TEST_SCALE; round += 1) {
        const batch = Array.from({ length: 16 }, (_, index) => {
          const { conversationId, owner, admin, members } = groups[(index * 7 + seed + round) % groups.length]!;
          const senders = [owner, admin, ...members];
          const sender = senders[(index + seed) % senders.length]!.userId;
          if (index === 3 && round % 3 === 0) return fixture.reaction(conversationId, sender, 1 + (round % 3));
          return fixture.request(conversationId, sender);
        });
        for (const request of batch) requests.set(Buffer.from(request.clientMsgId).toString('hex'), request);
        // Another node sends some of them again, at the same time.
        const again = nodes[(seed + 1) % nodes.length]!;
        const results = await Promise.all([
          storage.messages.append(batch),
          again.messages.append(batch.filter((_, index) => index % 4 === 0)),
          storage.conversations.raiseCursors(
            groups.map(({ conversationId, owner }) => ({
              conversationId,
              userId: owner.userId,
              deviceId: 'd'.repeat(32),
              deliveredSeq: 0,
              readSeq: round,
              nowMs: round,
            })),
          ),
        ]);
        for (const [index, outcome] of results[0].entries()) note(batch[index]!, outcome);
        for (const [index, outcome] of results[1].entries()) note(batch[index * 4]!, outcome);
      }
    };
    const note = (request: AppendRequest, outcome: { outcome: string; convSeq?: number }) => {
      if (outcome.outcome === 'repeated') repeats += 1;
      if (outcome.convSeq === undefined) return;
      const key = Buffer.from(request.clientMsgId).toString('hex');
      const place = `${request.conversationId}/${outcome.convSeq}`;
      expect(outcomes.get(key) ?? place).toBe(place);
      outcomes.set(key, place);
    };
    await Promise.all(nodes.map(node));
    expect(repeats).toBeGreaterThan(0);
    for (const { conversationId } of groups) {
      const messages = await fixture.history(conversationId);
      expect(messages.map(({ convSeq }) => convSeq)).toEqual(messages.map((_, index) => index + 1));
      const ids = messages.map(({ clientMsgId }) => Buffer.from(clientMsgId).toString('hex'));
      expect(new Set(ids).size).toBe(ids.length);
      for (const [index, id] of ids.entries()) {
        if (requests.has(id)) expect(outcomes.get(id)).toBe(`${conversationId}/${index + 1}`);
      }
    }
    expect(lines.filter(({ msg }) => msg === 'transaction runs again')).toEqual([]);
  });

  test('open the same direct conversation and raise the same cursors at once: one conversation, one end', async () => {
    const url = await storages.postgres.database();
    const nodes = await Promise.all(Array.from({ length: 3 }, () => storages.open({ url })));
    const fixture = new Fixture();
    fixture.storage = nodes[0]!;
    const [one, other] = [await fixture.user(), await fixture.user()];
    const opened = await Promise.all(
      Array.from({ length: 12 }, (_, index) => {
        const pair = index % 2 === 0 ? [one.userId, other.userId] : [other.userId, one.userId];
        return nodes[index % 3]!.conversations.openDirect(pair[0]!, pair[1]!, fixture.id(), 1);
      }),
    );
    expect(new Set(opened.map(({ conversationId }) => conversationId)).size).toBe(1);
    expect(opened.filter(({ created }) => created)).toHaveLength(1);
    const { conversationId } = opened[0]!;
    await fixture.send(conversationId, one.userId, 20);
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        nodes[index % 3]!.conversations.raiseCursors([
          {
            conversationId,
            userId: other.userId,
            deviceId: 'd'.repeat(32),
            deliveredSeq: 20,
            readSeq: index + 1,
            nowMs: 5,
          },
        ]),
      ),
    );
    expect(await fixture.state(one.userId, conversationId)).toMatchObject({
      peerCursor: { deliveredSeq: 20, readSeq: 20 },
    });
  });

  /** A fence as a process holds it. */
  function fence(held: { now: NodeNumber | undefined }): Fence & { refusals: bigint[] } {
    const refusals: bigint[] = [];
    return { refusals, current: () => held.now, refused: (old) => void refusals.push(old) };
  }

  test('a node whose number has another holder stores nothing: not posts, not events, not notices', async () => {
    const url = await storages.postgres.database();
    const held: { now: NodeNumber | undefined } = { now: undefined };
    const own = fence(held);
    const [old, other] = [await storages.open({ url, fence: own }), await storages.open({ url })];
    const first = await old.takeNumber(7, 'old');
    held.now = { number: 7, fence: first };
    const fixture = new Fixture();
    fixture.storage = old;
    const { conversationId, owner } = await fixture.group();
    await fixture.send(conversationId, owner.userId);
    const before = (await fixture.history(conversationId)).length;
    const second = await other.takeNumber(7, 'new');
    expect(second).toBe(first + 1n);
    const post = fixture.request(conversationId, owner.userId);
    const change = { ...fixture.change(conversationId, owner.userId, 1), text: 'Other name' };
    for (const call of [
      () => old.messages.append([post]),
      () => old.messages.append([fixture.reaction(conversationId, owner.userId, before)]),
      () => old.groups.change(change),
    ]) {
      await expect(call()).rejects.toMatchObject({ name: 'StorageError', kind: 'fenced' });
    }
    expect(own.refusals).toEqual([first, first, first]);
    expect(await fixture.history(conversationId)).toHaveLength(before);
    // With the number of its own that it has now the same message is stored.
    held.now = { number: 8, fence: await old.takeNumber(8, 'old') };
    expect(stored(await fixture.append(post))).toMatchObject({ outcome: 'stored', convSeq: before + 1 });
  });

  test('without a number nothing is stored; under a stale number of another process only its messages are refused', async () => {
    const url = await storages.postgres.database();
    const held: { now: NodeNumber | undefined } = { now: undefined };
    const own = fence(held);
    const storage = await storages.open({ url, fence: own });
    const fixture = new Fixture();
    fixture.storage = storage;
    const { conversationId, first } = await fixture.pair();
    const request = fixture.request(conversationId, first.userId);
    await expect(storage.messages.append([request])).rejects.toMatchObject({ kind: 'fenced' });
    held.now = { number: 1, fence: await storage.takeNumber(1, 'own') };
    const foreign = { number: 2, fence: await storage.takeNumber(2, 'peer') };
    await storage.takeNumber(2, 'later');
    const calls = await Promise.allSettled([
      storage.messages.append([request]),
      storage.messages.append([fixture.request(conversationId, first.userId)]),
      storage.messages.append([fixture.request(conversationId, first.userId, { issuer: foreign })]),
      storage.messages.append([fixture.request(conversationId, first.userId)]),
    ]);
    expect(calls.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(own.refusals).toEqual([]);
    expect(await fixture.history(conversationId)).toHaveLength(3);
  });

  test('a number is given on only when what its holder before appends has ended', async () => {
    const url = await storages.postgres.database();
    const [storage, other] = [await storages.open({ url }), await storages.open({ url })];
    const number = await storage.takeNumber(3, 'old');
    const holding = storages.postgres.query(
      `BEGIN; SELECT fastim_require_fence_1('{3}', '{${number}}'); SELECT pg_sleep(0.4); COMMIT`,
      url,
    );
    await new Promise((resolve) => setTimeout(resolve, 150));
    let ended = false;
    void holding.then(() => {
      ended = true;
    });
    await other.takeNumber(3, 'new');
    await holding;
    expect(ended).toBe(true);
  });

  test('the database’s clock is read in ms', async () => {
    const storage = await storages.open();
    const timeMs = await storage.timeMs();
    expect(Math.abs(timeMs - performance.timeOrigin - performance.now())).toBeLessThan(5_000);
  });
});
