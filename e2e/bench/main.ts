// Load on a real server process over the public protocol, every message checked. See `usage` in options.ts.
import { ClusterUnderTest } from './cluster-under-test.ts';
import { runDirect } from './direct.ts';
import { runGroup } from './group.ts';
import { runIdle } from './idle.ts';
import { type Measurement, summary, type Window } from './measurement.ts';
import {
  type BenchOptions,
  type IdleOptions,
  type OverloadOptions,
  readOptions,
  type StormOptions,
  UsageError,
  usage,
} from './options.ts';
import { runOverload } from './overload.ts';
import { makePairs, withGate } from './people.ts';
import { type PreparedPerson, preparePeople } from './prepare-people.ts';
import { ServerUnderTest } from './server-under-test.ts';
import { runStorm } from './storm.ts';
import { peersNeeded, runSync } from './sync.ts';

/** The works that measure one window of one server. */
type OnOneServer = Exclude<BenchOptions, StormOptions | OverloadOptions | IdleOptions>;

/** Whatever happens, it is over after this. */
const DEADLINE_MS = 10 * 60_000;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.work === 'storm') {
    const figures = await runStorm(options, (line) => console.error(line));
    print(figures, options.json);
    return figures.lost === 0 ? 0 : 1;
  }
  if (options.work === 'overload') {
    const figures = await runOverload(options, (line) => console.error(line));
    print(figures, options.json);
    return figures.lost + figures.duplicated + figures.misordered === 0 ? 0 : 1;
  }
  if (options.work === 'idle') {
    print(await runIdle(options, (line) => console.error(line)), options.json);
    return 0;
  }
  let prepared: PreparedPerson[] = [];
  const server =
    options.work === 'direct' && options.cluster
      ? await ClusterUnderTest.start()
      : await ServerUnderTest.start(options.profile, async (directory) => {
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
    print({ ...figures, ...window.byKind(measured.messages) }, options.json);
    return measured.lost + measured.duplicated + measured.misordered === 0 ? 0 : 1;
  } catch (error) {
    console.error(server.output);
    throw error;
  } finally {
    clearTimeout(deadline);
    await server.stop();
  }
}

function print(figures: object, json: boolean): void {
  if (json) console.log(JSON.stringify(figures));
  else for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(28)}${JSON.stringify(value)}`);
}

/** Users to put into the data folder before the start; the pairs of `direct` register as an app does. */
function peopleNeeded(options: OnOneServer): number {
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
  options: OnOneServer,
  server: ServerUnderTest | ClusterUnderTest,
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
  readonly #server: ServerUnderTest | ClusterUnderTest;
  #micros = 0;
  readonly #byKind = new Map<string, number>();
  rssMb = 0;

  constructor(server: ServerUnderTest | ClusterUnderTest) {
    this.#server = server;
  }

  begin(): void {
    this.#micros = 0;
    this.#add(-1);
  }

  end(): void {
    this.#add(1);
    this.rssMb = this.#server.residentMegabytes();
  }

  cpuMicros(): number {
    return this.#micros;
  }

  /** µs a message, of a cluster by the kind of process. */
  byKind(messages: number): { cpuMicrosPerMessageByKind?: Record<string, number> } {
    if (this.#byKind.size === 0) return {};
    const each = [...this.#byKind].map(([kind, micros]) => [kind, Number((micros / messages).toFixed(1))]);
    return { cpuMicrosPerMessageByKind: Object.fromEntries(each) };
  }

  #add(sign: 1 | -1): void {
    if (this.#server instanceof ServerUnderTest) {
      this.#micros += sign * this.#server.cpuMicros();
      return;
    }
    for (const [kind, micros] of Object.entries(this.#server.cpuMicrosByKind())) {
      this.#micros += sign * micros;
      this.#byKind.set(kind, (sign === 1 ? (this.#byKind.get(kind) ?? 0) : 0) + sign * micros);
    }
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof UsageError) console.error(`${error.message}\n${usage}`);
  else console.error(error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
