import { describe, expect, test } from 'vitest';
import type { MessageView } from '../../bridge/contract.ts';
import { messageView } from '../fixture/fake-views.ts';
import { everyState, fixtureNow, messagesOf, unreadChat } from '../fixture/fixture-data.ts';
import { rowModels } from './row-models.ts';

const base = {
  conversationId: '1',
  hasOlder: false,
  hasNewer: false,
  firstUnreadSeq: null,
  shift: false,
  unsure: false,
};

test('each day begins once, the first row included', () => {
  const rows = rowModels({ ...base, rows: messagesOf('1', '2', everyState) });
  expect(rows.map((row) => row.newDay).filter(Boolean)).toHaveLength(2);
  expect(rows[0]?.newDay).toBe(true);
});

test('messages of one sender within five minutes are one run', () => {
  const rows = rowModels({
    ...base,
    rows: messagesOf('1', '2', [
      { text: 'a', ago: 20 },
      { text: 'b', ago: 16 },
      { text: 'c', ago: 10 },
      { text: 'd', mine: true, ago: 9 },
    ]),
  });
  expect(rows.map((row) => [row.first, row.last])).toEqual([
    [true, false],
    [false, true],
    [true, true],
    [true, true],
  ]);
});

test('the divider stands before the first unread message of the other, once', () => {
  const rows = rowModels({ ...base, firstUnreadSeq: 4, rows: messagesOf('1', '2', unreadChat) });
  expect(rows.filter((row) => row.divider).map((row) => row.message.convSeq)).toEqual([5]);
});

describe('in a group', () => {
  const group = (messages: MessageView[]) =>
    rowModels({ ...base, rows: messages }, true).map(({ message, first, last, receipt }) => ({
      seq: message.convSeq,
      first,
      last,
      receipt,
    }));
  const one = (convSeq: number, patch: Partial<MessageView> = {}) =>
    messageView({ key: String(convSeq), conversationId: '201', convSeq, senderId: '2', timeMs: fixtureNow, ...patch });

  test('a grey line ends the run of its own sender, and a recalled message is one', () => {
    const by = { userId: '2', name: 'Alice' };
    const recalled = { by, mine: false, again: null, againUntilMs: 0 };
    const rows = group([one(1), one(2, { kind: 'notice' }), one(3), one(4, { recalled }), one(5), one(6)]);
    expect(rows.map(({ first }) => first)).toEqual([true, true, true, true, true, false]);
    expect(rows.map(({ last }) => last)).toEqual([true, true, true, true, false, true]);
  });

  test('who has read stands under my newest stored text only', () => {
    const mine = { mine: true, senderId: '1' };
    const unsent = one(9, { ...mine, convSeq: null, status: 'sending', order: 2 ** 40 });
    const rows = group([one(1, mine), one(2, mine), one(3), unsent]);
    expect(rows.map(({ receipt }) => receipt)).toEqual([false, true, false, false]);
  });
});
