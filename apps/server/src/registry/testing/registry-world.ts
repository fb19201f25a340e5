import { connect } from 'node:net';
import { ManualClock, seededRandomPort } from '@fastim/core/testing';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { ClusterRegistry, GateRecord, LogicRecord, NodeRole } from '../contract.ts';
import { MemoryRegistry } from '../memory/memory-registry.ts';
import { openMemoryRegistry } from '../memory/open-memory-registry.ts';
import { openRedisRegistry } from '../redis/open-redis-registry.ts';
import type { RegistryOptions } from '../shared/open-registry.ts';
import { type RedisServer, startRedisServer } from './redis-server.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

export const REPORT_MS = 300;
export const EXPIRY_MS = 1_500;

/** What the node's clock shows beyond the right time. */
export interface Skew {
  readonly skewMs?: () => number;
}

/** A registry and nodes on it, with what can happen to both; the same on Redis in real time and in memory on a clock. */
export interface RegistryWorld {
  open(nodeId: string, role?: NodeRole, options?: Partial<RegistryOptions> & Skew): Promise<ClusterRegistry>;
  flush(): Promise<void>;
  /** For all nodes; `hangs`: it answers nothing, and nobody is told. */
  down(hangs?: boolean): Promise<void>;
  up(): Promise<void>;
  partition(nodeId: string, cut: boolean): void;
  /** The node's connections stay and carry nothing. In memory: a partition. */
  silence(nodeId: string, silent: boolean): void;
  /** Words of the registry itself. In memory there are none. */
  raw(...words: string[]): Promise<void>;
  /** Lets time pass until it holds; throws what it said last when it does not within `withinMs`. Resolves with the time it took. */
  until(check: () => void | Promise<void>, withinMs?: number): Promise<number>;
  pass(ms: number): Promise<void>;
  now(): number;
  stop(): Promise<void>;
}

export async function memoryWorld(): Promise<RegistryWorld> {
  const clock = new ManualClock();
  const registry = new MemoryRegistry(clock);
  const opened: ClusterRegistry[] = [];
  const step = async (ms: number): Promise<void> => {
    clock.advance(ms);
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  let seed = 0;
  return {
    async open(nodeId, role = 'logic', options = {}) {
      seed += 1;
      const node = openMemoryRegistry(registry, optionsFor(nodeId, role, clock, seed, options));
      opened.push(node);
      await step(0);
      return node;
    },
    flush: async () => registry.flush(),
    down: async () => registry.setReachable(false),
    up: async () => registry.setReachable(true),
    partition: (nodeId, cut) => registry.setReachable(!cut, nodeId),
    silence: (nodeId, silent) => registry.setReachable(!silent, nodeId),
    raw: async () => undefined,
    async until(check, withinMs = 20_000) {
      const startedMs = clock.now();
      for (;;) {
        try {
          await check();
          return clock.now() - startedMs;
        } catch (error) {
          if (clock.now() - startedMs >= withinMs) throw error;
        }
        await step(20);
      }
    },
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += 20) await step(Math.min(20, ms - passed));
    },
    now: () => clock.now(),
    async stop() {
      for (const node of opened) await node.stop();
    },
  };
}

export async function redisWorld(): Promise<RegistryWorld> {
  const server: RedisServer = await startRedisServer();
  const proxies = new Map<string, TcpProxy>();
  const opened: ClusterRegistry[] = [];
  const clock = {
    now: () => Date.now(),
    setTimer(delayMs: number, callback: () => void) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  };
  let hangs = false;
  let seed = 0;
  return {
    async open(nodeId, role = 'logic', options = {}) {
      seed += 1;
      const proxy = await startTcpProxy(() => server.port);
      proxies.set(nodeId, proxy);
      const node = await openRedisRegistry({
        ...optionsFor(nodeId, role, clock, (Date.now() % 1e6) + seed, options),
        url: `redis://127.0.0.1:${proxy.port}/0`,
        prefix: 'test',
      });
      opened.push(node);
      return node;
    },
    async flush() {
      await rawCommand(server.port, ['FLUSHALL']);
    },
    async down(hang = false) {
      hangs = hang;
      if (hang) server.suspend();
      else await server.kill();
    },
    async up() {
      if (hangs) server.resume();
      else await server.start();
      hangs = false;
    },
    partition: (nodeId, cut) => proxies.get(nodeId)?.setCut(cut),
    silence: (nodeId, silent) => proxies.get(nodeId)?.setSilent(silent),
    raw: (...words) => rawCommand(server.port, words),
    async until(check, withinMs = 20_000) {
      const startedMs = Date.now();
      for (;;) {
        try {
          await check();
          return Date.now() - startedMs;
        } catch (error) {
          if (Date.now() - startedMs >= withinMs) throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    now: () => Date.now(),
    async stop() {
      if (hangs) server.resume();
      await Promise.all(opened.map((node) => node.stop()));
      for (const proxy of proxies.values()) await proxy.stop();
      await server.stop();
    },
  };
}

export function gateRecord(nodeId: string, more: Partial<GateRecord> = {}): GateRecord {
  return {
    role: 'gate',
    ...recordBase(nodeId),
    inner: { host: '127.0.0.1', port: 1 },
    tcp: { host: '127.0.0.1', port: 2 },
    websocket: 'ws://127.0.0.1:3',
    appIds: ['fastim'],
    channels: ['single', 'group'],
    grayRules: [],
    connections: 0,
    capacity: 100,
    accepting: true,
    ...more,
  };
}

export function logicRecord(nodeId: string, more: Partial<LogicRecord> = {}): LogicRecord {
  return {
    role: 'logic',
    ...recordBase(nodeId),
    number: -1,
    inner: { host: '127.0.0.1', port: 4 },
    routes: 0,
    gates: [],
    ...more,
  };
}

function recordBase(nodeId: string) {
  return {
    nodeId,
    name: `name of ${nodeId}`,
    version: '0.1.0',
    clusterVersion: 1,
    pid: 1,
    startedMs: 1,
    clockMs: 1,
    metrics: { host: '127.0.0.1', port: 5 },
  };
}

function optionsFor(
  nodeId: string,
  role: NodeRole,
  clock: RegistryOptions['clock'],
  seed: number,
  { skewMs, ...options }: Partial<RegistryOptions> & Skew,
): RegistryOptions {
  const skewed: RegistryOptions['clock'] = {
    now: () => clock.now() + (skewMs?.() ?? 0),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
  };
  return {
    self: { nodeId, name: `name of ${nodeId}`, role },
    reportMs: REPORT_MS,
    nodeExpiryMs: EXPIRY_MS,
    clock: skewed,
    random: seededRandomPort(seed),
    logger: pino({ level: process.env.FASTIM_TEST_LOG ?? 'silent' }),
    metrics: new Registry(),
    ...options,
  };
}

async function rawCommand(port: number, words: readonly string[]): Promise<void> {
  const command = `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
  await new Promise<void>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(command));
    socket.once('error', reject);
    socket.once('data', () => {
      socket.destroy();
      resolve();
    });
  });
}
