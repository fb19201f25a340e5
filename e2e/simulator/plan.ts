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

export interface PlanChanges {
  readonly operations?: number;
  readonly faults?: readonly FaultKind[];
  /** As in an all-in-one server: one logic node, which keeps what it stored lately in memory. */
  readonly alone?: boolean;
}

export function planOf(seed: number, changes: PlanChanges = {}): Plan {
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
  const operations = chance.happens(0.93) ? chance.skewed(200, 320) : chance.skewed(320, 2_000);
  const shuffled = chance.shuffled(faultKinds);
  const [gates, nodes] = [chance.between(2, 3), chance.between(2, 3)];
  return {
    seed,
    gates,
    nodes: changes.alone ? 1 : nodes,
    users,
    devices,
    operations: changes.operations ?? operations,
    durationMs: 20_000 + Math.min(operations, 800) * chance.between(25, 60),
    faults: changes.faults ?? shuffled.slice(0, chance.between(8, shuffled.length)),
  };
}
