import { BusinessLine, EPOCH_MS } from '@fastim/core';
import { ManualClock } from '@fastim/core/testing';
import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import type { NumberLease } from '../registry/contract.ts';
import { LeasedIds } from './leased-ids.ts';

const START = EPOCH_MS + 1_000_000;

/** A lease whose number the test hands out and takes away. */
class TestLease implements NumberLease {
  number = 0;
  fence = 0n;
  held = false;
  readonly #listeners = new Set<() => void>();

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  take(number: number, fence: bigint): void {
    Object.assign(this, { number, fence, held: true });
    for (const listener of this.#listeners) listener();
  }

  lose(): void {
    this.held = false;
    for (const listener of this.#listeners) listener();
  }

  giveUp(): void {
    this.lose();
  }

  async stop(): Promise<void> {
    this.held = false;
  }
}

let clock: ManualClock;
let lease: TestLease;
let highest: () => Promise<bigint>;
let clockIsGood: boolean;

beforeEach(() => {
  clock = new ManualClock(START);
  lease = new TestLease();
  lease.take(0b10_00000111, 1n);
  highest = async () => 0n;
  clockIsGood = true;
});

const open = () =>
  LeasedIds.open({
    lease,
    highestId: () => highest(),
    randomStart: () => 0,
    clockIsGood: () => clockIsGood,
    clock,
    logger: pino({ level: 'silent' }),
  });
const settle = () => new Promise((resolve) => setImmediate(resolve));

function take(ids: LeasedIds): bigint {
  const result = ids.next(clock.now(), BusinessLine.direct);
  if (!result.ok) throw new Error(result.reason);
  return result.id;
}
const refusal = (ids: LeasedIds) => ids.next(clock.now(), BusinessLine.direct);

describe('ids under a leased number', () => {
  it('carry the number, and start above the highest that is stored', async () => {
    const stored = BigInt(START + 4_000 - EPOCH_MS) << 22n;
    highest = async () => stored;
    const ids = await open();
    const id = take(ids);
    expect(id).toBeGreaterThan(stored);
    expect((id >> 12n) & 0x3ffn).toBe(0b10_00000111n);
    expect(ids.number).toBe(0b10_00000111);
  });

  it('stop in the turn in which the number is lost, and go on under the next one', async () => {
    const ids = await open();
    const before = take(ids);
    lease.lose();
    expect(refusal(ids)).toEqual({ ok: false, reason: 'lease-lost' });
    expect(ids.number).toBe(-1);
    highest = async () => before;
    lease.take(5, 9n);
    // Not before the storage has said what is in it.
    expect(refusal(ids)).toEqual({ ok: false, reason: 'lease-lost' });
    await settle();
    const after = take(ids);
    expect((after >> 12n) & 0x3ffn).toBe(5n);
    expect(after).toBeGreaterThan(before);
  });

  it('are asked for again under the same number when another had it meanwhile', async () => {
    const ids = await open();
    take(ids);
    let asked = 0;
    highest = async () => {
      asked += 1;
      return BigInt(START + 3_000 - EPOCH_MS) << 22n;
    };
    lease.lose();
    lease.take(lease.number, 2n);
    await settle();
    expect(asked).toBe(1);
    expect(take(ids)).toBeGreaterThan(BigInt(START + 3_000 - EPOCH_MS) << 22n);
  });

  it('wait for a storage that does not answer', async () => {
    const ids = await open();
    highest = async () => {
      throw new Error('the database is away');
    };
    lease.lose();
    lease.take(6, 2n);
    await settle();
    expect(refusal(ids)).toEqual({ ok: false, reason: 'lease-lost' });
    highest = async () => 0n;
    clock.advance(1_000);
    await settle();
    expect((take(ids) >> 12n) & 0x3ffn).toBe(6n);
  });

  it('are under the last number when it changed while the storage was asked', async () => {
    const ids = await open();
    const { promise, resolve } = Promise.withResolvers<bigint>();
    highest = () => promise;
    lease.lose();
    lease.take(6, 2n);
    highest = async () => 0n;
    lease.lose();
    lease.take(7, 3n);
    resolve(0n);
    await settle();
    await settle();
    expect((take(ids) >> 12n) & 0x3ffn).toBe(7n);
  });

  it('are refused while the clock is off', async () => {
    const ids = await open();
    clockIsGood = false;
    expect(refusal(ids)).toEqual({ ok: false, reason: 'lease-lost' });
    clockIsGood = true;
    expect(refusal(ids).ok).toBe(true);
  });
});
