import { ManualClock } from '@fastim/core/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { DeadlineWheel, NOT_SCHEDULED, type WheelItem } from './deadline-wheel.ts';
import { TICK_MS } from './gate-limits.ts';

class Item implements WheelItem {
  wheelSlot = NOT_SCHEDULED;
  wheelTick = NOT_SCHEDULED;
  readonly calls: number[] = [];
  next: (now: number) => number = () => Number.POSITIVE_INFINITY;

  onDue(now: number): number {
    this.calls.push(now);
    return this.next(now);
  }
}

describe('the deadline wheel', () => {
  let clock: ManualClock;
  let wheel: DeadlineWheel;
  beforeEach(() => {
    clock = new ManualClock();
    wheel = new DeadlineWheel(clock);
    wheel.start();
  });
  afterEach(() => wheel.stop());

  it('calls an item once, at its deadline or at most one tick later', () => {
    const item = new Item();
    wheel.schedule(item, 1_100);
    clock.advance(1_000);
    expect(item.calls).toEqual([]);
    clock.advance(60_000);
    expect(item.calls).toEqual([1_250]);
  });

  it('keeps the earliest of several deadlines', () => {
    const item = new Item();
    wheel.schedule(item, 5_000);
    wheel.schedule(item, 2_000);
    wheel.schedule(item, 9_000);
    clock.advance(20_000);
    expect(item.calls).toEqual([2_000]);
  });

  it('calls again at the time that the item asks for', () => {
    const item = new Item();
    item.next = (now) => (now < 3_000 ? now + 1_000 : Number.POSITIVE_INFINITY);
    wheel.schedule(item, 1_000);
    clock.advance(60_000);
    expect(item.calls).toEqual([1_000, 2_000, 3_000]);
  });

  it('calls an item that is overdue at the next tick', () => {
    clock.advance(10_000);
    const item = new Item();
    wheel.schedule(item, 3_000);
    clock.advance(TICK_MS);
    expect(item.calls).toEqual([10_000 + TICK_MS]);
  });

  it('looks at deadlines beyond its span on the way and calls again at the end', () => {
    const item = new Item();
    item.next = (now) => (now < 600_000 ? 600_000 : Number.POSITIVE_INFINITY);
    wheel.schedule(item, 600_000);
    clock.advance(700_000);
    expect(item.calls.at(-1)).toBe(600_000);
    expect(item.calls.length).toBeLessThan(8);
  });

  it('does not call what was removed, even by another item of the same tick', () => {
    const first = new Item();
    const second = new Item();
    const third = new Item();
    first.next = () => {
      wheel.remove(second);
      wheel.remove(first);
      return Number.POSITIVE_INFINITY;
    };
    for (const item of [first, second, third]) wheel.schedule(item, 1_000);
    clock.advance(5_000);
    expect([first, second, third].map(({ calls }) => calls.length)).toEqual([1, 0, 1]);
  });

  it('runs on one timer, and on none when stopped', () => {
    for (let index = 0; index < 1_000; index += 1) wheel.schedule(new Item(), index);
    expect(clock.pendingTimers).toBe(1);
    wheel.start();
    expect(clock.pendingTimers).toBe(1);
    wheel.stop();
    wheel.stop();
    expect(clock.pendingTimers).toBe(0);
    wheel.start();
    const item = new Item();
    wheel.schedule(item, wheel.now + 500);
    clock.advance(1_000);
    expect(item.calls).toHaveLength(1);
  });

  it('counts a pause of the process or a jump of the clock as one second at most, and never goes back', () => {
    const item = new Item();
    wheel.schedule(item, 75_000);
    const now = clock.now.bind(clock);
    let shift = 3_600_000;
    clock.now = () => now() + shift;
    clock.advance(TICK_MS);
    expect(wheel.now).toBe(1_000);
    shift = -3_600_000;
    clock.advance(TICK_MS);
    expect(wheel.now).toBe(1_000);
    clock.advance(10_000);
    expect(wheel.now).toBe(11_000);
    expect(item.calls).toEqual([]);
  });

  it('is never early and at most one tick late, whatever is scheduled when', () => {
    const step = fc.record({ wait: fc.integer({ min: 0, max: 5_000 }), delay: fc.integer({ min: 1, max: 120_000 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const ownClock = new ManualClock();
        const own = new DeadlineWheel(ownClock);
        own.start();
        const items = steps.map(({ wait, delay }) => {
          ownClock.advance(wait);
          const item = new Item();
          const at = own.now + delay;
          own.schedule(item, at);
          return { item, at };
        });
        ownClock.advance(130_000);
        own.stop();
        for (const { item, at } of items) {
          expect(item.calls).toHaveLength(1);
          expect(item.calls[0]).toBeGreaterThanOrEqual(at);
          expect(item.calls[0]).toBeLessThan(at + TICK_MS);
        }
      }),
      { numRuns: runs(50) },
    );
  });
});
