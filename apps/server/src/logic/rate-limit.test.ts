import { describe, expect, it } from 'vitest';
import { RateLimit } from './rate-limit.ts';

describe('RateLimit', () => {
  it('lets a burst through and then one per interval', () => {
    const limit = new RateLimit<string>({ perSecond: 10, burst: 5 });
    expect(Array.from({ length: 6 }, () => limit.take('alice', 1_000))).toEqual([0, 0, 0, 0, 0, 100]);
    expect(limit.take('alice', 1_099)).toBe(1);
    expect(limit.take('alice', 1_100)).toBe(0);
    expect(limit.take('alice', 1_100)).toBe(100);
  });

  it('says after how long it will let through, and keeps its word', () => {
    const limit = new RateLimit<string>({ perSecond: 3, burst: 1 });
    limit.take('alice', 0);
    const wait = limit.take('alice', 0);
    expect(wait).toBe(334);
    expect(limit.take('alice', wait - 1)).toBeGreaterThan(0);
    expect(limit.take('alice', wait)).toBe(0);
  });

  it('takes nothing for what it refuses', () => {
    const limit = new RateLimit<string>({ perSecond: 1, burst: 1 });
    limit.take('alice', 0);
    for (let attempt = 0; attempt < 100; attempt += 1) limit.take('alice', 500);
    expect(limit.take('alice', 1_000)).toBe(0);
  });

  it('counts each key for itself', () => {
    const limit = new RateLimit<bigint>({ perSecond: 1, burst: 1 });
    expect(limit.take(1n, 0)).toBe(0);
    expect(limit.take(2n, 0)).toBe(0);
    expect(limit.take(1n, 0)).toBe(1_000);
  });

  it('takes a cost over the burst only from a full bucket', () => {
    const limit = new RateLimit<string>({ perSecond: 10, burst: 10 });
    expect(limit.take('alice', 0, 1)).toBe(0);
    expect(limit.take('alice', 0, 20)).toBe(100);
    expect(limit.take('alice', 100, 20)).toBe(0);
    expect(limit.take('alice', 100, 1)).toBe(1_100);
  });

  it('forgets idle keys and only those', () => {
    const limit = new RateLimit<string>({ perSecond: 1, burst: 10 });
    limit.take('idle', 0);
    limit.take('busy', 0, 10);
    limit.sweep(5_000);
    expect(limit.size).toBe(1);
    expect(limit.take('busy', 5_000, 6)).toBeGreaterThan(0);
  });
});
