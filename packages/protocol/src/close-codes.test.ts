import { describe, expect, it } from 'vitest';
import { CloseCode, closeAction, closeRanges } from './close-codes.ts';

describe('close codes', () => {
  it('each lie in one of the ranges, and no number is used twice', () => {
    const codes = Object.values(CloseCode);
    expect(new Set(codes).size).toBe(codes.length);
    for (const code of codes) {
      expect(closeRanges.filter(({ from, to }) => code >= from && code <= to)).toHaveLength(1);
    }
  });

  it('have ranges that follow each other without overlap, within what WebSocket leaves to applications', () => {
    let next = 4000;
    for (const { from, to } of closeRanges) {
      expect(from).toBe(next);
      expect(to).toBeGreaterThan(from);
      next = to + 1;
    }
    expect(next).toBeLessThanOrEqual(5000);
    expect(new Set(closeRanges.map((range) => range.action)).size).toBe(4);
  });

  it.each([
    [CloseCode.heartbeatTimeout, 'reconnect'],
    [CloseCode.replaced, 'reconnect-later'],
    [CloseCode.goingAway, 'ask-lsb'],
    [CloseCode.loggedOut, 'stop'],
    [4099, 'reconnect'],
    [4399, 'stop'],
    // Not ours: the network, a proxy, a newer server.
    [1006, 'reconnect'],
    [4400, 'reconnect'],
    [0, 'reconnect'],
  ])('%d means %s', (code, action) => {
    expect(closeAction(code)).toBe(action);
  });
});
