import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClusterMember, type LocalCluster, startLocalCluster } from '@fastim/server/local-cluster';
import { cpuMicrosOf, residentMegabytesOf } from './process-cost.ts';

export type MemberKind = ClusterMember['kind'];

/** Limits that protect a public server from one address stand in the way of a load generator on one address. */
const raisedLimits = {
  FASTIM_LOG_LEVEL: 'warn',
  FASTIM_API_REQUESTS_PER_SECOND_PER_ADDRESS: '20000',
  FASTIM_API_REQUESTS_BURST_PER_ADDRESS: '20000',
  FASTIM_GATE_CONNECTIONS_PER_ADDRESS: '20000',
  FASTIM_GATE_UNAUTHENTICATED_CONNECTIONS: '20000',
  FASTIM_GATE_ACCEPT_PER_SECOND_PER_ADDRESS: '20000',
  FASTIM_GATE_ACCEPT_BURST_PER_ADDRESS: '20000',
  FASTIM_GATE_FRAMES_PER_SECOND: '1000000',
  FASTIM_GATE_FRAMES_BURST: '1000000',
  FASTIM_GATE_IN_FLIGHT_PER_CONNECTION: '10000',
  FASTIM_LOGIC_SEND_PER_SECOND_PER_USER: '1000000',
  FASTIM_LOGIC_SEND_BURST_PER_USER: '1000000',
  // As fast as it can, however long messages wait.
  FASTIM_LOGIC_OVERLOAD_WAIT_MS: '1000000',
  FASTIM_AUTH_REGISTRATIONS_PER_HOUR_PER_ADDRESS: '1000000',
} as const;

/** A real local cluster in a folder of its own, and what it costs. */
export class ClusterUnderTest {
  readonly cluster: LocalCluster;
  readonly #directory: string;

  private constructor(cluster: LocalCluster, directory: string) {
    this.cluster = cluster;
    this.#directory = directory;
  }

  static async start(
    sizes: { lsbs: number; gates: number; apis: number; logics: number } = { lsbs: 2, gates: 3, apis: 2, logics: 3 },
    more: (member: { readonly name: string; readonly kind: string }) => Readonly<Record<string, string>> = () => ({}),
  ): Promise<ClusterUnderTest> {
    const directory = mkdtempSync(join(tmpdir(), 'fastim-bench-'));
    // The database's own user has to get through.
    chmodSync(directory, 0o711);
    try {
      const cluster = await startLocalCluster({
        ...sizes,
        directory,
        environment: (name) => ({ ...raisedLimits, ...more({ name, kind: name.split('-')[0]! }) }),
      });
      return new ClusterUnderTest(cluster, directory);
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  get url(): string {
    return this.cluster.serverUrls[0]!;
  }

  get databaseUrl(): string {
    return this.cluster.member('postgres').addresses.url!;
  }

  /** The ends of all logs. */
  get output(): string {
    return this.cluster
      .members()
      .map(({ name, logFile }) => `--- ${name}\n${tail(logFile)}`)
      .join('\n');
  }

  /** CPU time since the start, µs, by what used it. Of members that run now. */
  cpuMicrosByKind(): Record<MemberKind, number> {
    const sums: Record<MemberKind, number> = { gate: 0, logic: 0, lsb: 0, api: 0, postgres: 0, redis: 0 };
    for (const { kind, pid } of this.cluster.members()) {
      if (pid !== undefined) sums[kind] += cpuMicrosOf(pid, { children: kind === 'postgres' });
    }
    return sums;
  }

  cpuMicros(): number {
    return Object.values(this.cpuMicrosByKind()).reduce((sum, micros) => sum + micros, 0);
  }

  residentMegabytes(): number {
    return this.cluster
      .members()
      .reduce(
        (sum, { pid, kind }) =>
          sum + (pid === undefined || kind === 'postgres' ? 0 : residentMegabytesOf(pid, { children: false })),
        0,
      );
  }

  /** Ends everything and removes its data. */
  async stop(): Promise<void> {
    await this.cluster.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function tail(file: string): string {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(-20).join('\n');
  } catch {
    return '';
  }
}
