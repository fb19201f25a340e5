import { expect, test } from 'vitest';
import { createTestTime } from '../testing/render-ui.tsx';
import { createReadTracker } from './read-tracker.ts';

function setUp() {
  const time = createTestTime();
  const read: number[] = [];
  const tracker = createReadTracker({ now: time.now, schedule: time.schedule, read: (seq) => read.push(seq) });
  return { time, read, tracker };
}

test('a message is read after it stood in view for half a second, not before', () => {
  const { time, read, tracker } = setUp();
  tracker.seen([5, 6]);
  time.advance(499);
  expect(read).toEqual([]);
  time.advance(1);
  expect(read).toEqual([6]);
});

test('what was scrolled past is not read', () => {
  const { time, read, tracker } = setUp();
  tracker.seen([5]);
  time.advance(200);
  tracker.seen([6, 7]);
  time.advance(200);
  tracker.seen([]);
  time.advance(5000);
  expect(read).toEqual([]);
});

test('a steady stream of new messages does not keep the older ones unread', () => {
  const { time, read, tracker } = setUp();
  const visible: number[] = [];
  for (let seq = 1; seq <= 20; seq++) {
    visible.push(seq);
    tracker.seen(visible);
    time.advance(100);
  }
  expect(read.at(-1)).toBeGreaterThanOrEqual(15);
  expect(read).toEqual([...read].sort((a, b) => a - b));
});

test('nothing is read after the window lost the focus, and the time starts again when it is back', () => {
  const { time, read, tracker } = setUp();
  tracker.seen([5]);
  time.advance(400);
  tracker.seen([]);
  time.advance(1000);
  tracker.seen([5]);
  time.advance(400);
  expect(read).toEqual([]);
  time.advance(100);
  expect(read).toEqual([5]);
});

test('the cursor is never told to go back', () => {
  const { time, read, tracker } = setUp();
  tracker.seen([9]);
  time.advance(500);
  tracker.seen([3]);
  time.advance(1000);
  expect(read).toEqual([9]);
});

test('after the stop nothing is told', () => {
  const { time, read, tracker } = setUp();
  tracker.seen([9]);
  tracker.stop();
  time.advance(1000);
  expect(read).toEqual([]);
});
