// @vitest-environment happy-dom
import { beforeEach, expect, test } from 'vitest';
import { profileOf, takeToken } from './open-port.ts';

beforeEach(() => {
  localStorage.clear();
  history.replaceState(null, '', '/?profile=bob');
});

test('the token leaves the address and is kept for the next visit', () => {
  location.hash = '#token=abc123';
  expect(takeToken(location, history, localStorage)).toBe('abc123');
  expect(location.href).not.toContain('abc123');
  expect(takeToken(location, history, localStorage)).toBe('abc123');
  expect(profileOf(location)).toBe('bob');
});

test('a newer token takes the place of the kept one', () => {
  localStorage.setItem('fastim.bridge-token', 'old');
  location.hash = '#token=new';
  expect(takeToken(location, history, localStorage)).toBe('new');
});

test('without any there is none', () => {
  expect(takeToken(location, history, localStorage)).toBeNull();
});
