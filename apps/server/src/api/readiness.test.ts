import { ManualClock } from '@fastim/core/testing';
import { describe, expect, it } from 'vitest';
import { type ComponentStates, Readiness } from './readiness.ts';

describe('readiness', () => {
  it('checks once a second however many ask, and at once after a change', async () => {
    const clock = new ManualClock();
    let checks = 0;
    const readiness = new Readiness({
      clock,
      check: async () => {
        checks += 1;
        return { storage: 'ok' };
      },
    });
    await Promise.all(Array.from({ length: 50 }, () => readiness.states()));
    expect(checks).toBe(1);
    clock.advance(1_000);
    expect(await readiness.states()).toEqual({ storage: 'ok' });
    readiness.changed();
    await readiness.states();
    expect(checks).toBe(3);
    expect(clock.pendingTimers).toBe(0);
  });

  it('counts a check that hangs or throws as failing', async () => {
    const clock = new ManualClock();
    const hanging = new Readiness({ clock, check: () => new Promise<ComponentStates>(() => {}) }).states();
    clock.advance(3_000);
    expect(await hanging).toEqual({ check: 'failing' });
    const throwing = new Readiness({ clock, check: () => Promise.reject(new Error('no')) });
    expect(await throwing.states()).toEqual({ check: 'failing' });
  });
});
