import { randomBytes } from 'node:crypto';
import type { Clock, Random } from '@fastim/core';
import pino from 'pino';
import { Registry } from 'prom-client';
import { configSchema } from '../../../config.ts';
import type { HostPort, Intruder, NodeDirectory, NodeRecord } from '../../../registry/contract.ts';
import { CLUSTER_VERSION } from '../cluster-version.ts';
import type { LinkSelf } from '../contract.ts';
import { createLinkContext, type LinkContext } from '../link-context.ts';

export const SECRET = 'the secret of the cluster in these tests';

export const realClock: Clock = {
  now: () => Date.now(),
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

const realRandom: Random = { fraction: () => Math.random(), bytes: (length) => randomBytes(length) };

/** A directory in memory, shared by the nodes of a test; each test says who is in it. */
export class TestDirectory implements NodeDirectory {
  readonly refusals: Intruder[] = [];
  #nodes: readonly NodeRecord[] = [];
  readonly #listeners = new Set<(nodes: readonly NodeRecord[]) => void>();

  nodes(): readonly NodeRecord[] {
    return this.#nodes;
  }

  set(...nodes: NodeRecord[]): void {
    this.#nodes = nodes;
    for (const listener of this.#listeners) listener(nodes);
  }

  add(node: NodeRecord): void {
    this.set(...this.#nodes, node);
  }

  remove(nodeId: string): void {
    this.set(...this.#nodes.filter((node) => node.nodeId !== nodeId));
  }

  get watchers(): number {
    return this.#listeners.size;
  }

  watch(listener: (nodes: readonly NodeRecord[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  announce(): ReturnType<NodeDirectory['announce']> {
    throw new Error('the tests say who is listed');
  }

  refused(intruder: Intruder): void {
    this.refusals.push(intruder);
  }

  async intruders(): Promise<readonly Intruder[]> {
    return this.refusals;
  }
}

export interface LogLine {
  level: number;
  msg: string;
  [field: string]: unknown;
}

export interface TestNode {
  readonly context: LinkContext;
  readonly registry: Registry;
  readonly logs: LogLine[];
  readonly errors: unknown[];
  /** Turns of the event loop that ended with a write to a link. */
  readonly flushes: number;
}

type ClusterConfig = ReturnType<typeof configSchema.parse>['cluster'];

/** One process, as far as its links know. */
export function testNode(
  directory: NodeDirectory,
  self: LinkSelf,
  options: { config?: Partial<ClusterConfig>; clock?: Clock } = {},
): TestNode {
  const registry = new Registry();
  const logs: LogLine[] = [];
  const errors: unknown[] = [];
  let flushes = 0;
  const context = createLinkContext({
    self,
    config: { ...configSchema.parse({}).cluster, secret: SECRET, ...options.config },
    directory,
    logger: pino({ level: 'info' }, { write: (line) => void logs.push(JSON.parse(line) as LogLine) }),
    registry,
    clock: options.clock ?? realClock,
    random: realRandom,
    onError: (error) => errors.push(error),
    defer(flush) {
      flushes += 1;
      setImmediate(flush);
    },
  });
  return {
    context,
    registry,
    logs,
    errors,
    get flushes() {
      return flushes;
    },
  };
}

export function record({ nodeId, name, role }: LinkSelf, inner: HostPort): NodeRecord {
  const base = {
    nodeId,
    name,
    version: '1.0.0',
    clusterVersion: CLUSTER_VERSION,
    pid: 1,
    startedMs: 0,
    clockMs: 0,
    metrics: { host: '127.0.0.1', port: 1 },
  };
  if (role === 'logic') return { ...base, role, number: 1, inner, routes: 0, gates: [] };
  if (role !== 'gate') return { ...base, role, url: 'http://127.0.0.1:1' };
  return {
    ...base,
    role,
    inner,
    tcp: null,
    websocket: null,
    appIds: [],
    channels: [],
    grayRules: [],
    connections: 0,
    capacity: 1,
    accepting: true,
  };
}

export const gateSelf = (nodeId: string): LinkSelf => ({ nodeId, name: nodeId, role: 'gate' });
export const logicSelf = (nodeId: string): LinkSelf => ({ nodeId, name: nodeId, role: 'logic' });

/** Waits for something that other events bring about; fails after a deadline. */
export async function until(what: string, holds: () => boolean, deadlineMs = 10_000): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

export async function metricOf(registry: Registry, name: string, labels: Record<string, string> = {}): Promise<number> {
  const metric = registry.getSingleMetric(name);
  if (!metric) throw new Error(`no metric ${name}`);
  const { values } = (await metric.get()) as { values: Array<{ value: number; labels: Record<string, unknown> }> };
  let sum = 0;
  for (const { value, labels: has } of values) {
    if (Object.entries(labels).every(([key, want]) => has[key] === want)) sum += value;
  }
  return sum;
}
