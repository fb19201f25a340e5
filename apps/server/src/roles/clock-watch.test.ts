import { ManualClock } from '@fastim/core/testing';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import { ClockWatch } from './clock-watch.ts';
import { RoleRefusal } from './running-role.ts';

let clock: ManualClock;
let databaseMs: () => Promise<number>;
let refused: string[];
let registry: Registry;

beforeEach(() => {
  clock = new ManualClock(1_000_000);
  databaseMs = async () => clock.now();
  refused = [];
  registry = new Registry();
});

const open = () =>
  ClockWatch.open({
    timeMs: () => databaseMs(),
    maxSkewMs: 5_000,
    clock,
    logger: pino({ level: 'silent' }),
    registry,
    refused: (reason) => refused.push(reason),
  });

async function look(): Promise<void> {
  clock.advance(15_000);
  await new Promise((resolve) => setImmediate(resolve));
}

describe('the clock of a node', () => {
  it.each([
    [5_001, /5\.0 s behind/],
    [-60_000, /60\.0 s ahead of/],
  ])('that differs by %i ms from the database is refused at the start, and the operator is told', async (ms, why) => {
    databaseMs = async () => clock.now() + ms;
    await expect(open()).rejects.toThrow(RoleRefusal);
    expect(refused).toEqual([expect.stringMatching(why)]);
  });

  it('may differ by the time allowed', async () => {
    databaseMs = async () => clock.now() - 5_000;
    const watch = await open();
    expect(watch.isGood).toBe(true);
    expect(await registry.metrics()).toContain('fastim_clock_skew_seconds 5');
    watch.stop();
  });

  it('turns bad and good again while the node runs, and is complained of once', async () => {
    const watch = await open();
    databaseMs = async () => clock.now() + 7_000;
    await look();
    await look();
    expect(watch.isGood).toBe(false);
    expect(refused).toHaveLength(1);
    databaseMs = async () => clock.now();
    await look();
    expect(watch.isGood).toBe(true);
    watch.stop();
  });

  it('is not judged by a slow answer, a failed one, or none', async () => {
    const watch = await open();
    databaseMs = async () => {
      clock.advance(2_500);
      return clock.now() + 60_000;
    };
    await look();
    expect(watch.isGood).toBe(true);
    databaseMs = async () => {
      throw new Error('the database is away');
    };
    await look();
    expect(watch.isGood).toBe(true);
    databaseMs = async () => clock.now() + 60_000;
    await look();
    expect(watch.isGood).toBe(false);
    watch.stop();
  });

  it('is looked at no more after the stop', async () => {
    const watch = await open();
    watch.stop();
    databaseMs = async () => clock.now() + 60_000;
    await look();
    expect(watch.isGood).toBe(true);
  });
});
