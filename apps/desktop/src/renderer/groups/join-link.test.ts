// @vitest-environment happy-dom
import { beforeEach, describe, expect, test } from 'vitest';
import { isOwnJoinLink, joinLinkOfPage, joinTokenIn, leaveJoinAddress } from './join-link.ts';

describe('an invite link', () => {
  test.each([
    ['https://chat.example.org/join/k3JrT0pQ', 'k3JrT0pQ'],
    ['  http://192.168.1.5:8600/join/a_b-c9/ ', 'a_b-c9'],
    ['https://example.org/chat/join/k3JrT0pQ', 'k3JrT0pQ'],
    ['https://chat.example.org/join/k3JrT0pQ?from=mail#x', 'k3JrT0pQ'],
  ])('%s is one', (text, token) => {
    expect(joinTokenIn(text)).toBe(token);
  });

  test.each([
    'join/k3JrT0pQ',
    'https://chat.example.org/join/',
    'https://chat.example.org/join/abc',
    'https://chat.example.org/joined/k3JrT0pQ',
    'javascript:https://x/join/k3JrT0pQ',
    'look: https://chat.example.org/join/k3JrT0pQ',
    `https://chat.example.org/join/${'a'.repeat(129)}`,
    `https://chat.example.org/${'a/'.repeat(300)}join/k3JrT0pQ`,
    'https://[/join/k3JrT0pQ',
  ])('%s is none', (text) => {
    expect(joinTokenIn(text)).toBeNull();
  });

  test('in a message opens here only when it leads to this server', () => {
    expect(isOwnJoinLink('https://chat.example.org/join/k3JrT0pQ', 'https://chat.example.org')).toBe(true);
    expect(isOwnJoinLink('https://evil.example/join/k3JrT0pQ', 'https://chat.example.org')).toBe(false);
    expect(isOwnJoinLink('https://chat.example.org/join', 'https://chat.example.org')).toBe(false);
    expect(isOwnJoinLink('https://chat.example.org/join/k3JrT0pQ', '')).toBe(false);
  });
});

describe('the address of the page', () => {
  beforeEach(() => history.replaceState(null, '', '/?profile=bob'));

  test('says which link was opened, and afterwards is the plain one again with its profile', () => {
    expect(joinLinkOfPage(location)).toBeNull();
    history.replaceState({ at: 'here' }, '', '/join/k3JrT0pQ?profile=bob');
    expect(joinLinkOfPage(location)).toBe('k3JrT0pQ');
    leaveJoinAddress(location, history);
    expect(`${location.pathname}${location.search}`).toBe('/?profile=bob');
    expect(history.state).toEqual({ at: 'here' });
  });

  test('without a link stays as it is', () => {
    leaveJoinAddress(location, history);
    expect(`${location.pathname}${location.search}`).toBe('/?profile=bob');
  });
});
