import type { Random } from '@fastim/core';
import { ManualClock, seededRandom } from '@fastim/core/testing';
import pino from 'pino';
import { Registry } from 'prom-client';
import { configSchema, type GateConfig } from '../../config.ts';
import { TrustedProxies } from '../../net/trusted-proxies.ts';
import { createGate, type Gate, type GateOptions } from '../gate.ts';
import { FakeLogic } from './fake-logic.ts';
import { TcpClient } from './tcp-client.ts';

export interface LogLine {
  level: number;
  msg: string;
  [field: string]: unknown;
}

/** A gate on free ports with a logic that echoes and a clock that only moves when told to. */
export class GateFixture {
  readonly clock = new ManualClock();
  readonly logic = new FakeLogic();
  readonly registry = new Registry();
  readonly logs: LogLine[] = [];
  readonly gate: Gate;
  readonly config: GateConfig;
  tcpPort = 0;
  wsPort = 0;
  readonly #clients: TcpClient[] = [];

  constructor(config: Partial<GateConfig> = {}, options: Partial<GateOptions> = {}) {
    this.config = { ...configSchema.parse({}).gate, ...config };
    const logger = pino({ level: 'info' }, { write: (line) => void this.logs.push(JSON.parse(line) as LogLine) });
    this.gate = createGate({
      gateId: 'gate-1',
      config: this.config,
      host: '127.0.0.1',
      tcpPort: 0,
      wsPort: 0,
      allowedOrigins: [],
      trustedProxies: new TrustedProxies([]),
      logic: this.logic,
      clock: this.clock,
      random: seeded(7),
      logger,
      registry: this.registry,
      ...options,
    });
    this.logic.gate = this.gate;
  }

  async start(): Promise<this> {
    const ports = await this.gate.start();
    this.tcpPort = ports.tcpPort;
    this.wsPort = ports.wsPort;
    return this;
  }

  /** A TCP client, connected. */
  async connect(): Promise<TcpClient> {
    const client = await TcpClient.connect(this.tcpPort);
    this.#clients.push(client);
    return client;
  }

  /** A TCP client, logged in as `user:device`. */
  async connectBound(user = '1:device'): Promise<TcpClient> {
    const client = await this.connect();
    await client.login(user);
    return client;
  }

  async metric(name: string): Promise<Array<{ value: number; labels: Record<string, unknown> }>> {
    const metric = this.registry.getSingleMetric(name);
    if (!metric) throw new Error(`no metric ${name}`);
    return (await metric.get()).values as Array<{ value: number; labels: Record<string, unknown> }>;
  }

  /** The value with these labels; 0 when there is none. */
  async count(name: string, labels: Record<string, string> = {}): Promise<number> {
    const values = await this.metric(name);
    const matching = values.filter((value) =>
      Object.entries(labels).every(([key, want]) => value.labels[key] === want),
    );
    return matching.reduce((sum, value) => sum + value.value, 0);
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await this.gate.stop();
  }
}

function seeded(seed: number): Random {
  const fraction = seededRandom(seed);
  return { fraction, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(fraction() * 256)) };
}

/** Waits for something that other events bring about; fails after a deadline. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, deadlineMs = 10_000): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
