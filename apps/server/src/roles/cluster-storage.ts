import type { Fence } from '../storage/postgres/fence.ts';
import { openPostgresStorage, type PostgresStorage } from '../storage/postgres/open-postgres-storage.ts';
import { StorageError } from '../storage/storage.ts';
import { ClockWatch } from './clock-watch.ts';
import type { ClusterNode } from './cluster-node.ts';
import type { StopStack } from './stop-stack.ts';
import { waitFor } from './wait-for.ts';

/**
 * The cluster's database, as soon as it answers, and this process's clock compared with its. Rejects with StorageRefusal
 * or RoleRefusal when waiting would not help. `fence`: of nodes that store messages.
 */
export async function openClusterStorage(
  node: ClusterNode,
  stops: StopStack,
  fence?: Fence,
): Promise<{ storage: PostgresStorage; clockWatch: ClockWatch }> {
  const { config, clock, registry, stopping, self } = node;
  const logger = node.part('storage');
  const storage = await waitFor(
    () =>
      openPostgresStorage({
        url: config.store.url,
        poolSize: config.store.poolSize,
        statementTimeoutMs: config.store.statementTimeoutMs,
        clock,
        logger,
        ...(fence && { fence }),
      }),
    { what: 'PostgreSQL', clock, logger, stopping, isFinal: (error) => !isAway(error) },
  );
  stops.add('storage', () => storage.close());
  const clockWatch = await waitFor(
    () =>
      ClockWatch.open({
        timeMs: () => storage.timeMs(),
        maxSkewMs: config.cluster.maxClockSkewMs,
        clock,
        logger: node.part('clock'),
        registry,
        refused: (reason) =>
          node.cluster.directory.refused({ atMs: clock.now(), by: 'PostgreSQL', from: self.name, reason }),
      }),
    { what: 'PostgreSQL', clock, logger, stopping, isFinal: (error) => !isAway(error) },
  );
  stops.add('clock watch', () => clockWatch.stop());
  return { storage, clockWatch };
}

function isAway(error: unknown): boolean {
  return error instanceof StorageError && error.kind !== 'other' && error.kind !== 'corrupt';
}
