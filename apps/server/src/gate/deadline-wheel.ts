import type { Clock } from '@fastim/core';
import { TICK_MS } from './gate-limits.ts';

/** One timer for all deadlines of a gate, however many connections it has. */
export interface WheelItem {
  /** Both owned by the wheel; start with NOT_SCHEDULED. */
  wheelSlot: number;
  wheelTick: number;
  /** Acts on what is due and returns when to look again (wheel time; Infinity: never). Must not throw. */
  onDue(now: number): number;
}

export const NOT_SCHEDULED = -1;

/** In place of a wheel time: it has not happened. */
export const NEVER = -1;

/** 128 s at 250 ms: longer than any usual deadline. Farther ones are looked at once on the way. */
const SLOTS = 512;

/** What one tick may count as passed. A process that was stopped for a minute does not blame its peers for it. */
const LONGEST_STEP_MS = 1_000;

/**
 * Hashed timer wheel. An item has one place, at its earliest deadline; deadlines that only move away (any traffic
 * pushes the heartbeat deadline) cost nothing, because the item looks again when it is due.
 *
 * `now` is the gate's own time: it never goes back and never jumps, whatever is done to the system clock, and reading
 * it is free. It is exact to one tick.
 */
export class DeadlineWheel {
  readonly #clock: Clock;
  readonly #slots: Array<Set<WheelItem> | undefined> = new Array(SLOTS);
  #tick = 0;
  #now = 0;
  #lastWall = 0;
  #cancel: (() => void) | undefined;
  #running: Set<WheelItem> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** ms since the wheel was made, not counting the time it stood. */
  get now(): number {
    return this.#now;
  }

  start(): void {
    if (this.#cancel) return;
    this.#lastWall = this.#clock.now();
    this.#arm();
  }

  /** Forgets every item. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const slot of this.#slots) for (const item of slot ?? []) item.wheelSlot = NOT_SCHEDULED;
    this.#slots.fill(undefined);
  }

  /** Looks at the item at `at`, or earlier if that was arranged before. */
  schedule(item: WheelItem, at: number): void {
    const tick = Math.min(Math.max(Math.ceil(at / TICK_MS), this.#tick + 1), this.#tick + SLOTS - 1);
    if (item.wheelSlot !== NOT_SCHEDULED) {
      if (item.wheelTick <= tick) return;
      this.#slots[item.wheelSlot]?.delete(item);
    }
    const index = tick % SLOTS;
    let slot = this.#slots[index];
    if (!slot) {
      slot = new Set();
      this.#slots[index] = slot;
    }
    slot.add(item);
    item.wheelSlot = index;
    item.wheelTick = tick;
  }

  remove(item: WheelItem): void {
    if (item.wheelSlot !== NOT_SCHEDULED) this.#slots[item.wheelSlot]?.delete(item);
    item.wheelSlot = NOT_SCHEDULED;
    this.#running?.delete(item);
  }

  #arm(): void {
    this.#cancel = this.#clock.setTimer(TICK_MS, () => {
      const wall = this.#clock.now();
      const passed = Math.min(Math.max(wall - this.#lastWall, 0), LONGEST_STEP_MS);
      this.#lastWall = wall;
      this.#arm();
      this.#advance(passed);
    });
  }

  #advance(passed: number): void {
    this.#now += passed;
    const last = Math.floor(this.#now / TICK_MS);
    while (this.#tick < last && this.#cancel) {
      this.#tick += 1;
      const index = this.#tick % SLOTS;
      const due = this.#slots[index];
      if (!due) continue;
      this.#slots[index] = undefined;
      this.#running = due;
      for (const item of due) {
        item.wheelSlot = NOT_SCHEDULED;
        // Taken out first: what `onDue` removes stays removed, and what it schedules itself is kept.
        due.delete(item);
        const next = item.onDue(this.#now);
        if (next !== Number.POSITIVE_INFINITY) this.schedule(item, next);
      }
      this.#running = undefined;
    }
  }
}
