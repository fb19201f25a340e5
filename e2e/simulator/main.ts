import { readOptions, UsageError } from './options.ts';
import { plantedBugs } from './planted/planted-bugs.ts';
import { runSeed, type SeedOptions, type SeedResult } from './run-seed.ts';
import { shrink } from './shrink.ts';
import type { Job } from './worker.ts';
import { runJobs } from './workers.ts';

/** Seeds of one job: small enough that the cores end together. */
const CHUNK = 8;

async function main(): Promise<number> {
  const command = readOptions(process.argv.slice(2));
  switch (command.type) {
    case 'campaign':
      return campaign(command.from, command.seeds, command.alone, command.json);
    case 'planted':
      return findPlanted(command.most, command.json);
    case 'one':
      return fromMacrotask(() => one(command.seed, command.trace, optionsWith(command.planted, command.alone)));
    case 'shrink':
      return fromMacrotask(() => shrinkOne(command.seed, optionsWith(command.planted, command.alone)));
  }
}

async function campaign(from: number, seeds: number, alone: boolean, json: boolean): Promise<number> {
  const began = performance.now();
  const bad: SeedResult[] = [];
  let operations = 0;
  let faults = 0;
  let done = 0;
  await runJobs(chunks(from, seeds, alone), ({ results }) => {
    for (const result of results) {
      operations += result.operations;
      faults += result.faults;
      done += 1;
      if (result.violations.length > 0) {
        bad.push(result);
        tell(result);
      }
      if (done % 1_000 === 0) process.stderr.write(`${done} seeds, ${bad.length} bad\n`);
    }
  });
  const summary = {
    seeds,
    violations: bad.reduce((sum, { violations }) => sum + violations.length, 0),
    operations,
    faults,
    seconds: Number(((performance.now() - began) / 1000).toFixed(1)),
    firstBadSeed: bad.length === 0 ? null : Math.min(...bad.map(({ seed }) => seed)),
  };
  process.stdout.write(`${json ? JSON.stringify(summary) : words(summary)}\n`);
  return bad.length === 0 ? 0 : 1;
}

async function findPlanted(most: number, json: boolean): Promise<number> {
  const names = Object.keys(plantedBugs);
  const worstSeeds: Record<string, number | null> = {};
  const jobs = names.map((bug): Job => ({ from: 1, count: most, bug }));
  await runJobs(jobs.values(), ({ job, results }) => {
    const [found] = results;
    worstSeeds[job.bug!] = found?.seed ?? null;
    process.stderr.write(
      `${job.bug}: ${found ? `seed ${found.seed}: ${found.violations[0]!.message}` : 'not found'}\n`,
    );
  });
  const found = names.filter((name) => worstSeeds[name] !== null).length;
  const sorted = Object.fromEntries(names.map((name) => [name, worstSeeds[name] ?? null]));
  const summary = { planted: names.length, found, worstSeeds: sorted };
  process.stdout.write(`${json ? JSON.stringify(summary) : words(summary)}\n`);
  return found === names.length ? 0 : 1;
}

function one(seed: number, trace: boolean, options: SeedOptions): number {
  const onLine = trace ? { onLine: (line: string) => process.stdout.write(`${line}\n`) } : {};
  const result = runSeed(seed, { ...options, ...onLine });
  process.stdout.write(`${JSON.stringify(result)}\n`);
  return result.violations.length === 0 ? 0 : 1;
}

function shrinkOne(seed: number, options: SeedOptions): number {
  const shrunk = shrink(seed, options);
  if (!shrunk) {
    process.stdout.write(`seed ${seed} is good\n`);
    return 0;
  }
  const { result, skipFaults, skipOperations, runs } = shrunk;
  runSeed(seed, { ...options, skipFaults, skipOperations, onLine: (line) => process.stdout.write(`${line}\n`) });
  process.stdout.write(`after ${runs} runs: ${result.faults} faults, ${result.operations} operations\n`);
  process.stdout.write(`${JSON.stringify(result)}\n`);
  return 1;
}

function optionsWith(bug: string | undefined, alone: boolean): SeedOptions {
  if (bug === undefined) return { alone };
  const planted = plantedBugs[bug];
  if (!planted) throw new UsageError(`no planted bug of that name: ${Object.keys(plantedBugs).join(', ')}`);
  return { alone, flaws: planted.flaws() };
}

function fromMacrotask(run: () => number): Promise<number> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(run());
      } catch (error) {
        reject(error);
      }
    });
  });
}

function* chunks(from: number, seeds: number, alone: boolean): Generator<Job> {
  for (let at = from; at < from + seeds; at += CHUNK) {
    yield { from: at, count: Math.min(CHUNK, from + seeds - at), alone };
  }
}

function tell({ seed, violations }: SeedResult): void {
  const [first] = violations;
  process.stderr.write(`seed ${seed}: ${first!.invariant} at ${first!.atMs} ms: ${first!.message.slice(0, 400)}\n`);
}

function words(summary: object): string {
  return Object.entries(summary)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join('\n');
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(
      `${error instanceof UsageError ? error.message : error instanceof Error ? error.stack : error}\n`,
    );
    process.exitCode = 2;
  },
);
