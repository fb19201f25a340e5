import { describe, expect, it } from 'vitest';
import { seededRandom } from '../testing/index.ts';
import { Heartbeat } from './heartbeat.ts';

const options = { intervalMs: 30_000, timeoutMs: 75_000, jitter: 0.1, random: () => 0.5 };

describe('the heartbeat', () => {
  it('beats after the interval without traffic, and again after the beat', () => {
    const heartbeat = new Heartbeat(options, 0);
    expect([heartbeat.nextTimeout(), heartbeat.check(29_999), heartbeat.check(30_000)]).toEqual([
      30_000,
      undefined,
      'beat',
    ]);
    heartbeat.sent(30_000);
    heartbeat.received(30_050);
    expect([heartbeat.check(59_999), heartbeat.check(60_000)]).toEqual([undefined, 'beat']);
  });

  it('is skipped while requests flow', () => {
    const heartbeat = new Heartbeat(options, 0);
    for (let now = 0; now <= 200_000; now += 20_000) {
      expect(heartbeat.check(now)).toBeUndefined();
      heartbeat.sent(now);
      heartbeat.received(now);
    }
  });

  it('still beats when the peer only sends, and the peer is dead when it is only us who send', () => {
    const listening = new Heartbeat(options, 0);
    for (let now = 0; now < 30_000; now += 1_000) listening.received(now);
    expect(listening.check(30_000)).toBe('beat');

    const talking = new Heartbeat(options, 0);
    for (let now = 0; now < 75_000; now += 1_000) talking.sent(now);
    expect([talking.check(74_999), talking.nextTimeout(), talking.check(75_000)]).toEqual([undefined, 75_000, 'dead']);
  });

  it('spreads beats by the jitter, and no further', () => {
    const random = seededRandom(3);
    const beats = Array.from({ length: 1_000 }, () => new Heartbeat({ ...options, random }, 0).nextTimeout());
    expect(Math.min(...beats)).toBeGreaterThanOrEqual(27_000);
    expect(Math.max(...beats)).toBeLessThanOrEqual(33_000);
    expect(Math.max(...beats) - Math.min(...beats)).toBeGreaterThan(5_000);
  });

  it('finds the peer dead after the machine slept', () => {
    expect(new Heartbeat(options, 0).check(8 * 3_600_000)).toBe('dead');
  });

  it('is not stopped by a clock that was set back, and checks the peer at once', () => {
    const heartbeat = new Heartbeat(options, 1_000_000_000);
    expect(heartbeat.check(5_000)).toBe('beat');
    heartbeat.sent(5_000);
    expect([heartbeat.check(34_999), heartbeat.check(35_000), heartbeat.check(80_000)]).toEqual([
      undefined,
      'beat',
      'dead',
    ]);
  });
});
