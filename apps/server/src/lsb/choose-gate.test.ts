import { seededRandom } from '@fastim/core/testing';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { gateRules, standardGatePolicy } from './choose-gate.ts';
import { candidate, question } from './testing/candidates.ts';

const policy = standardGatePolicy({ fraction: seededRandom(1) });

describe('choosing gates', () => {
  it('asks its rules in this order', () => {
    expect(gateRules.map(({ name }) => name)).toEqual(['accepting', 'app', 'channel', 'gray', 'capacity']);
  });

  it.each([
    ['does not accept', { accepting: false }, {}],
    ['is for another app', { appIds: ['other'] }, {}],
    ['is for single conversations, when asked for both', { channels: ['single'] as const }, {}],
    ['is for groups, when asked for single ones', { channels: ['group'] as const }, { channel: 'single' as const }],
    ['is gray for others', { grayRules: [{ userIds: ['2'] }] }, {}],
    ['is full', { capacity: 10, connections: 10 }, {}],
    ['is full with those on their way', { capacity: 10, connections: 4, reservations: 6 }, {}],
  ])('never names a gate that %s', (_what, gate, asked) => {
    expect(policy([candidate('a', gate)], question(asked))).toEqual([]);
    expect(policy([candidate('a', gate), candidate('b')], question(asked))).toEqual(['b']);
  });

  it.each([
    ['a single one', { channel: 'single' as const }],
    ['both kinds', { channel: 'both' as const }],
  ])('finds a gate for %s', (_what, asked) => {
    const gates = [
      candidate('whole'),
      candidate('one', { channels: [asked.channel === 'both' ? 'single' : asked.channel] }),
    ];
    const named = policy(gates, question(asked)).toSorted();
    expect(named).toEqual(asked.channel === 'both' ? ['whole'] : ['one', 'whole']);
  });

  it('names up to three gates, all different, and as many as there are', () => {
    for (let count = 0; count <= 6; count += 1) {
      const gates = Array.from({ length: count }, (_, index) => candidate(`g${index}`, { connections: index * 100 }));
      const named = policy(gates, question());
      expect(named).toHaveLength(Math.min(3, count));
      expect(new Set(named).size).toBe(named.length);
    }
  });

  it('prefers gray gates for those whom a rule fits, with a common one behind them', () => {
    const gray = { grayRules: [{ userIds: ['1'] }] };
    const gates = ['a', 'b', 'c'].map((id) => candidate(id, gray)).concat(candidate('common', { connections: 0 }));
    for (let round = 0; round < 20; round += 1) {
      const named = policy(gates, question());
      expect(named).toHaveLength(3);
      expect(named.slice(0, 2).every((id) => id !== 'common')).toBe(true);
      expect(named[2]).toBe('common');
      expect(policy(gates, question({ userId: 9n }))).toEqual(['common']);
    }
    expect(policy(gates.slice(0, 3), question())).toHaveLength(3);
  });

  it('sends at most two of n to the emptiest gate', () => {
    const fraction = seededRandom(7);
    const choose = standardGatePolicy({ fraction });
    const gates = [0, 20_000, 20_000, 20_000, 20_000].map((connections, index) =>
      candidate(`g${index}`, { connections }),
    );
    const asked = runs(20_000);
    let first = 0;
    for (let index = 0; index < asked; index += 1) if (choose(gates, question())[0] === 'g0') first += 1;
    expect(Math.abs(first / asked - 0.4)).toBeLessThan(4 * Math.sqrt(0.24 / asked));
  });

  it('takes sizes into account: a small gate with as many is the fuller one', () => {
    const gates = [
      candidate('small', { capacity: 1_000, connections: 500 }),
      candidate('large', { capacity: 50_000, connections: 600 }),
    ];
    for (let round = 0; round < 20; round += 1) expect(policy(gates, question())[0]).toBe('large');
  });
});
