import { ManualClock } from '@fastim/core/testing';
import { FastimError } from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { LoginThrottle } from './login-throttle.ts';

const MINUTE = 60_000;

function make(options: { failuresPerAccount?: number; failuresPerAddress?: number; maxAccounts?: number } = {}) {
  const clock = new ManualClock();
  const throttle = new LoginThrottle({ clock, failuresPerAccount: 5, failuresPerAddress: 1_000, ...options });
  /** How long to wait; 0: the try was let through. */
  const fail = (account: string, address = '10.0.0.1'): number => {
    try {
      throttle.begin(account, address);
      return 0;
    } catch (error) {
      if (error instanceof FastimError && error.reason === 'TOO_MANY_ATTEMPTS') return error.retryAfterMs;
      throw error;
    }
  };
  return { clock, throttle, fail };
}

describe('the login throttle', () => {
  it('lets five failures through, then waits 1 s, 2 s, 4 s … up to 15 min, and never for good', () => {
    const { clock, fail } = make();
    for (let index = 0; index < 5; index += 1) expect(fail('alice')).toBe(0);
    const waits: number[] = [];
    for (let index = 0; index < 14; index += 1) {
      const wait = fail('alice');
      waits.push(wait);
      clock.advance(wait);
      expect(fail('alice')).toBe(0);
    }
    expect(waits.slice(0, 5)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000]);
    expect(waits.at(-1)).toBe(15 * MINUTE);
  });

  it('keeps the boundary to the millisecond, and asking too early does not make the wait longer', () => {
    const { clock, fail } = make();
    for (let index = 0; index < 5; index += 1) fail('alice');
    for (let index = 0; index < 1_000; index += 1) expect(fail('alice')).toBe(1_000);
    clock.advance(999);
    expect(fail('alice')).toBe(1);
    clock.advance(1);
    expect(fail('alice')).toBe(0);
  });

  it('counts tries at their start, so that many at once do not slip through', () => {
    const { throttle, fail } = make();
    const attempts = Array.from({ length: 5 }, () => throttle.begin('alice', '10.0.0.1'));
    expect(fail('alice')).toBe(1_000);
    attempts[0]?.succeeded();
    expect(fail('alice')).toBe(0);
  });

  it('forgets an account after a quiet quarter of an hour, and at once after the right password', () => {
    const { clock, throttle, fail } = make();
    for (let index = 0; index < 5; index += 1) fail('alice');
    clock.advance(16 * MINUTE);
    for (let index = 0; index < 4; index += 1) expect(fail('alice')).toBe(0);
    throttle.begin('alice', '10.0.0.1').succeeded();
    for (let index = 0; index < 5; index += 1) expect(fail('alice')).toBe(0);
    expect(fail('alice')).toBe(1_000);
  });

  it('takes a withdrawn try back, for the account and for the address', () => {
    const { throttle, fail } = make({ failuresPerAddress: 5 });
    for (let index = 0; index < 100; index += 1) throttle.begin('alice', '10.0.0.1').withdrawn();
    for (let index = 0; index < 5; index += 1) expect(fail('alice')).toBe(0);
    expect(fail('bob')).toBeGreaterThan(0);
  });

  it('slows an address that tries many names, and no other address', () => {
    const { clock, fail } = make({ failuresPerAddress: 20 });
    for (let index = 0; index < 20; index += 1) expect(fail(`user${index}`)).toBe(0);
    expect(fail('user20')).toBe(3 * MINUTE);
    expect(fail('user21', '10.0.0.2')).toBe(0);
    clock.advance(3 * MINUTE);
    expect(fail('user22')).toBe(0);
    expect(fail('user23')).toBe(3 * MINUTE);
  });

  it('stays within its memory under a flood of names', () => {
    const { fail } = make({ failuresPerAddress: 10 ** 9, maxAccounts: 100 });
    for (let index = 0; index < 5; index += 1) fail('victim');
    for (let index = 0; index < 50; index += 1) fail(`filler${index}`);
    expect(fail('victim')).toBe(1_000);
    for (let index = 0; index < 10_000; index += 1) fail(`flood${index}`);
    // The longest unused are forgotten first: the price of the bound, and what an address limit pays for.
    expect(fail('victim')).toBe(0);
  });
});
