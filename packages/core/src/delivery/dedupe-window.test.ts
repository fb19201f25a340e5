import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { DedupeWindow } from './dedupe-window.ts';

describe('the dedupe window', () => {
  it('knows the last keys remembered, with their last value, and never a wrong one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.tuple(fc.nat({ max: 12 }), fc.nat()), { maxLength: 60 }),
        (capacity, steps) => {
          const window = new DedupeWindow<number, number>(capacity);
          let latest: Array<[number, number]> = [];
          for (const [key, value] of steps) {
            window.remember(key, value);
            latest = [...latest.filter(([known]) => known !== key), [key, value] as [number, number]];
            for (const [known, expected] of latest.slice(-capacity)) expect(window.get(known)).toBe(expected);
            const all = new Map(latest);
            for (let probe = 0; probe <= 12; probe += 1)
              expect([all.get(probe), undefined]).toContain(window.get(probe));
          }
        },
      ),
      { numRuns: runs(100) },
    );
  });

  it('forgets what is older than twice its capacity', () => {
    const window = new DedupeWindow<number, string>(100);
    for (let key = 0; key < 1_000; key += 1) window.remember(key, 'seen');
    const known = Array.from({ length: 1_000 }, (_, key) => key).filter((key) => window.get(key) === 'seen');
    expect(known.length).toBeGreaterThanOrEqual(100);
    expect(known.length).toBeLessThanOrEqual(200);
    expect(known[0]).toBe(1_000 - known.length);
  });
});
