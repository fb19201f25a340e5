import { resolve } from 'node:path';
import type { Clock, Random } from '@fastim/core';
import { Registry } from 'prom-client';
import type { AdminStorageOptions } from '../admin/admin-storage.ts';
import { ensureAdminToken } from '../admin/admin-token.ts';
import { answerQuestions, type GateView } from '../admin/answer-questions.ts';
import { startAdmin } from '../admin/start-admin.ts';
import type { Config } from '../config.ts';
import type { Logger } from '../observe/logger.ts';
import { TraceRing } from '../observe/trace-ring.ts';
import type { GateRecord, KnownRoute, LogicRecord } from '../registry/contract.ts';
import { MemoryRegistry } from '../registry/memory/memory-registry.ts';
import { openMemoryRegistry } from '../registry/memory/open-memory-registry.ts';
import type { MemoryRouteTable } from '../routing/route-table.ts';
import type { StopStack } from './stop-stack.ts';

export interface SingleProcessAdminParts {
  readonly config: Config;
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly traces: { readonly gate: TraceRing; readonly logic: TraceRing };
  readonly routes: MemoryRouteTable;
  readonly gate: GateView & { reconnectAll(windowMs: number): number };
  readonly storage: Omit<AdminStorageOptions, 'clock'>;
  /** How clients reach the gate, and whether it takes them. */
  readonly gateRecord: () => Pick<GateRecord, 'tcp' | 'websocket' | 'connections' | 'capacity' | 'accepting'>;
  readonly drain: () => Promise<void>;
}

/** Two rings, of what a gate and a logic node note of a message. */
export function traceRings(clock: Clock): SingleProcessAdminParts['traces'] {
  return { gate: new TraceRing({ now: () => clock.now() }), logic: new TraceRing({ now: () => clock.now() }) };
}

/**
 * The admin interface of a server in one process: the same as in a cluster, whose gate and logic node are both in here and
 * whose registry is this process's memory.
 */
export function startSingleProcessAdmin(parts: SingleProcessAdminParts, stops: StopStack) {
  const { config, version, clock, random, logger, gate, routes, traces } = parts;
  const startedMs = clock.now();
  const logicId = `logic-${gate.gateId}`;
  const logicSelf = { nodeId: logicId, name: 'logic', role: 'logic' } as const;
  const gateSelf = { nodeId: gate.gateId, name: 'gate', role: 'gate' } as const;
  const registry = openMemoryRegistry(new MemoryRegistry(clock), {
    self: logicSelf,
    reportMs: config.registry.reportMs,
    nodeExpiryMs: config.registry.nodeExpiryMs,
    clock,
    random,
    logger: logger.child({ level: 'silent' }, { level: 'silent' }),
    // Figures of a registry that is no place of its own would only mislead.
    metrics: new Registry(),
  });
  stops.add('admin registry', () => registry.stop());

  const none = { host: '127.0.0.1', port: 0 };
  const facts = () => ({
    version,
    clusterVersion: 0,
    pid: process.pid,
    startedMs,
    clockMs: clock.now(),
    metrics: { host: config.metricsHost, port: config.metricsPort },
    inner: none,
  });
  registry.directory.announce(
    (): GateRecord => ({
      ...facts(),
      ...gateSelf,
      ...parts.gateRecord(),
      appIds: config.gate.appIds,
      channels: config.gate.channels,
      grayRules: [],
    }),
  );
  registry.directory.announce(
    (): LogicRecord => ({
      ...facts(),
      ...logicSelf,
      number: 0,
      routes: routes.size,
      gates: [gate.gateId],
    }),
  );
  const ends = [
    answerQuestions({ self: gateSelf, bus: registry.bus, gate, trace: traces.gate, logger }),
    registry.bus.subscribe((event) => {
      if (event.type === 'drain-gate' && event.gateId === gate.gateId) {
        logger.warn('an operator has ordered the gate to drain; it takes nobody until the server is started again');
        parts.drain().catch((error: unknown) => logger.error({ err: error }, 'the gate did not drain'));
      } else if (event.type === 'reconnect-gate' && event.gateId === gate.gateId) gate.reconnectAll(event.windowMs);
    }),
  ];
  const admin = startAdmin({
    self: logicSelf,
    registry: {
      directory: registry.directory,
      bus: registry.bus,
      routes: { page: async (query) => page(parts.routes, query, logicId) },
    },
    storage: parts.storage,
    trace: traces.logic,
    token: config.admin.token || ensureAdminToken(resolve(config.data), random),
    clock,
    logger,
  });
  stops.add('admin', () => {
    admin.stop();
    for (const end of ends) end();
  });
  return admin.handle;
}

function page(
  routes: MemoryRouteTable,
  query: { userId: bigint | null; gateId: string | null; limit: number },
  logicNodeId: string,
): KnownRoute[] {
  const found: KnownRoute[] = [];
  for (const { connection, identity } of query.userId === null ? routes.all() : routes.ofUser(query.userId)) {
    if (found.length >= query.limit) break;
    if (query.gateId === null || connection.gateId === query.gateId) found.push({ connection, identity, logicNodeId });
  }
  return found;
}
