import { plantedBugs } from './planted/planted-bugs.ts';
import { runSeed, type SeedOptions, type SeedResult } from './run-seed.ts';

export interface Job {
  readonly from: number;
  readonly count: number;
  /** Until the first seed that is bad with the bug and good without it. */
  readonly bug?: string;
  readonly alone?: boolean;
}

export interface JobResult {
  readonly job: Job;
  readonly results: readonly SeedResult[];
}

// Errors are answers here, thousands of them; who wants to know where one came from runs its seed alone.
Error.stackTraceLimit = 0;

process.on('message', (job: Job) => {
  // From a macrotask: `runSeed` drains microtasks itself.
  setImmediate(() => {
    process.send!({ job, results: run(job) } satisfies JobResult);
  });
});

function run({ from, count, bug, alone = false }: Job): SeedResult[] {
  const results: SeedResult[] = [];
  for (let seed = from; seed < from + count; seed += 1) {
    if (bug === undefined) {
      results.push(careful(seed, { alone }));
      continue;
    }
    const { flaws } = plantedBugs[bug]!;
    const result = careful(seed, { flaws: flaws() });
    if (result.violations.length > 0 && careful(seed, {}).violations.length === 0) return [result];
  }
  return results;
}

/** What the simulator itself throws is a bad seed too. */
function careful(seed: number, options: SeedOptions): SeedResult {
  try {
    return runSeed(seed, options);
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return {
      seed,
      hash: '',
      operations: 0,
      faults: 0,
      faultKinds: [],
      faultNumbers: [],
      events: 0,
      convergedMs: 0,
      violations: [{ invariant: 'ERR', message, atMs: 0 }],
    };
  }
}

process.on('unhandledRejection', (error) => {
  throw error;
});
