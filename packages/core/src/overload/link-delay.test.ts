import { describe, expect, it } from 'vitest';
import { LinkDelay } from './link-delay.ts';

describe('the delay of a link', () => {
  it('is what a packet took longer than the fastest, whatever the clocks say', () => {
    for (const skew of [-4_000, 0, 4_000]) {
      const delay = new LinkDelay();
      const way = (sent: number, ms: number) => delay.of(sent + skew, sent + ms);
      expect(way(1_000_000, 2)).toBe(0);
      expect(way(1_000_010, 32)).toBe(30);
      expect(way(1_000_050, 1)).toBe(0);
      expect(way(1_000_060, 6)).toBe(5);
    }
  });

  it('learns of a clock that was set within twenty minutes, and at once when that makes the way shorter', () => {
    const delay = new LinkDelay();
    expect(delay.of(0, 5)).toBe(0);
    expect(delay.of(1_010, 1_005)).toBe(0);
    expect(delay.of(1_100, 1_105)).toBe(10);
    const minute = 60_000;
    expect(delay.of(11 * minute, 11 * minute + 5)).toBe(10);
    expect(delay.of(22 * minute, 22 * minute + 5)).toBe(0);
  });
});
