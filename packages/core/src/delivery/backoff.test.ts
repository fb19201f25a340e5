import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { seededRandom } from '../testing/index.ts';
import { backoffDelay } from './backoff.ts';

const policy = { baseMs: 500, capMs: 30_000 };

describe('backoff', () => {
  it('is a whole number from 1 ms to the smaller of cap and base · 2ⁿ', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60_000 }),
        fc.integer({ min: 1, max: 600_000 }),
        fc.nat({ max: 10_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (baseMs, capMs, attempt, random) => {
          const delay = backoffDelay({ baseMs, capMs }, attempt, random);
          expect(Number.isSafeInteger(delay)).toBe(true);
          expect(delay).toBeGreaterThanOrEqual(1);
          expect(delay).toBeLessThanOrEqual(Math.max(1, Math.min(capMs, baseMs * 2 ** Math.min(attempt, 60))));
        },
      ),
      { numRuns: runs(500) },
    );
  });

  it('doubles until the cap', () => {
    const highest = [0, 1, 2, 5, 6, 7, 1_000].map((attempt) => backoffDelay(policy, attempt, 1 - 2 ** -53));
    expect(highest).toEqual([499, 999, 1_999, 15_999, 29_999, 29_999, 29_999]);
  });

  it('is spread evenly over the whole range, so that many clients do not come back together', () => {
    const random = seededRandom(1);
    const tenths = new Array<number>(10).fill(0);
    for (let index = 0; index < 10_000; index += 1) {
      const tenth = Math.floor(backoffDelay(policy, 3, random()) / 400);
      tenths[tenth] = tenths[tenth]! + 1;
    }
    for (const many of tenths) expect(Math.abs(many - 1_000)).toBeLessThan(150);
  });
});
