import { type FaultKind, faultKinds } from './faults/fault-kinds.ts';
import { streamOf } from './world/seeded.ts';

/** What a seed decides before anything happens. */
export interface Plan {
  readonly seed: number;
  readonly gates: number;
  readonly nodes: number;
  /** For each device the number of its user. */
  readonly devices: readonly number[];
  readonly users: number;
  readonly operations: number;
  /** Simulated ms from the first operation to the end of the faults. */
  readonly durationMs: number;
  readonly faults: readonly FaultKind[];
}

export function planOf(seed: number, limits: { operations?: number; faults?: readonly FaultKind[] } = {}): Plan {
  const chance = streamOf(seed, 'plan');
  const users = chance.weighted([
    [2, 3],
    [3, 3],
    [4, 2],
    [5, 1],
    [6, 1],
  ]);
  const devices = Array.from({ length: users }, (_, user) => user);
  const more = Math.min(
    12 - users,
    chance.weighted([
      [0, 1],
      [1, 4],
      [2, 3],
      [3, 2],
      [6, 1],
    ]),
  );
  for (let index = 0; index < more; index += 1) devices.push(chance.between(0, users - 1));
  const operations = chance.happens(0.85) ? chance.skewed(200, 400) : chance.skewed(400, 2_000);
  const shuffled = chance.shuffled(faultKinds);
  return {
    seed,
    gates: chance.between(2, 3),
    nodes: chance.between(2, 3),
    users,
    devices,
    operations: limits.operations ?? operations,
    durationMs: 20_000 + Math.min(operations, 800) * chance.between(25, 60),
    faults: limits.faults ?? shuffled.slice(0, chance.between(8, shuffled.length)),
  };
}
