import { describe, expect, it } from 'vitest';
import { ManualClock } from './manual-clock.ts';
import { seededRandom, seededRandomPort } from './seeded-random.ts';

describe('the manual clock', () => {
  it('fires timers in order of time, then of making, at the time at which they are due', () => {
    const clock = new ManualClock(0);
    const fired: string[] = [];
    for (const [name, delay] of [
      ['c', 30],
      ['a', 10],
      ['b', 10],
      ['late', 31],
    ] as const) {
      clock.setTimer(delay, () => fired.push(`${name}@${clock.now()}`));
    }
    clock.advance(9);
    expect(fired).toEqual([]);
    clock.advance(21);
    expect(fired).toEqual(['a@10', 'b@10', 'c@30']);
    expect([clock.now(), clock.pendingTimers]).toEqual([30, 1]);
  });

  it('fires timers that timers set, if they fall into the same step', () => {
    const clock = new ManualClock(0);
    const fired: number[] = [];
    const again = () => {
      fired.push(clock.now());
      if (fired.length < 10) clock.setTimer(3, again);
    };
    clock.setTimer(0, again);
    clock.advance(7);
    expect(fired).toEqual([0, 3, 6]);
    expect(clock.now()).toBe(7);
  });

  it('does not fire what was cancelled, also from within another timer', () => {
    const clock = new ManualClock(0);
    const fired: string[] = [];
    const cancel = clock.setTimer(10, () => fired.push('never'));
    clock.setTimer(5, () => {
      fired.push('first');
      cancel();
    });
    clock.advance(100);
    cancel();
    expect([fired, clock.pendingTimers]).toEqual([['first'], 0]);
  });

  it('moves only what it shows when it is set, not its timers', () => {
    const clock = new ManualClock(1_000_000);
    let firedAt = 0;
    clock.setTimer(100, () => {
      firedAt = clock.now();
    });
    clock.jump(-600_000);
    expect(clock.now()).toBe(400_000);
    clock.advance(99);
    expect(firedAt).toBe(0);
    clock.advance(1);
    expect(firedAt).toBe(400_100);
    expect(() => clock.advance(-1)).toThrow(RangeError);
  });
});

describe('seeded randomness', () => {
  it('repeats for a seed, differs between seeds, and stays in [0, 1)', () => {
    const draw = (seed: number) => Array.from({ length: 500 }, seededRandom(seed));
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(draw(3).every((value) => value >= 0 && value < 1)).toBe(true);
    const mean = draw(4).reduce((sum, value) => sum + value, 0) / 500;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.05);
  });

  it('comes as a port with bytes', () => {
    const [one, other] = [seededRandomPort(9), seededRandomPort(9)];
    expect(one.bytes(16)).toEqual(other.bytes(16));
    expect(one.bytes(16)).not.toEqual(seededRandomPort(9).bytes(16));
    expect(one.fraction()).toBeLessThan(1);
  });
});
