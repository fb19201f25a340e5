import { describe, expect, it } from 'vitest';
import { planOf } from './plan.ts';
import { plantedBugs } from './planted/planted-bugs.ts';
import { regressionSeeds } from './regression-seeds.ts';
import { simulate } from './run-seed.ts';
import { shrink } from './shrink.ts';

describe('a run of the simulator', () => {
  it('is the same each time, for 20 seeds, and different for each of them', async () => {
    const hashes = new Set<string>();
    for (let seed = 1; seed <= 20; seed += 1) {
      const once = await simulate(seed);
      const again = await simulate(seed);
      expect(again).toEqual(once);
      expect(once.violations).toEqual([]);
      hashes.add(once.hash);
    }
    expect(hashes.size).toBe(20);
  }, 120_000);

  it('is the same whether somebody reads its trace or not', async () => {
    const lines: string[] = [];
    const told = await simulate(3, { onLine: (line) => lines.push(line) });
    expect((await simulate(3)).hash).toBe(told.hash);
    expect(lines.length).toBeGreaterThan(100);
  });

  it('has the size that is asked of it', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const plan = planOf(seed);
      for (const [count, least, most] of [
        [plan.gates, 2, 3],
        [plan.nodes, 2, 3],
        [plan.devices.length, 2, 12],
        [plan.operations, 200, 2_000],
        [plan.faults.length, 8, 14],
      ] as const) {
        expect(count).toBeGreaterThanOrEqual(least);
        expect(count).toBeLessThanOrEqual(most);
      }
      expect(new Set(plan.faults).size).toBe(plan.faults.length);
    }
  });

  it('leaves out what it is told to, and keeps the rest as it was', async () => {
    const all = await simulate(5);
    const some = await simulate(5, { skipFaults: new Set(all.faultNumbers.slice(1)) });
    expect(some.faultNumbers).toEqual(all.faultNumbers.slice(0, 1));
    expect(some.faults).toBe(1);
  });
});

describe('seeds that were bad once', () => {
  it.each(regressionSeeds)('$seed: $was', async ({ seed }) => {
    expect((await simulate(seed)).violations).toEqual([]);
  });
});

describe('a planted bug', () => {
  it('is found', async () => {
    const { flaws } = plantedBugs['stale-owner-accepted']!;
    const found: string[] = [];
    for (let seed = 1; seed <= 5; seed += 1) {
      for (const { invariant } of (await simulate(seed, { flaws: flaws() })).violations) found.push(invariant);
    }
    expect(found.length).toBeGreaterThan(0);
  });

  it('is shrunk to a run with less in it that breaks the same promise', async () => {
    const flaws = plantedBugs['dedupe-off']!.flaws();
    const whole = await simulate(2, { flaws });
    const shrunk = await new Promise<ReturnType<typeof shrink>>((resolve) => {
      setImmediate(() => resolve(shrink(2, { flaws }, 12)));
    });
    expect(shrunk?.result.violations[0]?.invariant).toBe(whole.violations[0]?.invariant);
    expect((shrunk?.skipOperations.size ?? 0) + (shrunk?.skipFaults.size ?? 0)).toBeGreaterThan(0);
  }, 60_000);
});
