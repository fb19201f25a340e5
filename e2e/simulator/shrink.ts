import { planOf } from './plan.ts';
import { runSeed, type SeedOptions, type SeedResult } from './run-seed.ts';

export interface Shrunk {
  readonly result: SeedResult;
  readonly skipOperations: ReadonlySet<number>;
  readonly skipFaults: ReadonlySet<number>;
  readonly runs: number;
}

/**
 * Leaves out faults and operations of a bad seed, as long as it breaks the same promise: halves first, then ever smaller
 * parts. Must be called from a macrotask.
 */
export function shrink(seed: number, options: SeedOptions, mostRuns = 200): Shrunk | undefined {
  let result = runSeed(seed, options);
  let runs = 1;
  const invariant = result.violations[0]?.invariant;
  if (invariant === undefined) return undefined;
  let skipFaults = new Set<number>();
  let skipOperations = new Set<number>();

  const stillBad = (faults: Set<number>, operations: Set<number>): boolean => {
    if (runs >= mostRuns) return false;
    runs += 1;
    const tried = runSeed(seed, { ...options, skipFaults: faults, skipOperations: operations });
    if (tried.violations[0]?.invariant !== invariant) return false;
    result = tried;
    return true;
  };
  const leaveOut = (
    all: readonly number[],
    skipped: Set<number>,
    test: (skip: Set<number>) => boolean,
  ): Set<number> => {
    let skip = skipped;
    for (let size = Math.ceil(all.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let from = 0; from < all.length; from += size) {
        const part = all.slice(from, from + size).filter((number) => !skip.has(number));
        if (part.length === 0) continue;
        const more = new Set([...skip, ...part]);
        if (test(more)) skip = more;
      }
    }
    return skip;
  };

  const operations = Array.from({ length: planOf(seed, options).operations }, (_, index) => index);
  skipFaults = leaveOut(result.faultNumbers, skipFaults, (skip) => stillBad(skip, skipOperations));
  skipOperations = leaveOut(operations, skipOperations, (skip) => stillBad(skipFaults, skip));
  return { result, skipOperations, skipFaults, runs };
}
