// A real cluster with real clients, and everything that can break breaks. See `usage` in options.ts.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOptions, UsageError, usage } from './options.ts';
import { type ChaosResult, runChaos } from './run-chaos.ts';

/** Setting up, converging and reading; whatever happens, it is over after this and the minutes asked for. */
const BESIDES_MS = 20 * 60_000;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const directory = mkdtempSync(join(tmpdir(), 'fastim-chaos-'));
  // The database's own user has to get through.
  chmodSync(directory, 0o711);
  const began = Date.now();
  const say = (line: string) => {
    const seconds = ((Date.now() - began) / 1000).toFixed(1).padStart(7);
    process.stderr.write(`${seconds} s  ${line}\n`);
  };
  const end = (why: string) => {
    say(`${why}; logs and histories are in ${directory}`);
    // The processes of the cluster end with this one.
    process.exit(1);
  };
  process.once('SIGINT', () => end('interrupted'));
  process.once('SIGTERM', () => end('interrupted'));
  setTimeout(() => end('it takes too long'), options.minutes * 60_000 + BESIDES_MS).unref();
  let good = false;
  try {
    const result = await runChaos(options, directory, say);
    good = isGood(result);
    for (const example of result.examples) say(example);
    for (const line of result.unsettled) say(`not settled: ${line}`);
    if (options.json) console.log(JSON.stringify(result));
    else for (const [name, value] of Object.entries(result)) console.log(`${name.padEnd(18)}${JSON.stringify(value)}`);
    return good ? 0 : 1;
  } finally {
    if (good && !options.keep) rmSync(directory, { recursive: true, force: true });
    else say(`logs and histories are in ${directory}`);
  }
}

function isGood({ acked, lost, duplicated, misordered, different, failed, unknown, converged }: ChaosResult): boolean {
  return acked > 0 && converged && lost + duplicated + misordered + different + failed + unknown === 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof UsageError) console.error(`${error.message}\n${usage}`);
  else console.error(error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
