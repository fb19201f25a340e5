import { expect, test } from 'vitest';
import { everyState, messagesOf, unreadChat } from '../fixture/fixture-data.ts';
import { rowModels } from './row-models.ts';

const base = { conversationId: '1', hasOlder: false, hasNewer: false, firstUnreadSeq: null, shift: false, unsure: false };

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
