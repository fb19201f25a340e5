import { describe, expect, it } from 'vitest';
import { USER_LEVELS, userLevel } from './user-level.ts';

const HOUR = 3_600_000;
/** Snowflakes of users who registered one after the other. */
const userIds = Array.from({ length: 12_800 }, (_, index) => (1_000_000n << 22n) + (BigInt(index) << 10n));

describe('the level of a user', () => {
  it('is the same for an hour, and spread evenly over all', () => {
    const counts = new Array<number>(USER_LEVELS).fill(0);
    for (const userId of userIds) {
      const level = userLevel(userId, 5 * HOUR);
      expect(userLevel(userId, 6 * HOUR - 1)).toBe(level);
      counts[level] = counts[level]! + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(60);
    expect(Math.max(...counts)).toBeLessThan(150);
  });

  it('gives every user each level once in 128 hours', () => {
    for (const userId of userIds.slice(0, 20)) {
      const levels = new Set(Array.from({ length: USER_LEVELS }, (_, hour) => userLevel(userId, hour * HOUR)));
      expect(levels.size).toBe(USER_LEVELS);
    }
  });

  it('lets nobody below half of the mean over any four hours in which every second request is refused', () => {
    let exactlyHalf = 0;
    for (const userId of userIds.slice(0, 500)) {
      for (let from = 0; from < 24; from += 1) {
        let lucky = 0;
        for (let hour = from; hour < from + 4; hour += 1) if (userLevel(userId, hour * HOUR) < 64) lucky += 1;
        expect(lucky).toBeGreaterThanOrEqual(1);
        if (lucky === 2) exactlyHalf += 1;
      }
    }
    expect(exactlyHalf / (500 * 24)).toBeGreaterThan(0.9);
  });
});
