import { describe, expect, it } from 'vitest';
import { rendezvous } from './rendezvous.ts';

const keys = Array.from({ length: 3_000 }, (_, index) => `gate-1/${index}`);

describe('rendezvous', () => {
  it('gives each node its share', () => {
    const nodes = ['logic-1', 'logic-2', 'logic-3'];
    const shares = new Map(nodes.map((node) => [node, 0]));
    for (const key of keys) shares.set(rendezvous(key, nodes)!, shares.get(rendezvous(key, nodes)!)! + 1);
    for (const share of shares.values()) expect(Math.abs(share - 1_000)).toBeLessThan(150);
  });

  it('does not depend on the order of the nodes', () => {
    for (const key of keys) expect(rendezvous(key, ['a', 'b', 'c'])).toBe(rendezvous(key, ['c', 'a', 'b']));
  });

  it('moves only the keys of a node that goes, and only to a node that comes', () => {
    for (const key of keys) {
      const before = rendezvous(key, ['a', 'b', 'c'])!;
      if (before !== 'b') expect(rendezvous(key, ['a', 'c'])).toBe(before);
      expect([before, 'd']).toContain(rendezvous(key, ['a', 'b', 'c', 'd']));
    }
  });

  it('has no answer without nodes', () => {
    expect(rendezvous('key', [])).toBeUndefined();
  });
});
