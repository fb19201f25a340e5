import { ManualClock } from '@fastim/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressKey } from './address-key.ts';
import { RateLimiter } from './rate-limiter.ts';

describe('the rate limiter', () => {
  it('allows the burst, then one per interval, and says exactly how long to wait', () => {
    const clock = new ManualClock();
    const limiter = new RateLimiter({ clock, burst: 3, refillMs: 3_000 });
    expect([1, 2, 3].map(() => limiter.take('a'))).toEqual([0, 0, 0]);
    expect(limiter.take('a')).toBe(1_000);
    clock.advance(999);
    expect(limiter.take('a')).toBe(1);
    clock.advance(1);
    expect(limiter.take('a')).toBe(0);
    expect(limiter.take('b')).toBe(0);
  });

  it('never lets more through in any span than the burst and the refill, and the wait it names is enough', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 60 }), (gaps) => {
        const clock = new ManualClock();
        const limiter = new RateLimiter({ clock, burst: 5, refillMs: 5_000 });
        const start = clock.now();
        let taken = 0;
        for (const gap of gaps) {
          clock.advance(gap);
          const wait = limiter.take('a');
          if (wait === 0) taken += 1;
          expect(taken).toBeLessThanOrEqual(5 + (clock.now() - start) / 1_000);
          if (wait > 0) {
            clock.advance(wait);
            expect(limiter.take('a')).toBe(0);
            taken += 1;
          }
        }
      }),
    );
  });

  it('remembers a bounded number of keys', () => {
    const clock = new ManualClock();
    const limiter = new RateLimiter({ clock, burst: 1, refillMs: 1_000_000, maxKeys: 10 });
    for (let index = 0; index < 1_000; index += 1) limiter.take(`k${index}`);
    expect(limiter.take('k999')).toBeGreaterThan(0);
    expect(limiter.take('k0')).toBe(0);
  });
});

describe('address keys', () => {
  it.each([
    ['10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:DB8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', 'unknown'],
    ['not an address', 'unknown'],
  ])('counts %s as %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });
});
