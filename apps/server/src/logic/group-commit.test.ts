import { describe, expect, it } from 'vitest';
import { GroupCommit } from './group-commit.ts';

const atOnce = { spacingMs: 0, eagerAt: 64 };
const noBytes = { waitingBytesLimit: 1, sizeOf: () => 0 };

describe('GroupCommit', () => {
  it('gives a single item at once when nothing is under way', () => {
    const commit = new GroupCommit<number>({ ...noBytes, ...atOnce, batchLimit: 64, waitingLimit: 100 });
    commit.add(1);
    expect(commit.take(0)).toEqual([1]);
  });

  it('collects what comes while a batch is under way, and gives it in order when that ends', () => {
    const commit = new GroupCommit<number>({ ...noBytes, ...atOnce, batchLimit: 64, waitingLimit: 100 });
    commit.add(1);
    commit.take(0);
    for (const item of [2, 3, 4]) commit.add(item);
    expect(commit.take(0)).toBeUndefined();
    commit.done();
    expect(commit.take(0)).toEqual([2, 3, 4]);
  });

  it('never makes a batch over its limit, and loses nothing of a longer queue', () => {
    const commit = new GroupCommit<number>({ ...noBytes, ...atOnce, batchLimit: 10, waitingLimit: 100 });
    const items = Array.from({ length: 35 }, (_, index) => index);
    for (const item of items) commit.add(item);
    const batches: number[][] = [];
    for (let batch = commit.take(0); batch; batch = commit.take(0)) {
      batches.push(batch);
      commit.done();
    }
    expect(batches.map((batch) => batch.length)).toEqual([10, 10, 10, 5]);
    expect(batches.flat()).toEqual(items);
    expect(commit.idle).toBe(true);
  });

  it('refuses what is over the bound, and takes again after the queue moved on', () => {
    const commit = new GroupCommit<number>({ ...noBytes, ...atOnce, batchLimit: 2, waitingLimit: 3 });
    expect([1, 2, 3, 4].map((item) => commit.add(item))).toEqual([true, true, true, false]);
    commit.take(0);
    expect(commit.waiting).toBe(1);
    expect(commit.add(5)).toBe(true);
  });

  it('bounds the bytes that wait, too, and frees them with each batch', () => {
    const commit = new GroupCommit<number>({
      ...atOnce,
      batchLimit: 2,
      waitingLimit: 100,
      waitingBytesLimit: 100,
      sizeOf: (bytes) => bytes,
    });
    expect([40, 40, 20, 1].map((bytes) => commit.add(bytes))).toEqual([true, true, true, false]);
    expect(commit.take(0)).toEqual([40, 40]);
    expect([80, 1].map((bytes) => commit.add(bytes))).toEqual([true, false]);
    expect(commit.takeWaiting()).toEqual([20, 80]);
    expect(commit.add(100)).toBe(true);
    commit.done();
    expect(commit.take(0)).toEqual([100]);
    expect(commit.add(100)).toBe(true);
  });

  it('hands back everything that waits behind a batch that failed', () => {
    const commit = new GroupCommit<number>({ ...noBytes, ...atOnce, batchLimit: 2, waitingLimit: 10 });
    for (const item of [1, 2, 3, 4, 5]) commit.add(item);
    commit.take(0);
    commit.done();
    expect(commit.takeWaiting()).toEqual([3, 4, 5]);
    expect(commit.idle).toBe(true);
  });

  it('spaces batches unless enough items wait, and lets an idle writer start at once', () => {
    const commit = new GroupCommit<number>({
      ...noBytes,
      batchLimit: 64,
      waitingLimit: 100,
      spacingMs: 2,
      eagerAt: 3,
    });
    expect(commit.delay(1_000)).toBeUndefined();
    commit.add(1);
    expect(commit.delay(1_000)).toBe(0);
    commit.take(1_000);
    commit.add(2);
    expect(commit.delay(1_000)).toBeUndefined();
    commit.done();
    expect(commit.delay(1_000.5)).toBe(1.5);
    expect(commit.delay(1_002)).toBe(0);
    // A clock that was set back holds nobody up.
    expect(commit.delay(400)).toBe(0);
    commit.add(3);
    expect(commit.delay(1_000.5)).toBe(1.5);
    commit.add(4);
    expect(commit.delay(1_000.5)).toBe(0);
    expect(commit.take(1_000.5)).toEqual([2, 3, 4]);
  });
});
