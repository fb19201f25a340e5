import { ManualClock } from '@fastim/core/testing';
import { describe, expect, it } from 'vitest';
import { createAttemptLimit } from './attempt-limit.ts';

describe('the limit of wrong tokens', () => {
  it('hears a burst, then one in each interval, and forgets with time', () => {
    const clock = new ManualClock();
    const limit = createAttemptLimit(clock, 3, 1000);
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(limit.delayMs()).toBe(0);
      limit.failed();
    }
    expect(limit.delayMs()).toBe(1000);
    clock.advance(400);
    expect(limit.delayMs()).toBe(600);
    clock.advance(600);
    expect(limit.delayMs()).toBe(0);
    limit.failed();
    expect(limit.delayMs()).toBe(1000);
    clock.advance(60_000);
    for (let attempt = 0; attempt < 3; attempt++) limit.failed();
    expect(limit.delayMs()).toBe(1000);
  });

  it('right tokens cost nothing', () => {
    const limit = createAttemptLimit(new ManualClock(), 1, 1000);
    for (let attempt = 0; attempt < 100; attempt++) expect(limit.delayMs()).toBe(0);
  });
});
