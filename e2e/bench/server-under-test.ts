import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProductProcess } from '../fixtures/child-process.ts';
import { cleanEnvironment, node, serverEntry } from '../fixtures/paths.ts';

/** The kernel's unit of CPU time; 100 a second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Limits that protect a public server from one address stand in the way of a load generator on one address. */
const raisedLimits = [
  ['--gate-connections-per-address', 20_000],
  ['--gate-unauthenticated-connections', 20_000],
  ['--gate-accept-per-second-per-address', 20_000],
  ['--gate-accept-burst-per-address', 20_000],
  ['--gate-frames-per-second', 1_000_000],
  ['--gate-frames-burst', 1_000_000],
  ['--gate-in-flight-per-connection', 10_000],
  ['--logic-group-changes-per-hour', 1_000_000],
  ['--logic-send-per-second-per-user', 1_000_000],
  ['--logic-send-burst-per-user', 1_000_000],
  ['--auth-registrations-per-hour-per-address', 1_000_000],
] as const;

/** As fast as it can, however long messages wait: what `overload` is about is not to disturb the others. */
const unlimitedWait = ['--logic-overload-wait-ms', '1000000'];

/** The built server in a process of its own, with its real store in a new folder. */
export class ServerUnderTest {
  readonly url: string;
  readonly #process: ProductProcess;
  readonly #directory: string;

  private constructor(process: ProductProcess, directory: string, readyLine: string) {
    this.#process = process;
    this.#directory = directory;
    const url = /\bapi (http:\/\/\S+?)\/v1\b/.exec(readyLine)?.[1];
    if (!url) throw new Error(`no API address in ${readyLine}`);
    this.url = url;
  }

  /** `prepare`: puts something into the data folder first. `more`: further options of its command line. */
  static async start(
    profileDirectory: string,
    prepare: (directory: string) => Promise<void>,
    more: readonly string[] = unlimitedWait,
  ): Promise<ServerUnderTest> {
    const directory = mkdtempSync(join(tmpdir(), 'fastim-bench-'));
    try {
      await prepare(directory);
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
    if (profileDirectory) mkdirSync(profileDirectory, { recursive: true });
    const server = new ProductProcess(
      'server',
      node,
      [
        ...(profileDirectory ? ['--cpu-prof', '--cpu-prof-interval=500', `--cpu-prof-dir=${profileDirectory}`] : []),
        serverEntry,
        ...['--data', directory, '--port', '0', '--tcp-port', '0', '--ws-port', '0', '--metrics-port', '0'],
        ...['--log-level', 'warn'],
        ...raisedLimits.flatMap(([option, value]) => [option, String(value)]),
        ...more,
      ],
      cleanEnvironment(),
      /^FastIM ready/,
    );
    try {
      return new ServerUnderTest(server, directory, await server.ready);
    } catch (error) {
      await server.kill();
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  get running(): boolean {
    return this.#process.running;
  }

  get output(): string {
    return this.#process.output;
  }

  /** User and system time of all its threads since it started, in microseconds. */
  cpuMicros(): number {
    const stat = readFileSync(`/proc/${this.#process.pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; utime and stime are the 14th and 15th field.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / TICKS_PER_SECOND;
  }

  residentMegabytes(): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }

  /** Ends the process and removes its data. */
  async stop(): Promise<void> {
    await this.#process.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
