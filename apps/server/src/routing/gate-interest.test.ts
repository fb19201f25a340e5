import { describe, expect, it } from 'vitest';
import { GateInterest } from './gate-interest.ts';

describe('the interest of gates in groups', () => {
  it('is taken for granted until the gate has said everything', () => {
    const interest = new GateInterest();
    expect(interest.mayFollow('gate-1', 1n)).toBe(true);
    interest.change('gate-1', { on: [1n], off: [], whole: false });
    expect(interest.mayFollow('gate-1', 2n)).toBe(true);
    interest.change('gate-1', { on: [], off: [], whole: true });
    expect([interest.mayFollow('gate-1', 1n), interest.mayFollow('gate-1', 2n)]).toEqual([true, false]);
    expect(interest.mayFollow('gate-2', 2n)).toBe(true);
  });

  it('follows what the gate says, and begins anew with another life of it', () => {
    const interest = new GateInterest();
    interest.change('gate-1', { on: [1n, 2n], off: [], whole: true });
    interest.change('gate-1', { on: [3n], off: [1n], whole: false });
    expect([1n, 2n, 3n].map((id) => interest.mayFollow('gate-1', id))).toEqual([false, true, true]);
    interest.forget('gate-1');
    expect(interest.mayFollow('gate-1', 1n)).toBe(true);
  });

  it('is expected where this node has just put a follower', () => {
    const interest = new GateInterest();
    interest.change('gate-1', { on: [], off: [], whole: true });
    interest.expect('gate-1', [{ conversationId: 5n }]);
    expect(interest.mayFollow('gate-1', 5n)).toBe(true);
    interest.change('gate-1', { on: [], off: [5n], whole: false });
    expect(interest.mayFollow('gate-1', 5n)).toBe(false);
  });
});
