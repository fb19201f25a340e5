import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { type Cursors, clampCursor, deliveryState, mergeCursors } from './cursors.ts';

const seq = fc.nat({ max: 50 });
const cursors: fc.Arbitrary<Cursors> = fc
  .record({ deliveredSeq: seq, readSeq: seq })
  .map((raw) => mergeCursors({ deliveredSeq: 0, readSeq: 0 }, raw));

describe('cursors', () => {
  it('merge to the same whatever the order, the grouping and the number of repeats', () => {
    fc.assert(
      fc.property(cursors, cursors, cursors, (a, b, c) => {
        expect(mergeCursors(a, b)).toEqual(mergeCursors(b, a));
        expect(mergeCursors(a, mergeCursors(b, c))).toEqual(mergeCursors(mergeCursors(a, b), c));
        expect(mergeCursors(a, a)).toEqual(a);
        expect(mergeCursors(mergeCursors(a, b), b)).toEqual(mergeCursors(a, b));
      }),
      { numRuns: runs(300) },
    );
  });

  it('never fall, and what is read is delivered', () => {
    fc.assert(
      fc.property(cursors, fc.record({ deliveredSeq: seq, readSeq: seq }), (a, b) => {
        const merged = mergeCursors(a, b);
        expect(merged.deliveredSeq).toBeGreaterThanOrEqual(a.deliveredSeq);
        expect(merged.readSeq).toBeGreaterThanOrEqual(a.readSeq);
        expect(merged.deliveredSeq).toBeGreaterThanOrEqual(merged.readSeq);
      }),
      { numRuns: runs(300) },
    );
  });

  it('from a peer are held to what exists', () => {
    expect([clampCursor(5, 10), clampCursor(11, 10), clampCursor(-1, 10), clampCursor(3, 0)]).toEqual([5, 10, 0, 0]);
  });

  it('tell stored from delivered from read, and a message only moves on', () => {
    const peer = { deliveredSeq: 8, readSeq: 5 };
    expect([5, 6, 8, 9].map((convSeq) => deliveryState(convSeq, peer))).toEqual([
      'read',
      'delivered',
      'delivered',
      'stored',
    ]);
    const rank = { stored: 0, delivered: 1, read: 2 };
    fc.assert(
      fc.property(seq, cursors, cursors, (convSeq, before, move) => {
        const after = mergeCursors(before, move);
        expect(rank[deliveryState(convSeq, after)]).toBeGreaterThanOrEqual(rank[deliveryState(convSeq, before)]);
      }),
      { numRuns: runs(300) },
    );
  });
});
