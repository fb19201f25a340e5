import { describe, expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

describe('a token bucket', () => {
  const takeAll = (bucket: TokenBucket, now: number) => {
    let count = 0;
    while (bucket.take(now, 10, 0.005)) count += 1;
    return count;
  };

  it('allows the burst, then the rate, and never more than the burst', () => {
    const bucket = new TokenBucket(10, 0);
    expect(takeAll(bucket, 0)).toBe(10);
    expect(takeAll(bucket, 199)).toBe(0);
    expect(takeAll(bucket, 200)).toBe(1);
    expect(takeAll(bucket, 1_200)).toBe(5);
    expect(takeAll(bucket, 1_000_000)).toBe(10);
  });

  it('gives nothing for time that goes back', () => {
    const bucket = new TokenBucket(10, 1_000);
    takeAll(bucket, 1_000);
    expect(takeAll(bucket, 0)).toBe(0);
    expect(takeAll(bucket, 1_200)).toBe(1);
  });
});
