import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateLimiter } from './rate-limiter.ts';

/** As large as real times are. */
const START = 1_800_000_000_123;

describe('the rate limiter', () => {
  it('lets a burst through, then one per interval, and says exactly how long to wait', () => {
    const limiter = new RateLimiter<string>({ perSecond: 10, burst: 5 });
    expect(Array.from({ length: 6 }, () => limiter.take('alice', START))).toEqual([0, 0, 0, 0, 0, 100]);
    expect(limiter.take('alice', START + 99)).toBe(1);
    expect(limiter.take('alice', START + 100)).toBe(0);
    expect(limiter.take('alice', START + 100)).toBe(100);
  });

  it.each([
    [3, 1, 334],
    [20 / 3_600, 20, 180_000],
    [60 / 3_600, 60, 60_000],
    [7, 1_000, 143],
  ])(
    'at %d a second and a burst of %d lets the whole burst through and then asks for a wait of %d ms',
    (perSecond, burst, expected) => {
      const limiter = new RateLimiter<string>({ perSecond, burst });
      for (let count = 0; count < burst; count += 1) expect(limiter.take('alice', START)).toBe(0);
      const wait = limiter.take('alice', START);
      expect(wait).toBe(expected);
      expect(limiter.take('alice', START + wait - 1)).toBeGreaterThan(0);
      expect(limiter.take('alice', START + wait)).toBe(0);
    },
  );

  it('never lets more through in any span than the burst and the refill, and the wait it names is enough', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 60 });
    fc.assert(
      fc.property(gaps, (each) => {
        const limiter = new RateLimiter<string>({ burst: 5, perSecond: 1 });
        let now = START;
        let taken = 0;
        for (const gap of each) {
          now += gap;
          const wait = limiter.take('a', now);
          if (wait === 0) taken += 1;
          expect(taken).toBeLessThanOrEqual(5 + (now - START) / 1_000);
          if (wait > 0) {
            now += wait;
            expect(limiter.take('a', now)).toBe(0);
            taken += 1;
          }
        }
      }),
    );
  });

  it('takes nothing for what it refuses', () => {
    const limiter = new RateLimiter<string>({ perSecond: 1, burst: 1 });
    limiter.take('alice', START);
    for (let attempt = 0; attempt < 100; attempt += 1) limiter.take('alice', START + 500);
    expect(limiter.take('alice', START + 1_000)).toBe(0);
  });

  it('counts each key for itself', () => {
    const limiter = new RateLimiter<bigint>({ perSecond: 1, burst: 1 });
    expect(limiter.take(1n, START)).toBe(0);
    expect(limiter.take(2n, START)).toBe(0);
    expect(limiter.take(1n, START)).toBe(1_000);
  });

  it('takes a cost over the burst only from a full bucket, and has it paid back in full', () => {
    const limiter = new RateLimiter<string>({ perSecond: 10, burst: 10 });
    expect(limiter.take('alice', START, 1)).toBe(0);
    expect(limiter.take('alice', START, 20)).toBe(100);
    expect(limiter.take('alice', START + 100, 20)).toBe(0);
    expect(limiter.take('alice', START + 100, 1)).toBe(1_100);
  });

  it('gives back what was taken, and never more than the burst', () => {
    const limiter = new RateLimiter<string>({ perSecond: 1, burst: 3 });
    expect(limiter.take('alice', START, 3)).toBe(0);
    limiter.giveBack('alice', 2);
    expect(limiter.take('alice', START, 2)).toBe(0);
    expect(limiter.take('alice', START)).toBe(1_000);
    for (let count = 0; count < 100; count += 1) limiter.giveBack('alice');
    limiter.giveBack('a stranger');
    expect(limiter.take('alice', START, 3)).toBe(0);
    expect(limiter.take('alice', START)).toBe(1_000);
    expect(limiter.take('a stranger', START, 3)).toBe(0);
    expect(limiter.take('a stranger', START)).toBe(1_000);
  });

  it('gives nothing for time that goes back, and makes nobody wait for it', () => {
    const limiter = new RateLimiter<string>({ perSecond: 1, burst: 1 });
    limiter.take('alice', START);
    expect(limiter.take('alice', START - 3_600_000)).toBe(1_000);
    expect(limiter.take('alice', START - 3_600_000 + 999)).toBe(1);
    expect(limiter.take('alice', START - 3_600_000 + 1_000)).toBe(0);
  });

  it('forgets keys that owe nothing, and only those', () => {
    const limiter = new RateLimiter<string>({ perSecond: 1, burst: 10 });
    limiter.take('idle', START);
    limiter.take('busy', START, 10);
    limiter.sweep(START + 5_000);
    expect(limiter.size).toBe(1);
    expect(limiter.take('busy', START + 5_000, 6)).toBeGreaterThan(0);
  });

  it('remembers a bounded number of keys, those used last', () => {
    const limiter = new RateLimiter<string>({ burst: 2, perSecond: 0.001, maxKeys: 10 });
    limiter.take('regular', START);
    for (let index = 0; index < 1_000; index += 1) {
      limiter.take(`k${index}`, START, 2);
      if (index === 5) limiter.take('regular', START);
      expect(limiter.size).toBeLessThanOrEqual(10);
      if (index === 12) expect(limiter.take('regular', START)).toBeGreaterThan(0);
    }
    expect(limiter.take('k999', START)).toBeGreaterThan(0);
    expect(limiter.take('k0', START)).toBe(0);
  });
});
