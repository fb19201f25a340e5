import { describe, expect, test } from 'vitest';
import type { AppendOutcome, AppendRequest } from '../../message-store.ts';
import { StorageError } from '../../storage.ts';
import { AppendLane } from './append-lane.ts';

/** Only its number matters here. */
function request(number: number): AppendRequest {
  return {
    conversationId: BigInt(number),
    senderId: 1n,
    clientMsgId: new Uint8Array(16),
    msgId: BigInt(number),
    kind: 1,
    body: new Uint8Array(0),
    serverTimeMs: 1,
    action: { type: 'post', mentions: [], mentionAll: false, replySeq: 0 },
  };
}

/** A store whose transactions end when the test says so. */
class HeldStore {
  readonly batches: number[][] = [];
  readonly #ends: Array<(error?: unknown) => void> = [];

  readonly store = (batch: readonly AppendRequest[]): Promise<AppendOutcome[]> => {
    this.batches.push(batch.map(({ msgId }) => Number(msgId)));
    return new Promise((resolve, reject) => {
      this.#ends.push((error) =>
        error ? reject(error) : resolve(batch.map(() => ({ outcome: 'refused', reason: 'NOT_A_MEMBER' }))),
      );
    });
  };

  async end(error?: unknown): Promise<void> {
    this.#ends.shift()?.(error);
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  }
}

describe('the lane of appends', () => {
  test('one transaction at a time; what comes meanwhile goes into the next, in the order of the calls', async () => {
    const held = new HeldStore();
    const lane = new AppendLane(held.store);
    const calls = [[1], [2, 3], [4]].map((numbers) => lane.append(numbers.map(request)));
    expect(held.batches).toEqual([[1]]);
    await held.end();
    expect(held.batches).toEqual([[1], [2, 3, 4]]);
    await held.end();
    expect((await Promise.all(calls)).map((outcomes) => outcomes.length)).toEqual([1, 2, 1]);
  });

  test('a transaction is bounded, but a single batch is never split', async () => {
    const held = new HeldStore();
    const lane = new AppendLane(held.store);
    const sizes = [1, 1_000, 24, 1, 5_000];
    const calls = sizes.map((size) => lane.append(Array.from({ length: size }, (_, index) => request(index))));
    for (let round = 0; round < 4; round += 1) await held.end();
    await Promise.all(calls);
    expect(held.batches.map((batch) => batch.length)).toEqual([1, 1_024, 1, 5_000]);
  });

  test('a lost database fails all that went together; what comes after is tried', async () => {
    const held = new HeldStore();
    const lane = new AppendLane(held.store);
    const calls = [1, 2, 3].map((number) => lane.append([request(number)]));
    const settled = Promise.allSettled(calls);
    await held.end();
    await held.end(new StorageError('io', 'lost'));
    expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    const next = lane.append([request(4)]);
    await held.end();
    await next;
    expect(held.batches).toEqual([[1], [2, 3], [4]]);
  });

  test('what only one of them is to blame for fails that one only', async () => {
    const held = new HeldStore();
    const lane = new AppendLane(held.store);
    const settled = Promise.allSettled([1, 2, 3].map((number) => lane.append([request(number)])));
    await held.end();
    await held.end(new StorageError('fenced', 'one of these'));
    await held.end(new StorageError('fenced', 'this one'));
    await held.end();
    expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(held.batches).toEqual([[1], [2, 3], [2], [3]]);
  });

  test('more than may wait is refused as busy; closing waits for what was called and refuses the rest', async () => {
    const held = new HeldStore();
    const lane = new AppendLane(held.store);
    const large = Array.from({ length: 50_000 }, (_, index) => request(index));
    const calls = [lane.append([request(1)]), lane.append(large)];
    await expect(lane.append([request(2)])).rejects.toMatchObject({ kind: 'busy' });
    let closed = false;
    const closing = lane.close().then(() => {
      closed = true;
    });
    await expect(lane.append([request(3)])).rejects.toMatchObject({ kind: 'closed' });
    await held.end();
    expect(closed).toBe(false);
    await held.end();
    await Promise.all([...calls, closing]);
  });
});
