import { hostname } from 'node:os';
import type { Clock, Random } from '@fastim/core';
import { Registry } from 'prom-client';
import type { ComponentStates } from '../api/readiness.ts';
import { CLUSTER_VERSION } from '../cluster/inner/cluster-version.ts';
import type { Config } from '../config.ts';
import { bracketed, isWildcard } from '../lsb/gate-directory.ts';
import type { Logger } from '../observe/logger.ts';
import { collectProcessMetrics } from '../observe/process-metrics.ts';
import { serverVersion } from '../observe/version.ts';
import type { ClusterRegistry, HostPort, NodeRecord, NodeRole, RegistrySelf } from '../registry/contract.ts';
import { openRedisRegistry } from '../registry/redis/open-redis-registry.ts';
import type { TlsFiles } from '../tls/tls-files.ts';
import { openTls } from './public-ports.ts';
import type { RolePorts } from './running-role.ts';
import type { StopStack } from './stop-stack.ts';
import { systemClock, systemRandom } from './system-ports.ts';
import { untilStopping } from './wait-for.ts';

/** What every record says of a node, besides its addresses. */
type NodeFacts = Pick<
  NodeRecord,
  'nodeId' | 'name' | 'version' | 'clusterVersion' | 'pid' | 'startedMs' | 'clockMs' | 'metrics'
>;

/** One process of a cluster: what its roles have in common. */
export interface ClusterNode<R extends NodeRole = NodeRole> {
  readonly self: RegistrySelf & { readonly role: R };
  readonly config: Config;
  readonly version: string;
  readonly cluster: ClusterRegistry;
  readonly clock: Clock;
  readonly random: Random;
  /** Metrics. */
  readonly registry: Registry;
  readonly stopping: AbortSignal | undefined;
  /** With this, public ports speak TLS only. */
  readonly tls: TlsFiles | undefined;
  /** A logger that names the part. */
  part(name: string): Logger;
  /** As of now; `metrics`: where they answer. */
  facts(metrics: HostPort): NodeFacts;
  /** An integer in [0, 128), where the ids of a millisecond start. */
  randomStart(): number;
}

/**
 * Opens the hold on the registry; Redis need not be there yet. The node's id is new in each life of the process, so what
 * others know of an earlier one is never taken for this.
 */
export async function openClusterNode<R extends NodeRole>(
  role: R,
  config: Config,
  ports: RolePorts,
  stops: StopStack,
): Promise<ClusterNode<R>> {
  const clock = ports.clock ?? systemClock;
  const random = ports.random ?? systemRandom;
  const registry = ports.registry ?? new Registry();
  const version = serverVersion();
  const startedMs = clock.now();
  const name = config.cluster.nodeName || `${role}@${hostname()}`;
  const life = `${startedMs.toString(36)}.${Buffer.from(random.bytes(4)).toString('hex')}`;
  const self = { nodeId: `${name}.${life}`, name, role };
  const logger = ports.logger.child({ role, node: name });
  collectProcessMetrics(registry);
  const tls = openTls(config, { clock, logger: logger.child({ part: 'tls' }), registry });
  const cluster = await openRedisRegistry({
    url: config.registry.url,
    prefix: config.registry.prefix,
    reportMs: config.registry.reportMs,
    nodeExpiryMs: config.registry.nodeExpiryMs,
    self,
    admissions: { perSecond: config.lsb.admissionsPerSecond, burst: config.lsb.admissionBurst },
    reservationMs: config.lsb.reservationMs,
    clock,
    random,
    logger: logger.child({ part: 'registry' }),
    metrics: registry,
  });
  stops.add('registry', () => cluster.stop());
  return {
    self,
    config,
    version,
    cluster,
    clock,
    random,
    registry,
    stopping: ports.stopping,
    tls,
    part: (part) => logger.child({ part }),
    facts: (metrics) => ({
      nodeId: self.nodeId,
      name,
      version,
      clusterVersion: CLUSTER_VERSION,
      pid: process.pid,
      startedMs,
      clockMs: clock.now(),
      metrics,
    }),
    randomStart: () => Math.floor(random.fraction() * 128),
  };
}

const SAY_AFTER_MS = 5_000;

/**
 * From now on the node is among the nodes of the cluster. Resolves when the registry knows of it, however long that
 * takes. `report` says so at once when something about it changed.
 */
export async function announce(
  node: ClusterNode,
  current: () => NodeRecord,
  stops: StopStack,
): Promise<{ report(): void }> {
  const { cluster, clock, stopping } = node;
  const announced = cluster.directory.announce(current);
  stops.add('announcement', () => announced.stop());
  const cancel = clock.setTimer(SAY_AFTER_MS, () => {
    node.part('registry').warn('waiting for Redis, which does not answer');
  });
  try {
    await untilStopping(announced.first, stopping);
  } finally {
    cancel();
  }
  return announced;
}

/** "failing" when the promise rejects. */
export async function stateOf(check: Promise<unknown>): Promise<ComponentStates[string]> {
  return check.then(
    () => 'ok' as const,
    () => 'failing' as const,
  );
}

/** How other processes of the cluster reach an HTTP port of this one. */
export function ownUrl(config: Config, port: number, secure: boolean): string {
  const host = isWildcard(config.host) ? hostname() : bracketed(config.host);
  return `${secure ? 'https' : 'http'}://${config.cluster.advertiseInner || `${host}:${port}`}`;
}
