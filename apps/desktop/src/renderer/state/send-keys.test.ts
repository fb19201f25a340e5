import { expect, test } from 'vitest';
import { createSendKeys } from './send-keys.ts';

test('the same text keeps its key until it is answered; another text or conversation has its own', () => {
  const keys = createSendKeys(() => 1_800_000_000_000);
  const first = keys.keyFor('101', 'hello');
  expect(first).toMatch(/^[0-9a-f]{32}$/);
  expect(keys.keyFor('101', 'hello')).toBe(first);
  expect(keys.keyFor('102', 'hello')).not.toBe(first);
  keys.answered('101', first);
  const second = keys.keyFor('101', 'hello');
  expect(second).not.toBe(first);
  // A late answer to the first says nothing of the second.
  keys.answered('101', first);
  expect(keys.keyFor('101', 'hello')).toBe(second);
});
