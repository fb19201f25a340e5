import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { seededRandom } from '../testing/index.ts';
import { ReorderBuffer } from './reorder-buffer.ts';

const options = { gapWaitMs: 500, capacity: 100 };

function make(lastSeq = 0, capacity = 100): ReorderBuffer<string> {
  return new ReorderBuffer({ ...options, capacity }, lastSeq);
}

describe('the reorder buffer', () => {
  it('gives items in order at once while there is no gap', () => {
    const buffer = make(4);
    expect(buffer.accept(5, 'five', 0)).toEqual(['five']);
    expect(buffer.accept(6, 'six', 0)).toEqual(['six']);
    expect([buffer.lastSeq, buffer.held, buffer.gap(), buffer.nextTimeout()]).toEqual([6, 0, undefined, undefined]);
  });

  it('holds what is ahead and gives it out when the straggler comes', () => {
    const buffer = make();
    expect(buffer.accept(3, 'three', 0)).toEqual([]);
    expect(buffer.accept(2, 'two', 10)).toEqual([]);
    expect(buffer.accept(1, 'one', 20)).toEqual(['one', 'two', 'three']);
    expect([buffer.held, buffer.nextTimeout()]).toEqual([0, undefined]);
  });

  it('drops what it has given or holds already', () => {
    const buffer = make(2);
    expect(buffer.accept(2, 'old', 0)).toEqual([]);
    expect(buffer.accept(4, 'four', 0)).toEqual([]);
    expect(buffer.accept(4, 'again', 0)).toEqual([]);
    expect(buffer.held).toBe(1);
    expect(buffer.accept(3, 'three', 0)).toEqual(['three', 'four']);
  });

  it('asks for a gap only after the wait, and only up to the first item held', () => {
    const buffer = make(10);
    buffer.accept(14, 'fourteen', 1_000);
    buffer.accept(18, 'eighteen', 1_400);
    expect(buffer.gap()).toEqual({ from: 11, to: 13 });
    expect(buffer.dueGap(1_499)).toBeUndefined();
    expect(buffer.nextTimeout()).toBe(1_500);
    expect(buffer.dueGap(1_500)).toEqual({ from: 11, to: 13 });
  });

  it('asks again when the pull brought nothing, and waits anew for the next gap when it did', () => {
    const buffer = make(10);
    buffer.accept(14, 'fourteen', 0);
    buffer.accept(18, 'eighteen', 0);
    buffer.gapRequested(500);
    expect(buffer.dueGap(999)).toBeUndefined();
    expect(buffer.dueGap(1_000)).toEqual({ from: 11, to: 13 });
    expect(buffer.advanceTo(13, 1_100)).toEqual(['fourteen']);
    expect([buffer.lastSeq, buffer.nextTimeout()]).toEqual([14, 1_600]);
    expect(buffer.dueGap(1_600)).toEqual({ from: 15, to: 17 });
  });

  it('waits anew for the rest of a gap of which a pull brought a part', () => {
    const buffer = make(10);
    buffer.accept(20, 'twenty', 0);
    expect(buffer.advanceTo(15, 600)).toEqual([]);
    expect([buffer.nextTimeout(), buffer.dueGap(1_099)]).toEqual([1_100, undefined]);
    expect(buffer.dueGap(1_100)).toEqual({ from: 16, to: 19 });
  });

  it('knows of a head without its item', () => {
    const buffer = make(3);
    buffer.noteHead(3, 0);
    expect(buffer.gap()).toBeUndefined();
    buffer.noteHead(6, 100);
    buffer.noteHead(5, 300);
    expect(buffer.dueGap(600)).toEqual({ from: 4, to: 6 });
    expect(buffer.advanceTo(6, 700)).toEqual([]);
    expect([buffer.gap(), buffer.nextTimeout()]).toEqual([undefined, undefined]);
  });

  it('takes a pull that went further than what is held, and one that is old', () => {
    const buffer = make();
    buffer.accept(3, 'three', 0);
    buffer.accept(9, 'nine', 0);
    expect(buffer.advanceTo(8, 10)).toEqual(['nine']);
    expect(buffer.held).toBe(0);
    expect(buffer.advanceTo(2, 10)).toEqual([]);
    expect(buffer.lastSeq).toBe(9);
  });

  it('drops the farthest items when full, and asks for them again', () => {
    const buffer = make(0, 2);
    buffer.accept(5, 'five', 0);
    buffer.accept(9, 'nine', 0);
    buffer.accept(3, 'three', 0);
    expect(buffer.held).toBe(2);
    buffer.accept(7, 'seven', 0);
    expect(buffer.held).toBe(2);
    // The next in order passes a full buffer without pushing anything out.
    expect(buffer.accept(1, 'one', 0)).toEqual(['one']);
    expect(buffer.advanceTo(2, 0)).toEqual(['three']);
    expect(buffer.advanceTo(4, 0)).toEqual(['five']);
    expect(buffer.gap()).toEqual({ from: 6, to: 9 });
  });

  it('can hold undefined as an item, and ignores a seq that is not a number', () => {
    const buffer = new ReorderBuffer<undefined>(options, 0);
    expect(buffer.accept(2, undefined, 0)).toEqual([]);
    expect(buffer.accept(1, undefined, 0)).toEqual([undefined, undefined]);
    expect(buffer.accept(Number.NaN, undefined, 0)).toEqual([]);
    buffer.noteHead(Number.NaN, 0);
    expect(buffer.gap()).toBeUndefined();
  });

  it('does not wait longer because the clock was set back', () => {
    const buffer = make();
    buffer.accept(2, 'two', 1_000_000);
    expect(buffer.dueGap(5_000)).toEqual({ from: 1, to: 1 });
  });

  it('gives exactly 1..n in order through loss, repeats, disorder and pulls that fail', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 80 }),
        fc.integer({ min: 0, max: 70 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer(),
        (total, lossPercent, capacity, seed) => {
          const random = seededRandom(seed);
          const lost = () => random() * 100 < lossPercent;
          const buffer = new ReorderBuffer<number>({ gapWaitMs: 500, capacity }, 0);
          const out: number[] = [];
          const onTheWay: Array<{ seq: number; at: number }> = [];
          for (let seq = 1; seq <= total; seq += 1) {
            for (let copy = 0; copy < 1 + Math.floor(random() * 2); copy += 1) {
              if (!lost()) onTheWay.push({ seq, at: seq * 20 + Math.floor(random() * 1_500) });
            }
          }
          onTheWay.sort((a, b) => a.at - b.at);
          let pulls = 0;
          for (let now = 0; out.length < total; now += 10) {
            expect(now).toBeLessThan(1_000_000);
            for (let first = onTheWay[0]; first && first.at <= now; first = onTheWay[0]) {
              onTheWay.shift();
              out.push(...buffer.accept(first.seq, first.seq, now));
            }
            // The heartbeat says where the head is, now and then.
            if (now % 3_000 === 0 && now > 0) buffer.noteHead(Math.min(total, Math.floor(now / 20)), now);
            expect(buffer.held).toBeLessThanOrEqual(capacity);
            const gap = buffer.dueGap(now);
            if (!gap) continue;
            pulls += 1;
            expect(gap.from).toBe(buffer.lastSeq + 1);
            expect(gap.to).toBeGreaterThanOrEqual(gap.from);
            buffer.gapRequested(now);
            if (lost()) continue;
            // A page of the answer: at most 7.
            const to = Math.min(gap.to, gap.from + 6);
            for (let seq = gap.from; seq <= to; seq += 1) out.push(seq);
            out.push(...buffer.advanceTo(to, now));
          }
          expect(out).toEqual(Array.from({ length: total }, (_, index) => index + 1));
          expect(pulls).toBeLessThan(total * 20 + 20);
        },
      ),
      { numRuns: runs(150) },
    );
  });
});
