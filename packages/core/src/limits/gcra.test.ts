import { describe, expect, it } from 'vitest';
import { leftOfRate, takeFromRate, waitForRate } from './gcra.ts';

const rate = { burst: 10, perSecond: 5 };

describe('a rate in one number', () => {
  /** Takes as much as there is; returns how much that was, and the new state. */
  const takeAll = (fullAt: number, now: number): [taken: number, fullAt: number] => {
    let taken = 0;
    let state = fullAt;
    while (waitForRate(rate, state, now) === 0) {
      state = takeFromRate(rate, state, now);
      taken += 1;
    }
    return [taken, state];
  };

  it('allows the burst, then the rate, and never more than the burst', () => {
    let [taken, state] = takeAll(0, 0);
    expect(taken).toBe(10);
    for (const [now, expected] of [
      [199, 0],
      [200, 1],
      [1_200, 5],
      [1_000_000, 10],
    ] as const) {
      [taken, state] = takeAll(state, now);
      expect([now, taken]).toEqual([now, expected]);
    }
  });

  it('says what is left', () => {
    expect(leftOfRate(rate, 0, 0)).toBe(10);
    const state = takeFromRate(rate, takeFromRate(rate, 0, 0), 0);
    expect(leftOfRate(rate, state, 0)).toBe(8);
    expect(leftOfRate(rate, state, 200)).toBe(9);
    expect(leftOfRate(rate, state, 60_000)).toBe(10);
    expect(leftOfRate(rate, takeFromRate(rate, 0, 0, 15), 0)).toBe(-5);
  });
});
