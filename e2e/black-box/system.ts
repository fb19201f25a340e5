import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '@fastim/core/testing';
import { ProxiedCluster } from '../cluster/proxied-cluster.ts';
import { TestServer } from '../fixtures/server.ts';

/** What the tests need of a server, be it one process or many. */
export interface SystemUnderTest {
  /** What a client is given as its server. */
  readonly serverUrl: string;
  /** kill -9 of everything that serves clients (the stores of a cluster stay), and a new start. */
  crash(): Promise<void>;
  /** Orderly stop of the same, and a new start. */
  restart(): Promise<void>;
  /** Undefined: one process. */
  readonly cluster: ProxiedCluster | undefined;
  /** The ends of the logs. */
  output(): string;
  /** Ends everything and removes its data. Idempotent. */
  stop(): Promise<void>;
}

/** One address registers many users here, and one name is logged in again and again. */
const limits = {
  FASTIM_AUTH_REGISTRATIONS_PER_HOUR_PER_ADDRESS: '100000',
  FASTIM_LOGIC_SEND_PER_SECOND_PER_USER: '1000',
  FASTIM_LOGIC_SEND_BURST_PER_USER: '2000',
  FASTIM_GATE_CONNECTIONS_PER_ADDRESS: '2000',
  FASTIM_GATE_ACCEPT_PER_SECOND_PER_ADDRESS: '1000',
  FASTIM_GATE_ACCEPT_BURST_PER_ADDRESS: '1000',
};

/** Of the cluster's operator. */
export const adminToken = 'the admin token of the black-box tests';

export async function startOneProcess(): Promise<SystemUnderTest> {
  const server = await TestServer.start({
    args: Object.entries(limits).flatMap(([variable, value]) => [
      `--${variable.replace('FASTIM_', '').toLowerCase().replaceAll('_', '-')}`,
      value,
    ]),
  });
  return {
    serverUrl: server.url,
    cluster: undefined,
    async crash() {
      await server.kill();
      await server.start();
    },
    async restart() {
      await server.stop();
      await server.start();
    },
    output: () => server.output,
    stop: () => server.remove(),
  };
}

export async function startCluster(): Promise<SystemUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), 'fastim-black-box-'));
  // The database's own user has to get through.
  chmodSync(directory, 0o711);
  const remove = () => rmSync(directory, { recursive: true, force: true });
  let proxied: ProxiedCluster;
  try {
    proxied = await ProxiedCluster.start({
      directory,
      lsbs: 2,
      gates: 3,
      apis: 2,
      logics: 3,
      random: seededRandom(1),
      environment: () => ({ ...limits, FASTIM_ADMIN_TOKEN: adminToken }),
    });
  } catch (error) {
    remove();
    throw error;
  }
  const { cluster } = proxied;
  const roles = cluster
    .members()
    .filter(({ kind }) => kind !== 'postgres' && kind !== 'redis')
    .map(({ name }) => name);
  const again = async (signal: 'SIGKILL' | 'SIGTERM') => {
    await Promise.all(roles.map((name) => cluster.signal(name, signal)));
    await Promise.all(roles.map((name) => cluster.start(name)));
  };
  return {
    serverUrl: proxied.serverUrl,
    cluster: proxied,
    crash: () => again('SIGKILL'),
    restart: () => again('SIGTERM'),
    output: () =>
      cluster
        .members()
        .map(({ name, logFile }) => `--- ${name}\n${tail(logFile)}`)
        .join('\n'),
    async stop() {
      await proxied.stop();
      remove();
    },
  };
}

function tail(file: string): string {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(-15).join('\n');
  } catch {
    return '';
  }
}
