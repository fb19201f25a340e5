import { seededRandomPort } from '@fastim/core/testing';
import { describe, expect, it } from 'vitest';
import { MemoryDisk, MemoryStore } from './memory-store.ts';
import { storeContract } from './store-contract.ts';
import { account, all, batch, conversation, message, recall, seqs, unsent } from './store-samples.ts';

describe('the store in memory', () => {
  for (const { name, run } of storeContract) {
    it(name, async () => {
      const disk = new MemoryDisk();
      await run(new MemoryStore(disk), () => new MemoryStore(disk));
    });
  }

  it('takes a write back whole when it fails half-way', async () => {
    const store = new MemoryStore();
    await store.open();
    const generation = await store.beginAccount(account, null);
    await store.apply(generation, batch({ messages: [message(1)] }));
    const bad = { ...message(3), content: undefined } as never;
    const failing = batch({ messages: [recall(2, 1), bad], conversations: [conversation()], durable: true });
    await expect(store.apply(generation, failing)).rejects.toThrow();
    expect(await store.messages(generation, all)).toEqual([message(1)]);
    expect((await store.load(generation)).conversations).toEqual([]);
  });
});

describe('a power loss', () => {
  /** Some transactions, every fifth of them durable; what is there after a crash and a power loss. */
  async function afterPowerLoss(seed: number, durable: (number: number) => boolean) {
    const disk = new MemoryDisk();
    const store = new MemoryStore(disk);
    await store.open();
    const generation = await store.beginAccount(account, null);
    let synced = 0;
    for (let number = 1; number <= 12; number += 1) {
      const outboxPut = durable(number) ? [unsent(number)] : [];
      await store.apply(generation, batch({ messages: [message(number)], outboxPut, durable: durable(number) }));
      if (durable(number)) synced = number;
    }
    store.crash();
    const dropped = disk.dropUnsynced(seededRandomPort(seed));
    const next = new MemoryStore(disk);
    await next.open();
    return { dropped, synced, left: seqs(await next.messages(generation, all)) };
  }

  it('takes a run of the newest transactions, and none that a durable one came after', async () => {
    const drops = new Set<number>();
    for (let seed = 1; seed <= 40; seed += 1) {
      const { dropped, synced, left } = await afterPowerLoss(seed, (number) => number % 5 === 0);
      expect(synced).toBe(10);
      expect(left).toEqual(Array.from({ length: 12 - dropped }, (_, index) => index + 1));
      drops.add(dropped);
    }
    expect([...drops].sort()).toEqual([0, 1, 2]);
  });

  it('takes nothing after a durable transaction', async () => {
    expect(await afterPowerLoss(1, (number) => number === 12)).toMatchObject({ dropped: 0 });
  });

  it('takes what an event made of its target with the event', async () => {
    const disk = new MemoryDisk();
    const store = new MemoryStore(disk);
    await store.open();
    const generation = await store.beginAccount(account, null);
    await store.apply(generation, batch({ messages: [message(1)], durable: true }));
    await store.apply(generation, batch({ messages: [recall(2, 1)] }));
    await store.saveProfile({ deviceId: 'x' });
    expect(() => disk.dropUnsynced({ fraction: () => 0.99, bytes: () => new Uint8Array() })).toThrow();
    store.crash();
    expect(disk.dropUnsynced({ fraction: () => 0.99, bytes: () => new Uint8Array() })).toBe(2);
    const next = new MemoryStore(disk);
    expect((await next.open()).profile.deviceId).toBeNull();
    expect(await next.messages(generation, all)).toEqual([message(1)]);
  });
});
