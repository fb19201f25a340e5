// @vitest-environment happy-dom
import { beforeEach, expect, test } from 'vitest';
import { isSeen, rememberSeen } from './seen-announcements.ts';

beforeEach(() => localStorage.clear());

test('a dismissed announcement stays away, a new one comes, and other users and groups are not concerned', () => {
  rememberSeen(localStorage, '1', '201', 'Meeting at five');
  expect(isSeen(localStorage, '1', '201', 'Meeting at five')).toBe(true);
  expect(isSeen(localStorage, '1', '201', 'Meeting at six')).toBe(false);
  expect(isSeen(localStorage, '2', '201', 'Meeting at five')).toBe(false);
  expect(isSeen(localStorage, '1', '202', 'Meeting at five')).toBe(false);
});

test('only the last ones are kept, and never the text', () => {
  for (let group = 0; group < 250; group++) rememberSeen(localStorage, '1', String(group), 'Secret plans');
  const kept = localStorage.getItem('fastim.seen-announcements')!;
  expect(JSON.parse(kept)).toHaveLength(200);
  expect(kept).not.toContain('Secret');
  expect(isSeen(localStorage, '1', '249', 'Secret plans')).toBe(true);
  expect(isSeen(localStorage, '1', '0', 'Secret plans')).toBe(false);
});

test('what was stored by somebody else is no reason to fail', () => {
  for (const bad of ['not json', '{}', '[1,["a"],["a",2]]', 'null']) {
    localStorage.setItem('fastim.seen-announcements', bad);
    expect(isSeen(localStorage, '1', '201', 'x')).toBe(false);
  }
  rememberSeen(localStorage, '1', '201', 'x');
  expect(isSeen(localStorage, '1', '201', 'x')).toBe(true);
});
