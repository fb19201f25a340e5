import type { Toxic } from './toxics.ts';

/** What the cluster consists of, as far as faults are concerned. */
export interface Targets {
  readonly gates: readonly string[];
  readonly logics: readonly string[];
  readonly lsbs: readonly string[];
  readonly apis: readonly string[];
  /** Names of proxies by the place they stand at. */
  readonly proxies: Readonly<Record<'client' | 'inner' | 'store' | 'front', readonly string[]>>;
}

/** One fault. Each ends by itself after `lastsMs`: the process runs again, the line is whole again. */
export type Fault = { readonly kind: FaultKind; readonly target: string; readonly lastsMs: number } & (
  | { readonly does: 'kill' | 'pause' | 'terminate' | 'flush' }
  | { readonly does: 'poison'; readonly toxic: Toxic; readonly share: number }
  | { readonly does: 'reset'; readonly share: number }
);

export const faultKinds = [
  'kill-gate',
  'pause-gate',
  'drain-gate',
  'kill-logic',
  'pause-logic',
  'stop-logic',
  'kill-lsb',
  'kill-api',
  'stop-api',
  'kill-postgres',
  'stop-postgres',
  'pause-postgres',
  'kill-redis',
  'pause-redis',
  'flush-redis',
  'latency',
  'slice',
  'drop',
  'half-open',
  'reset',
  'slow-close',
] as const;

export type FaultKind = (typeof faultKinds)[number];

/** How often each is drawn, in relation. Stores are few and hit everybody: they are hit less often. */
const weights: Readonly<Record<FaultKind, number>> = {
  'kill-gate': 5,
  'pause-gate': 4,
  'drain-gate': 4,
  'kill-logic': 5,
  'pause-logic': 4,
  'stop-logic': 3,
  'kill-lsb': 2,
  'kill-api': 2,
  'stop-api': 1,
  'kill-postgres': 2,
  'stop-postgres': 1,
  'pause-postgres': 1,
  'kill-redis': 2,
  'pause-redis': 1,
  'flush-redis': 2,
  latency: 4,
  slice: 4,
  drop: 4,
  'half-open': 4,
  reset: 4,
  'slow-close': 2,
};

export interface FaultPlan {
  /** The next fault and how long after the one before it begins. Depends on the seed and the order of the calls only. */
  next(): { readonly afterMs: number; readonly fault: Fault };
}

/** `random`: uniform over [0, 1). `only`: other kinds are left out. */
export function createFaultPlan(options: {
  readonly random: () => number;
  readonly targets: Targets;
  readonly perMinute: number;
  readonly only: readonly string[];
}): FaultPlan {
  const { random, targets, perMinute, only } = options;
  const unknown = only.filter((kind) => !(faultKinds as readonly string[]).includes(kind));
  if (unknown.length > 0) throw new Error(`no such fault: ${unknown.join(', ')}. Known: ${faultKinds.join(', ')}`);
  const kinds = faultKinds.filter((kind) => only.length === 0 || only.includes(kind));
  const total = kinds.reduce((sum, kind) => sum + weights[kind], 0);
  const between = (least: number, most: number) => Math.round(least + random() * (most - least));
  const one = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const draw = (): FaultKind => {
    let left = random() * total;
    for (const kind of kinds) {
      left -= weights[kind];
      if (left < 0) return kind;
    }
    return kinds.at(-1)!;
  };
  const proxy = (places: readonly (keyof Targets['proxies'])[]) =>
    one(places.flatMap((place) => targets.proxies[place]));
  const make = (kind: FaultKind): Fault => {
    switch (kind) {
      case 'kill-gate':
        return { kind, does: 'kill', target: one(targets.gates), lastsMs: between(500, 8_000) };
      case 'pause-gate':
        return { kind, does: 'pause', target: one(targets.gates), lastsMs: between(1_000, 20_000) };
      case 'drain-gate':
        return { kind, does: 'terminate', target: one(targets.gates), lastsMs: between(500, 6_000) };
      case 'kill-logic':
        return { kind, does: 'kill', target: one(targets.logics), lastsMs: between(500, 8_000) };
      case 'pause-logic':
        return { kind, does: 'pause', target: one(targets.logics), lastsMs: between(1_000, 20_000) };
      case 'stop-logic':
        return { kind, does: 'terminate', target: one(targets.logics), lastsMs: between(500, 6_000) };
      case 'kill-lsb':
        return { kind, does: 'kill', target: one(targets.lsbs), lastsMs: between(500, 8_000) };
      case 'kill-api':
        return { kind, does: 'kill', target: one(targets.apis), lastsMs: between(500, 8_000) };
      case 'stop-api':
        return { kind, does: 'terminate', target: one(targets.apis), lastsMs: between(500, 4_000) };
      case 'kill-postgres':
        return { kind, does: 'kill', target: 'postgres', lastsMs: between(500, 5_000) };
      case 'stop-postgres':
        return { kind, does: 'terminate', target: 'postgres', lastsMs: between(500, 5_000) };
      case 'pause-postgres':
        return { kind, does: 'pause', target: 'postgres', lastsMs: between(1_000, 8_000) };
      case 'kill-redis':
        return { kind, does: 'kill', target: 'redis', lastsMs: between(500, 8_000) };
      case 'pause-redis':
        return { kind, does: 'pause', target: 'redis', lastsMs: between(1_000, 10_000) };
      case 'flush-redis':
        return { kind, does: 'flush', target: 'redis', lastsMs: 0 };
      case 'latency': {
        const toxic = { kind, ms: between(20, 300), jitterMs: between(20, 400) } as const;
        const target = proxy(['client', 'inner', 'store', 'front']);
        return { kind, does: 'poison', target, toxic, share: 1, lastsMs: between(2_000, 15_000) };
      }
      case 'slice': {
        const toxic = { kind, bytes: between(16, 200) } as const;
        const target = proxy(['client', 'inner', 'store', 'front']);
        return { kind, does: 'poison', target, toxic, share: 1, lastsMs: between(2_000, 10_000) };
      }
      case 'drop':
      case 'half-open': {
        const target = proxy(['client', 'inner', 'store', 'front']);
        return { kind, does: 'poison', target, toxic: { kind }, share: one([1, 0.5]), lastsMs: between(1_000, 15_000) };
      }
      case 'reset': {
        const target = proxy(['client', 'inner', 'store', 'front']);
        return { kind, does: 'reset', target, share: one([1, 0.5]), lastsMs: 0 };
      }
      case 'slow-close': {
        const toxic = { kind, ms: between(1_000, 8_000) } as const;
        const target = proxy(['client', 'inner', 'front']);
        return { kind, does: 'poison', target, toxic, share: 1, lastsMs: between(5_000, 15_000) };
      }
    }
  };
  const meanMs = 60_000 / Math.max(perMinute, 0.001);
  return {
    // Between half and one and a half of the mean: never a long quiet.
    next: () => ({ afterMs: Math.round(meanMs * (0.5 + random())), fault: make(draw()) }),
  };
}
