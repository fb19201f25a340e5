// Load on a real server process over the public protocol, every message checked. See `usage` in options.ts.
import { runDirect } from './direct.ts';
import { runGroup } from './group.ts';
import { type Measurement, summary, type Window } from './measurement.ts';
import { type BenchOptions, readOptions, UsageError, usage } from './options.ts';
import { makePairs, withGate } from './people.ts';
import { type PreparedPerson, preparePeople } from './prepare-people.ts';
import { ServerUnderTest } from './server-under-test.ts';
import { peersNeeded, runSync } from './sync.ts';

/** Whatever happens, it is over after this. */
const DEADLINE_MS = 10 * 60_000;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  let prepared: PreparedPerson[] = [];
  const server = await ServerUnderTest.start(options.profile, async (directory) => {
    prepared = await preparePeople(directory, peopleNeeded(options));
  });
  // A break must not leave the server behind.
  const stop = async (why: string) => {
    console.error(why);
    await server.stop();
    process.exit(1);
  };
  process.once('SIGINT', () => void stop('interrupted'));
  process.once('SIGTERM', () => void stop('interrupted'));
  const deadline = setTimeout(() => void stop(`not done after ${DEADLINE_MS / 60_000} minutes`), DEADLINE_MS);
  try {
    const window = new CpuWindow(server);
    const measured = await run(options, server, prepared, window);
    const figures = summary(options.work, measured, { cpuMicros: window.cpuMicros(), rssMb: window.rssMb });
    if (options.json) console.log(JSON.stringify(figures));
    else for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(28)}${value}`);
    return measured.lost + measured.duplicated + measured.misordered === 0 ? 0 : 1;
  } catch (error) {
    console.error(server.output);
    throw error;
  } finally {
    clearTimeout(deadline);
    await server.stop();
  }
}

/** Users to put into the data folder before the start; the pairs of `direct` register as an app does. */
function peopleNeeded(options: BenchOptions): number {
  switch (options.work) {
    case 'direct':
      return 0;
    case 'group':
      return options.members;
    case 'sync':
      return 1 + peersNeeded(options);
  }
}

async function run(
  options: BenchOptions,
  server: ServerUnderTest,
  prepared: readonly PreparedPerson[],
  window: CpuWindow,
): Promise<Measurement> {
  switch (options.work) {
    case 'direct': {
      const pairs = await makePairs(server.url, options.pairs, (done) => {
        if (process.stderr.isTTY) process.stderr.write(`\rregistered ${done} of ${options.pairs} pairs `);
      });
      return runDirect(pairs, options, window);
    }
    case 'group':
      return runGroup(await withGate(server.url, prepared), options, window);
    case 'sync': {
      const people = await withGate(server.url, prepared);
      return runSync(server.url, people, options, { whole: window, reconnects: new CpuWindow(server) });
    }
  }
}

/** The server's CPU time between two moments, and its memory at the second one. */
class CpuWindow implements Window {
  readonly #server: ServerUnderTest;
  #micros = 0;
  rssMb = 0;

  constructor(server: ServerUnderTest) {
    this.#server = server;
  }

  begin(): void {
    this.#micros = -this.#server.cpuMicros();
  }

  end(): void {
    this.#micros += this.#server.cpuMicros();
    this.rssMb = this.#server.residentMegabytes();
  }

  cpuMicros(): number {
    return this.#micros;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof UsageError) console.error(`${error.message}\n${usage}`);
  else console.error(error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
