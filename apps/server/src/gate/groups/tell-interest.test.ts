import { describe, expect, it } from 'vitest';
import type { InterestChange } from '../../cluster/contract.ts';
import { INTEREST_KEPT_MS } from '../gate-limits.ts';
import { TellInterest } from './tell-interest.ts';

function setUp() {
  const told: InterestChange[] = [];
  const at = { now: 0 };
  const interest = new TellInterest({
    gateId: 'gate-1',
    logic: { interested: (_gateId, change) => told.push(change) },
    now: () => at.now,
  });
  return { interest, told, at };
}

const turn = () => Promise.resolve();
const on = (...ids: bigint[]) => ({ on: ids, off: [], whole: false });
const off = (...ids: bigint[]) => ({ on: [], off: ids, whole: false });

describe('what a gate tells of the groups that are followed at it', () => {
  it('is told once for each group, together for those of one turn', async () => {
    const { interest, told } = setUp();
    interest.came(1n);
    interest.came(2n);
    interest.came(1n);
    await turn();
    interest.came(3n);
    await turn();
    expect(told).toEqual([on(1n, 2n), on(3n)]);
  });

  it('is not taken back while those who left may come back, nor without a packet', async () => {
    const { interest, told, at } = setUp();
    interest.came(1n);
    await turn();
    interest.went(1n);
    at.now = INTEREST_KEPT_MS - 1;
    interest.packetForNobody(1n);
    interest.came(1n);
    await turn();
    at.now = INTEREST_KEPT_MS * 3;
    interest.went(1n);
    at.now = INTEREST_KEPT_MS * 5;
    expect(told).toEqual([on(1n)]);
    interest.packetForNobody(1n);
    expect(told).toEqual([on(1n), off(1n)]);
    interest.came(1n);
    await turn();
    expect(told).toEqual([on(1n), off(1n), on(1n)]);
  });

  it('corrects a node that believes in somebody who never came', () => {
    const { interest, told } = setUp();
    interest.packetForNobody(9n);
    expect(told).toEqual([off(9n)]);
  });
});
