import { seededRandom } from '@fastim/core/testing';
import { describe, expect, it } from 'vitest';
import { type GatePolicy, standardGatePolicy } from './choose-gate.ts';
import { candidate, question } from './testing/candidates.ts';

const TICK_MS = 10;

interface Storm {
  readonly gates: ReadonlyArray<{ readonly id: string; readonly connections: number }>;
  readonly clients: number;
  readonly perSecond: number;
  readonly burst: number;
  readonly lsbs: number;
  /** Gates report so often, each at another moment. */
  readonly reportMs: number;
  /** How old what an LSB knows of the reservations of the others is. Infinity: it knows its own only. */
  readonly sharedAgeMs: number;
  /** From the answer to the log-in. */
  readonly travelMs: number;
  readonly policy: GatePolicy;
  /** Each LSB is killed and comes back, empty, about so often. */
  readonly restartMs?: number;
}

interface Gate {
  readonly id: string;
  connections: number;
  reported: number;
  readonly reportAt: number;
}

/** What happens between the death of a gate and the log-in of the last of its clients, on a clock of its own. */
function run(storm: Storm, seed: number) {
  const fraction = seededRandom(seed);
  const gates: Gate[] = storm.gates.map(({ id, connections }) => ({
    id,
    connections,
    reported: connections,
    reportAt: Math.floor((fraction() * storm.reportMs) / TICK_MS) * TICK_MS,
  }));
  const byId = new Map(gates.map((gate) => [gate.id, gate]));
  const before = new Map(gates.map((gate) => [gate.id, gate.connections]));
  /** Reservations, +1 when made and −1 when arrived, with their time and who made them. */
  const events: Array<{ at: number; gateId: string; lsb: number; change: 1 | -1 }> = [];
  const travelling: Array<{ at: number; gateId: string; lsb: number }> = [];
  const counted = Array.from({ length: storm.lsbs }, () => new Map<string, number>());
  const read = new Array<number>(storm.lsbs).fill(0);
  const own = Array.from({ length: storm.lsbs }, () => new Map<string, number>());
  /** Another one in each life: what an LSB did in an earlier life it knows from the others' book only. */
  const lives = Array.from({ length: storm.lsbs }, (_, lsb) => lsb);
  const add = (map: Map<string, number>, gateId: string, change: number) =>
    map.set(gateId, (map.get(gateId) ?? 0) + change);
  let asked = 0;
  for (let now = 0; asked < storm.clients || travelling.length > 0; now += TICK_MS) {
    for (let index = travelling.length - 1; index >= 0; index -= 1) {
      const { at, gateId, lsb } = travelling[index]!;
      if (at > now) continue;
      travelling.splice(index, 1);
      byId.get(gateId)!.connections += 1;
      events.push({ at: now, gateId, lsb, change: -1 });
    }
    for (const gate of gates) if ((now + gate.reportAt) % storm.reportMs === 0) gate.reported = gate.connections;
    const allowed = Math.min(storm.clients, storm.burst + (now * storm.perSecond) / 1_000);
    for (; asked < allowed; asked += 1) {
      const lsb = asked % storm.lsbs;
      if (storm.restartMs !== undefined && fraction() < (1_000 * storm.lsbs) / storm.perSecond / storm.restartMs) {
        lives[lsb]! += storm.lsbs;
        read[lsb] = 0;
        counted[lsb]!.clear();
        own[lsb]!.clear();
      }
      const mine = counted[lsb]!;
      // What the others did is known up to a while ago; what it did itself at once.
      for (; read[lsb]! < events.length && events[read[lsb]!]!.at <= now - storm.sharedAgeMs; read[lsb]! += 1) {
        const { gateId, change, lsb: by } = events[read[lsb]!]!;
        if (by !== lives[lsb] || change < 0) add(mine, gateId, change);
      }
      const known = (gateId: string) => Math.max(0, (mine.get(gateId) ?? 0) + (own[lsb]!.get(gateId) ?? 0));
      const candidates = gates.map((gate) =>
        candidate(gate.id, { connections: gate.reported, reservations: known(gate.id) }),
      );
      const [gateId] = storm.policy(candidates, question({ userId: BigInt(asked + 1) }));
      add(own[lsb]!, gateId!, 1);
      events.push({ at: now, gateId: gateId!, lsb: lives[lsb]!, change: 1 });
      travelling.push({ at: now + storm.travelMs * (0.5 + fraction()), gateId: gateId!, lsb });
    }
  }
  return gates.map((gate) => ({
    id: gate.id,
    total: gate.connections,
    gained: gate.connections - before.get(gate.id)!,
  }));
}

const dead5000 = {
  gates: [
    { id: 'a', connections: 5_000 },
    { id: 'b', connections: 5_000 },
  ],
  clients: 5_000,
  perSecond: 500,
  burst: 1_000,
  reportMs: 3_000,
  sharedAgeMs: 1_000,
  travelMs: 300,
};

/** How far the largest is above the smallest. */
function gap(numbers: readonly number[]): number {
  return Math.max(...numbers) / Math.min(...numbers) - 1;
}

describe('five thousand clients of a dead gate', () => {
  const seeds = Array.from({ length: 20 }, (_, index) => index + 1);
  const spreads = (storm: Omit<Storm, 'policy'>) =>
    seeds.map((seed) =>
      gap(
        run({ ...storm, policy: standardGatePolicy({ fraction: seededRandom(1_000 + seed) }) }, seed).map(
          ({ gained }) => gained,
        ),
      ),
    );

  it.each([
    ['one LSB', { lsbs: 1 }],
    ['three LSBs that see reports of 3 s ago', { lsbs: 3 }],
    ['three LSBs, all clients at once', { lsbs: 3, burst: 5_000 }],
    ['three LSBs that are killed all the time', { lsbs: 3, restartMs: 1_000 }],
    ['eight LSBs and slow clients', { lsbs: 8, travelMs: 4_000 }],
  ])('spread over the other two within 15 %%: %s', (_what, more) => {
    for (const spread of spreads({ ...dead5000, ...more })) expect(spread).toBeLessThan(0.15);
  });

  it('spread within 25 % also by three LSBs that know only their own reservations', () => {
    const alone = { ...dead5000, lsbs: 3, sharedAgeMs: Number.POSITIVE_INFINITY };
    for (const spread of spreads(alone)) expect(spread).toBeLessThan(0.25);
  });

  it('even out gates that were not even, and do not herd onto the newest one', () => {
    const gates = [
      { id: 'old', connections: 5_000 },
      { id: 'older', connections: 5_000 },
      { id: 'new', connections: 0 },
    ];
    for (const seed of seeds) {
      const policy = standardGatePolicy({ fraction: seededRandom(seed) });
      const ended = run({ ...dead5000, gates, lsbs: 3, policy }, seed);
      const gained = new Map(ended.map((gate) => [gate.id, gate.gained]));
      expect(gained.get('new')!).toBeGreaterThan(2_000);
      // Two of three draws have it among them.
      expect(gained.get('new')!).toBeLessThan(5_000 * 0.72);
    }
  });

  it('would not be spread by the number of connections alone: what the reservations are for', () => {
    const leastConnections: GatePolicy = (gates) =>
      gates.toSorted((left, right) => left.connections - right.connections).map(({ gateId }) => gateId);
    const worst = Math.max(
      ...seeds.map((seed) =>
        gap(run({ ...dead5000, lsbs: 3, policy: leastConnections }, seed).map(({ gained }) => gained)),
      ),
    );
    expect(worst).toBeGreaterThan(0.15);
  });
});
