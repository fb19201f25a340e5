import { describe, expect, it } from 'vitest';
import { GroupCommit } from './group-commit.ts';

const noBytes = { waitingBytesLimit: 1, sizeOf: () => 0 };

describe('GroupCommit', () => {
  it('gives a single item at once when nothing is under way', () => {
    const commit = new GroupCommit<number>({ ...noBytes, batchLimit: 64, waitingLimit: 100 });
    commit.add(1);
    expect(commit.take()).toEqual([1]);
  });

  it('collects what comes while a batch is under way, and gives it in order when that ends', () => {
    const commit = new GroupCommit<number>({ ...noBytes, batchLimit: 64, waitingLimit: 100 });
    commit.add(1);
    commit.take();
    for (const item of [2, 3, 4]) commit.add(item);
    expect(commit.take()).toBeUndefined();
    commit.done();
    expect(commit.take()).toEqual([2, 3, 4]);
  });

  it('never makes a batch over its limit, and loses nothing of a longer queue', () => {
    const commit = new GroupCommit<number>({ ...noBytes, batchLimit: 10, waitingLimit: 100 });
    const items = Array.from({ length: 35 }, (_, index) => index);
    for (const item of items) commit.add(item);
    const batches: number[][] = [];
    for (let batch = commit.take(); batch; batch = commit.take()) {
      batches.push(batch);
      commit.done();
    }
    expect(batches.map((batch) => batch.length)).toEqual([10, 10, 10, 5]);
    expect(batches.flat()).toEqual(items);
    expect(commit.idle).toBe(true);
  });

  it('refuses what is over the bound, and takes again after the queue moved on', () => {
    const commit = new GroupCommit<number>({ ...noBytes, batchLimit: 2, waitingLimit: 3 });
    expect([1, 2, 3, 4].map((item) => commit.add(item))).toEqual([true, true, true, false]);
    commit.take();
    expect(commit.waiting).toBe(1);
    expect(commit.add(5)).toBe(true);
  });

  it('bounds the bytes that wait, too, and frees them with each batch', () => {
    const commit = new GroupCommit<number>({
      batchLimit: 2,
      waitingLimit: 100,
      waitingBytesLimit: 100,
      sizeOf: (bytes) => bytes,
    });
    expect([40, 40, 20, 1].map((bytes) => commit.add(bytes))).toEqual([true, true, true, false]);
    expect(commit.take()).toEqual([40, 40]);
    expect([80, 1].map((bytes) => commit.add(bytes))).toEqual([true, false]);
    expect(commit.takeWaiting()).toEqual([20, 80]);
    expect(commit.add(100)).toBe(true);
    commit.done();
    expect(commit.take()).toEqual([100]);
    expect(commit.add(100)).toBe(true);
  });

  it('hands back everything that waits behind a batch that failed', () => {
    const commit = new GroupCommit<number>({ ...noBytes, batchLimit: 2, waitingLimit: 10 });
    for (const item of [1, 2, 3, 4, 5]) commit.add(item);
    commit.take();
    commit.done();
    expect(commit.takeWaiting()).toEqual([3, 4, 5]);
    expect(commit.idle).toBe(true);
  });
});
