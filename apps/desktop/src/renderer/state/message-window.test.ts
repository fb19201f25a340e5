import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MessageView } from '../../bridge/contract.ts';
import { rowModels } from '../conversation/row-models.ts';
import { messageView } from '../fixture/fake-views.ts';
import {
  addNewer,
  addOlder,
  applyChanges,
  gapBefore,
  type MessageWindow,
  maxRows,
  pageSize,
  trim,
  windowOfPage,
} from './message-window.ts';

const start = new Date(2026, 9, 15, 12, 0).getTime();

function message(seq: number, patch: Partial<MessageView> = {}): MessageView {
  return messageView({
    key: seq.toString(16).padStart(32, '0'),
    conversationId: '1',
    convSeq: seq,
    senderId: seq % 3 === 0 ? '1' : '2',
    mine: seq % 3 === 0,
    text: `message ${seq}`,
    timeMs: start + seq * 60_000,
    ...patch,
  });
}

function range(from: number, to: number): MessageView[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => message(from + index));
}

function page(from: number, to: number, hasOlder = false, hasNewer = false) {
  return { conversationId: '1', messages: range(from, to), hasOlder, hasNewer, firstUnreadSeq: null };
}

const seqs = (window: MessageWindow) => window.rows.map((row) => row.convSeq);

describe('what the engine tells', () => {
  test('a changed message takes the place of its older self', () => {
    const window = applyChanges(windowOfPage(page(1, 3)), [message(2, { status: 'read' })], []);
    expect(window.rows.map((row) => row.status)).toEqual(['stored', 'read', 'stored']);
  });

  test('applying the same event twice does no harm', () => {
    const changed = [message(3, { status: 'delivered' }), message(4)];
    const once = applyChanges(windowOfPage(page(1, 3)), changed, []);
    expect(applyChanges(once, changed, []).rows).toEqual(once.rows);
  });

  test('my message keeps its identity and moves to its place when the server has stored it', () => {
    const mine = message(0, {
      key: 'f'.repeat(32),
      senderId: '1',
      mine: true,
      convSeq: null,
      msgId: null,
      order: 2 ** 40,
    });
    const sending = applyChanges(windowOfPage(page(1, 3)), [mine], []);
    const theirs = applyChanges(sending, [message(4)], []);
    expect(theirs.rows.at(-1)?.key).toBe(mine.key);
    const stored = applyChanges(theirs, [{ ...mine, convSeq: 5, order: 5, msgId: '5' }, message(6)], []);
    expect(seqs(stored)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(stored.rows).toHaveLength(6);
  });

  test('a removed message goes', () => {
    expect(seqs(applyChanges(windowOfPage(page(1, 3)), [], [message(2).key]))).toEqual([1, 3]);
  });

  test('what lies beyond the window is left to a later page', () => {
    const window = windowOfPage(page(10, 20, true, true));
    expect(applyChanges(window, [message(5), message(25)], [])).toBe(window);
  });

  describe('of a conversation of which nothing is here yet', () => {
    const empty = windowOfPage(page(1, 0, true));
    const mine = message(0, {
      key: 'f'.repeat(32),
      senderId: '1',
      mine: true,
      convSeq: null,
      msgId: null,
      order: 2 ** 52,
    });

    test('is shown, and what came before it is still to be had', () => {
      const window = applyChanges(empty, range(41, 50), []);
      expect(seqs(window)).toEqual(range(41, 50).map((row) => row.convSeq));
      expect(window.hasOlder).toBe(true);
      expect(seqs(applyChanges(window, [message(40), message(51)], []))).toEqual([...seqs(window), 51]);
    });

    test('is shown under what I wrote meanwhile', () => {
      const waiting = applyChanges(empty, [mine], []);
      expect(waiting.rows).toEqual([mine]);
      const pulled = applyChanges(waiting, range(41, 42), []);
      expect(seqs(pulled)).toEqual([41, 42, null]);
      expect(seqs(applyChanges(pulled, [{ ...mine, convSeq: 43, order: 43, msgId: '43' }], []))).toEqual([41, 42, 43]);
    });

    test('is shown from its last hole on: the rest is left to a page', () => {
      expect(seqs(applyChanges(empty, [message(50), message(7), mine, message(49)], []))).toEqual([49, 50, null]);
    });

    test('is left to a page when what I wrote fills one: then stored messages may be here before it', () => {
      const many = Array.from({ length: pageSize }, (_, index) =>
        message(0, { ...mine, key: index.toString(16).padStart(32, 'f'), order: 2 ** 52 + index }),
      );
      const window = windowOfPage({ ...page(1, 0, true), messages: many });
      expect(applyChanges(window, [message(7, { status: 'read' })], [])).toBe(window);
    });

    test('is left to a page when the window is not at the end', () => {
      const window = windowOfPage(page(1, 0, true, true));
      expect(applyChanges(window, range(41, 50), [])).toBe(window);
    });
  });

  test('a hole before a new message is noticed, no hole is not', () => {
    const window = windowOfPage(page(1, 3));
    expect(gapBefore(window, [message(6)])?.convSeq).toBe(3);
    expect(gapBefore(window, [message(4), message(5)])).toBeNull();
    expect(gapBefore(windowOfPage(page(1, 3, false, true)), [message(9)])).toBeNull();
  });
});

describe('pages', () => {
  test('an older page that overlaps adds each message once', () => {
    const window = addOlder(windowOfPage(page(10, 20, true)), page(5, 12, true));
    expect(seqs(window)).toEqual(range(5, 20).map((row) => row.convSeq));
    expect(window).toMatchObject({ hasOlder: true, shift: true });
  });

  test('what is in memory is newer than the page', () => {
    const read = applyChanges(windowOfPage(page(10, 12, true)), [message(10, { status: 'read' })], []);
    expect(addOlder(read, page(8, 10)).rows[2]?.status).toBe('read');
  });

  test('a window never holds more than its bound, and forgets only the far end', () => {
    const full = windowOfPage(page(1, maxRows + 5, true));
    const newest = trim(full, 'oldest');
    expect(newest.rows.at(-1)?.convSeq).toBe(maxRows + 5);
    expect(newest).toMatchObject({ hasOlder: true, hasNewer: false, shift: true });
    const oldest = trim(full, 'newest');
    expect(oldest.rows[0]?.convSeq).toBe(1);
    expect(oldest).toMatchObject({ hasNewer: true, shift: false });
    expect(Math.max(newest.rows.length, oldest.rows.length)).toBeLessThanOrEqual(maxRows);
  });
});

test('any order of pages and events gives rows in order, each once', () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('event' as const),
      seqs: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 5 }),
    }),
    fc.record({ kind: fc.constantFrom('older' as const, 'newer' as const), size: fc.integer({ min: 1, max: 15 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let window = windowOfPage(page(25, 35, true, true));
      for (const next of steps) {
        const first = window.rows[0]!.order;
        const last = window.rows.at(-1)!.order;
        if (next.kind === 'event')
          window = applyChanges(
            window,
            next.seqs.map((seq) => message(seq)),
            [],
          );
        else if (next.kind === 'older') {
          const from = Math.max(1, first - next.size);
          window = addOlder(window, page(from, first - 1, from > 1));
        } else {
          const to = Math.min(60, last + next.size);
          window = addNewer(window, page(last + 1, to, true, to < 60));
        }
      }
      const orders = window.rows.map((row) => row.order);
      expect(orders).toEqual([...new Set(orders)].sort((a, b) => a - b));
    }),
  );
});

test('a page that comes in above changes nothing about the rows below', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 12, maxLength: 40 }), (minutes) => {
      let time = start;
      const all = minutes.map((gap, index) => {
        time += gap * 60_000;
        return message(index + 1, { timeMs: time, senderId: gap % 2 === 0 ? '1' : '2', mine: gap % 2 === 0 });
      });
      const split = Math.floor(all.length / 2);
      const base = { conversationId: '1', hasNewer: false, firstUnreadSeq: null };
      const before = windowOfPage({ ...base, messages: all.slice(split), hasOlder: true });
      const after = addOlder(before, { ...base, messages: all.slice(0, split), hasOlder: false });
      const below = rowModels(before);
      expect(rowModels(after).slice(-below.length)).toEqual(below);
    }),
  );
});
