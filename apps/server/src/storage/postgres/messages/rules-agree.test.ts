import { seededRandom } from '@fastim/core/testing';
import { GroupChange } from '@fastim/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changed, Fixture, TEST_SCALE, type TestGroup } from '../../contract-suite/fixtures.ts';
import type { AppendOutcome, AppendRequest } from '../../message-store.ts';
import type { PostgresStorage } from '../open-postgres-storage.ts';
import { postgresMissing, TestStorages } from '../testing/test-storages.ts';

const missing = await postgresMissing();
const storages = new TestStorages();

describe.skipIf(missing)('the statement that decides a batch in the database', () => {
  let storage: PostgresStorage;
  const fixture = new Fixture();
  beforeAll(async () => {
    await storages.start();
    storage = await storages.open();
    fixture.storage = storage;
  });
  afterAll(() => storages.remove());

  /** A group in which everything occurs: all roles, muted ones, one who left, perhaps everybody muted; messages. */
  async function group(seed: number): Promise<{ group: TestGroup; users: bigint[] }> {
    const random = seededRandom(seed);
    const made = await fixture.group(4);
    const { conversationId, owner, admin, members } = made;
    const [muted, left, late] = [members[1]!.userId, members[2]!.userId, members[3]!.userId];
    const act = async (change: number, userIds: readonly bigint[] = [], number = 0) =>
      changed(await storage.groups.change(fixture.change(conversationId, owner.userId, change, userIds, number)));
    await act(GroupChange.remove, [late]);
    await fixture.send(conversationId, owner.userId, 3);
    await act(GroupChange.invite, [late]);
    await act(GroupChange.mute, [muted], 3_000_000_000_000);
    await act(GroupChange.remove, [left]);
    if (random() < 0.3) await act(GroupChange.muteAll, [], 1);
    const stranger = await fixture.user();
    return { group: made, users: [owner.userId, admin.userId, ...members.map((one) => one.userId), stranger.userId] };
  }

  /** The same batch for both ways: senders, answers, mentions and repeats by chance. */
  function batchOf(seed: number, groups: readonly { group: TestGroup; users: bigint[] }[]): AppendRequest[] {
    const random = seededRandom(seed);
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
    const batch: AppendRequest[] = [];
    for (let index = 0; index < 24; index += 1) {
      const { group: one, users } = pick(groups);
      const mentions = random() < 0.3 ? [pick(users), pick(users), 0n] : [];
      const mentionAll = random() < 0.2;
      const replySeq = random() < 0.4 ? Math.floor(random() * 14) - 1 : 0;
      const earlier = random() < 0.25 && batch.length > 0 ? pick(batch) : undefined;
      const action = { type: 'post', mentions, mentionAll, replySeq } as const;
      batch.push(
        earlier
          ? { ...earlier, msgId: fixture.id(), action }
          : fixture.request(one.conversationId, pick(users), { action }),
      );
    }
    return batch;
  }

  /** What does not differ between twins. */
  function plain(outcome: AppendOutcome): unknown {
    if (outcome.outcome !== 'stored' && outcome.outcome !== 'repeated') return outcome;
    const { convSeq, countNo, kind, removalsSeq } = outcome;
    return { outcome: outcome.outcome, convSeq, countNo, kind, removalsSeq };
  }

  test('says what core says, for every kind of member, group, answer, mention and repeat', async () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 12 * TEST_SCALE; seed += 1) {
      const twins = [
        [await group(seed), await group(seed + 1_000)],
        [await group(seed), await group(seed + 1_000)],
      ] as const;
      for (let round = 0; round < 3; round += 1) {
        const batches = twins.map((groups) => batchOf(seed * 10 + round, groups));
        const [inDatabase] = [await storage.messages.append(batches[0]!)];
        // An event that changes nothing: with it the batch is decided by core's functions, message by message.
        const { conversationId, owner } = twins[1][0].group;
        const nothing = fixture.reaction(conversationId, owner.userId, 5, { removed: true });
        const byCore = await storage.messages.append([...batches[1]!, nothing]);
        expect(byCore.pop()!.outcome, `seed ${seed}`).not.toBe('stored');
        expect(inDatabase.map(plain), `seed ${seed}, round ${round}`).toEqual(byCore.map(plain));
        for (const one of byCore) seen.add(one.outcome === 'refused' ? one.reason : one.outcome);
      }
      for (const [index, { group: one, users }] of twins[0].entries()) {
        const other = twins[1][index]!;
        const history = await fixture.history(one.conversationId);
        const twin = await fixture.history(other.group.conversationId);
        const shape = history.map(({ convSeq, countNo, kind }) => ({ convSeq, countNo, kind }));
        expect(shape).toEqual(twin.map(({ convSeq, countNo, kind }) => ({ convSeq, countNo, kind })));
        for (const [place, userId] of users.entries()) {
          const [mine] = await storage.conversations.states(userId, [one.conversationId]);
          const [theirs] = await storage.conversations.states(other.users[place]!, [other.group.conversationId]);
          const view = (state: typeof mine) =>
            state && [state.headSeq, state.headCountNo, state.mentionSeq, state.unreadBaseCountNo, state.readSeq];
          expect(view(mine)).toEqual(view(theirs));
        }
      }
    }
    expect([...seen].toSorted()).toEqual([
      'MUTED',
      'NOT_ALLOWED',
      'NOT_A_MEMBER',
      'TARGET_INVALID',
      'repeated',
      'stored',
    ]);
  });

  test('an answer to a message of the same batch is decided too, and stored', async () => {
    const { conversationId, first, second } = await fixture.pair();
    const answer = { type: 'post', mentions: [], mentionAll: false, replySeq: 1 } as const;
    const outcomes = await storage.messages.append([
      fixture.request(conversationId, first.userId, { action: answer }),
      fixture.request(conversationId, first.userId),
      fixture.request(conversationId, second.userId, { action: answer }),
    ]);
    expect(outcomes.map((one) => (one.outcome === 'refused' ? one.reason : one.outcome))).toEqual([
      'TARGET_INVALID',
      'stored',
      'stored',
    ]);
  });

  test('looks up a repeat by its whole key, also before the database has looked at its tables', async () => {
    const fresh = new Fixture();
    const own = await storages.open();
    fresh.storage = own;
    const { conversationId, first } = await fresh.pair();
    await fresh.send(conversationId, first.userId, 1);
    for (let round = 0; round < 8; round += 1) await fresh.send(conversationId, first.userId, 500);
    const start = performance.now();
    await fresh.send(conversationId, first.userId, 64);
    const late = performance.now() - start;
    const other = await fresh.pair();
    const again = performance.now();
    await fresh.send(other.conversationId, other.first.userId, 64);
    // By a part of the key each of the 64 would read 4,000 rows.
    expect(late).toBeLessThan(Math.max(100, 20 * (performance.now() - again)));
  });
});
