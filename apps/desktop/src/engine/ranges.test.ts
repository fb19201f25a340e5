import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addRange, contains, missing, type Ranges } from './ranges.ts';

const MAX = 60;
const range = fc.tuple(fc.integer({ min: 1, max: MAX }), fc.integer({ min: 0, max: 15 })).map(([from, length]) => ({
  from,
  to: from + length - 1,
}));

describe('ranges', () => {
  it('are the set of what was added, sorted, disjoint and never adjacent, and know what is missing', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 30 }), range, (added, asked) => {
        let ranges: Ranges = [];
        const model = new Set<number>();
        for (const { from, to } of added) {
          const before = JSON.stringify(ranges);
          const after = addRange(ranges, from, to);
          expect(JSON.stringify(ranges)).toBe(before);
          ranges = after;
          for (let seq = from; seq <= to; seq += 1) model.add(seq);
        }
        for (let seq = 0; seq <= MAX + 20; seq += 1) expect(contains(ranges, seq)).toBe(model.has(seq));
        for (const [index, { from, to }] of ranges.entries()) {
          expect(to).toBeGreaterThanOrEqual(from);
          if (index > 0) expect(from).toBeGreaterThan(ranges[index - 1]!.to + 1);
        }
        const holes = missing(ranges, asked.from, asked.to).flatMap(({ from, to }) =>
          Array.from({ length: to - from + 1 }, (_, index) => from + index),
        );
        const expected = [];
        for (let seq = asked.from; seq <= asked.to; seq += 1) if (!model.has(seq)) expected.push(seq);
        expect(holes).toEqual(expected);
      }),
    );
  });
});
