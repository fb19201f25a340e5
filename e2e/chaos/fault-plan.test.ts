import { seededRandom } from '@fastim/core/testing';
import { describe, expect, it } from 'vitest';
import { createFaultPlan, faultKinds, type Targets } from './fault-plan.ts';

const targets: Targets = {
  gates: ['gate-1', 'gate-2', 'gate-3'],
  logics: ['logic-1', 'logic-2', 'logic-3'],
  lsbs: ['lsb-1', 'lsb-2'],
  apis: ['api-1', 'api-2'],
  proxies: {
    client: ['gate-1 client'],
    inner: ['gate-1 inner', 'logic-1 inner'],
    store: ['postgres', 'redis'],
    front: ['front'],
  },
};

function planned(seed: number, count: number, only: readonly string[] = []) {
  const plan = createFaultPlan({ random: seededRandom(seed), targets, perMinute: 6, only });
  return Array.from({ length: count }, () => plan.next());
}

describe('the plan of faults', () => {
  it('is the same for the same seed, and another one for another', () => {
    expect(planned(1, 50)).toEqual(planned(1, 50));
    expect(planned(1, 50)).not.toEqual(planned(2, 50));
  });

  it('has every kind, at targets there are, each over after at most 20 s', () => {
    const all = planned(3, 2_000);
    expect(new Set(all.map(({ fault }) => fault.kind))).toEqual(new Set(faultKinds));
    const known = [...targets.gates, ...targets.logics, ...targets.lsbs, ...targets.apis, 'postgres', 'redis'];
    const proxies = Object.values(targets.proxies).flat();
    for (const { fault } of all) {
      expect(fault.does === 'poison' || fault.does === 'reset' ? proxies : known).toContain(fault.target);
      expect(fault.lastsMs).toBeLessThanOrEqual(20_000);
    }
  });

  it('keeps the pace: no pause longer than one and a half of the mean', () => {
    const waits = planned(4, 1_000).map(({ afterMs }) => afterMs);
    expect(Math.max(...waits)).toBeLessThanOrEqual(15_000);
    expect(waits.reduce((sum, wait) => sum + wait, 0) / waits.length).toBeGreaterThan(9_500);
  });

  it('is held to the kinds that are asked for, and knows no others', () => {
    const kinds = new Set(planned(5, 100, ['kill-gate', 'slice']).map(({ fault }) => fault.kind));
    expect(kinds).toEqual(new Set(['kill-gate', 'slice']));
    expect(() => planned(6, 1, ['earthquake'])).toThrow('no such fault: earthquake');
  });
});
