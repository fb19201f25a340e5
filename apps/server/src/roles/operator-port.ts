import { adminTokenOfSecret } from '../admin/admin-token.ts';
import type { GateView } from '../admin/answer-questions.ts';
import { startAdmin } from '../admin/start-admin.ts';
import type { Readiness } from '../api/readiness.ts';
import { bracketed, isWildcard } from '../lsb/gate-directory.ts';
import { createMetricsServer, type MetricsServerOptions } from '../observe/metrics-server.ts';
import type { TraceRing } from '../observe/trace-ring.ts';
import type { HostPort } from '../registry/contract.ts';
import type { Storage } from '../storage/storage.ts';
import type { ClusterNode } from './cluster-node.ts';
import { metricsAddress } from './public-ports.ts';
import type { StopStack } from './stop-stack.ts';

export interface OperatorPortOptions {
  readonly readiness: Readiness;
  readonly trace: TraceRing;
  readonly gate?: GateView;
  /** `ended`: a session was ended here; everybody is to know. */
  readonly storage?: { readonly storage: Storage; readonly ended: (sessionId: bigint, closeCode: number) => void };
}

export interface OperatorPort {
  readonly address: HostPort;
  readonly url: string;
}

/** Metrics, health, and the admin interface of a node of a cluster. */
export async function startOperatorPort(
  node: ClusterNode,
  stops: StopStack,
  options: OperatorPortOptions,
): Promise<OperatorPort> {
  const { config, self, cluster, clock, registry } = node;
  const { storage } = options;
  const admin = startAdmin({
    self,
    registry: cluster,
    ...(options.gate && { gate: options.gate }),
    ...(storage && { storage: { ...storesOf(storage.storage), ended: storage.ended } }),
    trace: options.trace,
    token: config.admin.token || adminTokenOfSecret(config.cluster.secret),
    clock,
    logger: node.part('admin'),
  });
  stops.add('admin', () => admin.stop());
  return listenForOperator(config, stops, {
    registry,
    ready: () => options.readiness.states(),
    admin: admin.handle,
    logger: node.part('metrics'),
  });
}

/** What the admin interface uses of a storage. */
export function storesOf({ sessions, users, conversations, messages }: Storage) {
  return { sessions, users, conversations, messages };
}

export async function listenForOperator(
  config: ClusterNode['config'],
  stops: StopStack,
  options: Omit<MetricsServerOptions, 'host' | 'port'>,
): Promise<OperatorPort> {
  const server = createMetricsServer({ ...options, host: config.metricsHost, port: config.metricsPort });
  stops.add('metrics', () => server.stop());
  const port = await server.start();
  const host = bracketed(isWildcard(config.metricsHost) ? '127.0.0.1' : config.metricsHost);
  return { address: metricsAddress(config, port), url: `http://${host}:${port}/metrics` };
}
