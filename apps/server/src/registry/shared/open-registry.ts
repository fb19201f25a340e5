import type { Clock, Random } from '@fastim/core';
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import { type ClusterRegistry, type NumberLease, type RegistrySelf, RegistryUnavailable } from '../contract.ts';
import { SharedNumberLease } from './number-lease.ts';
import { Pulse } from './pulse.ts';
import type { BackendListener, RegistryBackend } from './registry-backend.ts';
import { SharedAdmissions } from './shared-admissions.ts';
import { SharedBus } from './shared-bus.ts';
import { SharedDirectory } from './shared-directory.ts';
import { SharedReservations } from './shared-reservations.ts';
import { SharedRoutes } from './shared-routes.ts';

export interface RegistryOptions {
  readonly self: RegistrySelf;
  readonly reportMs: number;
  readonly nodeExpiryMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Over all LSBs. */
  readonly admissions?: { readonly perSecond: number; readonly burst: number };
  readonly reservationMs?: number;
  /** Users whose routes are kept. */
  readonly cachedUsers?: number;
}

const DEFAULT_ADMISSIONS = { perSecond: 500, burst: 1_000 };
const DEFAULT_RESERVATION_MS = 10_000;
/** Stopping does not wait longer for a registry that does not answer. */
const STOP_MS = 3_000;

/** One process's hold on a backend; everything but the way to it. */
export function openRegistry(
  options: RegistryOptions,
  makeBackend: (listener: BackendListener) => RegistryBackend,
): ClusterRegistry {
  const { self, clock, random, logger } = options;
  const pulse = new Pulse({ clock, logger });
  const backend = makeBackend(pulse);
  const directory = new SharedDirectory({
    backend,
    pulse,
    clock,
    logger,
    reportMs: options.reportMs,
    nodeExpiryMs: options.nodeExpiryMs,
    selfName: self.name,
  });
  const bus = new SharedBus({ backend, pulse, clock, random, logger, nodeId: self.nodeId });
  const routes = new SharedRoutes({
    backend,
    pulse,
    directory,
    clock,
    logger,
    nodeId: self.nodeId,
    ...(options.cachedUsers === undefined ? {} : { maxCached: options.cachedUsers }),
  });
  const admissions = new SharedAdmissions({
    backend,
    pulse,
    clock,
    random,
    ...(options.admissions ?? DEFAULT_ADMISSIONS),
    sharers: () => directory.nodes().filter((node) => node.role === 'lsb').length,
  });
  const reservations = new SharedReservations({
    backend,
    pulse,
    clock,
    directory,
    expiryMs: options.reservationMs ?? DEFAULT_RESERVATION_MS,
  });
  let lease: SharedNumberLease | undefined;
  let stopped: Promise<void> | undefined;

  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers: [options.metrics],
      collect() {
        this.set(read());
      },
    });
  };
  gauge('fastim_registry_up', 'Whether the registry answers (1) or not (0).', () => Number(pulse.reachable));
  gauge('fastim_registry_nodes', 'Nodes in the registry, as this process sees it.', () => directory.nodes().length);
  gauge('fastim_registry_cached_users', 'Users whose routes are kept in memory.', () => routes.cached);
  gauge('fastim_registry_unwritten_routes', 'Own routes on their way to the registry.', () => routes.unwritten);

  pulse.start(backend);

  const stop = async (): Promise<void> => {
    const { promise: late, resolve: giveUp } = Promise.withResolvers<void>();
    const cancel = clock.setTimer(STOP_MS, giveUp);
    await Promise.race([Promise.all([routes.stop(), lease?.stop()]), late]);
    cancel();
    bus.stop();
    directory.stop();
    pulse.stop();
    await backend.stop();
  };

  return {
    directory,
    bus,
    routes,
    admissions,
    reservations,
    get reachable() {
      return pulse.reachable;
    },
    async leaseNumber({ takeNumber, graceMs }): Promise<NumberLease> {
      if (lease) throw new Error('this process has a node number already');
      if (stopped) throw new RegistryUnavailable('the registry is stopped');
      lease = new SharedNumberLease({
        backend,
        pulse,
        clock,
        random,
        logger,
        holder: self.nodeId,
        takeNumber,
        graceMs,
      });
      await lease.first;
      return lease;
    },
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}
