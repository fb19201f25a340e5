import type { Readiness } from '../api/readiness.ts';
import { bracketed, isWildcard } from '../lsb/gate-directory.ts';
import { createMetricsServer } from '../observe/metrics-server.ts';
import type { HostPort } from '../registry/contract.ts';
import type { ClusterNode } from './cluster-node.ts';
import { metricsAddress } from './public-ports.ts';
import type { StopStack } from './stop-stack.ts';

/** The operator's port: metrics and health. */
export async function startMetrics(
  node: Pick<ClusterNode, 'config' | 'registry' | 'part'>,
  stops: StopStack,
  { readiness }: { readiness: Readiness },
): Promise<{ address: HostPort; url: string }> {
  const { config, registry } = node;
  const server = createMetricsServer({
    host: config.metricsHost,
    port: config.metricsPort,
    registry,
    ready: () => readiness.states(),
    logger: node.part('metrics'),
  });
  stops.add('metrics', () => server.stop());
  const port = await server.start();
  const host = bracketed(isWildcard(config.metricsHost) ? '127.0.0.1' : config.metricsHost);
  return { address: metricsAddress(config, port), url: `http://${host}:${port}/metrics` };
}
