import { expect, it } from 'vitest';
import { Pace } from './pace.ts';

it('lets a few through at once, then one an interval, and never more than that in the long run', () => {
  const pace = new Pace(100, 5);
  let said = 0;
  for (let now = 0; now < 10_000; now += 1) {
    if (pace.wait(now) > 0) continue;
    pace.said(now);
    said += 1;
    if (now === 0) for (; pace.wait(0) === 0; said += 1) pace.said(0);
  }
  expect(said).toBeGreaterThanOrEqual(100);
  expect(said).toBeLessThanOrEqual(105);
});

it('says how long to wait, and is not held up by a clock that was set back', () => {
  const pace = new Pace(100, 2);
  pace.said(1_000_000);
  expect(pace.wait(1_000_000)).toBe(0);
  pace.said(1_000_000);
  expect(pace.wait(1_000_000)).toBe(100);
  expect(pace.wait(1_000_060)).toBe(40);
  expect(pace.wait(1_000)).toBe(0);
});
