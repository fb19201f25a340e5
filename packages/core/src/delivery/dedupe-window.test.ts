import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { DedupeWindow } from './dedupe-window.ts';

describe('the dedupe window', () => {
  it('knows exactly the last keys remembered, with their last value', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.tuple(fc.nat({ max: 12 }), fc.nat()), { maxLength: 60 }),
        (capacity, steps) => {
          const window = new DedupeWindow<number, number>(capacity);
          let model: Array<[number, number]> = [];
          for (const [key, value] of steps) {
            window.remember(key, value);
            model = [...model.filter(([known]) => known !== key), [key, value] as [number, number]].slice(-capacity);
            expect(window.size).toBe(model.length);
            for (let probe = 0; probe <= 12; probe += 1) {
              expect(window.get(probe)).toBe(model.find(([known]) => known === probe)?.[1]);
            }
          }
        },
      ),
      { numRuns: runs(100) },
    );
  });
});
