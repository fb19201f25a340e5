import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { unreadBaseSeq, unreadCount } from './unread.ts';

const event = fc.record({ mine: fc.boolean(), counts: fc.boolean() });

describe('the unread count', () => {
  it('equals a naive count of what others sent after all that I have seen', () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 40 }),
        fc.nat({ max: 45 }),
        fc.integer({ min: 1, max: 41 }),
        (events, readSeq, joinSeq) => {
          let countNo = 0;
          const countNos = [0, ...events.map(({ counts }) => (countNo += counts ? 1 : 0))];
          const lastOwnSeq = events.findLastIndex(({ mine }) => mine) + 1;
          const base = unreadBaseSeq(Math.min(readSeq, events.length), joinSeq, lastOwnSeq);

          const naive = events.filter(
            ({ mine, counts }, index) =>
              counts && !mine && index + 1 > readSeq && index + 1 >= joinSeq && index + 1 > lastOwnSeq,
          ).length;
          expect(
            unreadCount({
              headCountNo: countNos.at(-1)!,
              baseCountNo: countNos[Math.min(base, events.length)]!,
            }),
          ).toBe(naive);
        },
      ),
      { numRuns: runs(500) },
    );
  });

  it('is never below zero, also when the head is older than the base', () => {
    expect(unreadCount({ headCountNo: 3, baseCountNo: 5 })).toBe(0);
    expect(unreadBaseSeq(0, 0, 0)).toBe(0);
  });
});
