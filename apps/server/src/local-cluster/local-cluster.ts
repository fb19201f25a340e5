import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ClusterMember, LocalCluster, LocalClusterOptions, MemberName } from './contract.ts';
import { findPostgres, findRedis } from './find-binaries.ts';
import { type KeptSettings, keptSettings, writeKeptSettings } from './kept-settings.ts';
import type { MemberProcess } from './member-process.ts';
import { openForPassing, postgresUrl, startPostgres } from './postgres-member.ts';
import { redisUrl, startRedis } from './redis-member.ts';
import { startRole } from './role-member.ts';

export type * from './contract.ts';
export { MissingProgram } from './find-binaries.ts';

type Kind = ClusterMember['kind'];

/** Drain and everything else. */
const ROLE_STOP_MS = 30_000;
const STORE_STOP_MS = 15_000;

const portsOf: Readonly<Record<Kind, readonly string[]>> = {
  postgres: ['postgres'],
  redis: ['redis'],
  logic: ['inner', 'metrics'],
  lsb: ['http', 'metrics'],
  api: ['http', 'metrics'],
  gate: ['tcp', 'ws', 'inner', 'metrics'],
};

/** The cluster as described by the contract. When it rejects, everything that had started is stopped again. */
export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  // Said before anything is made.
  findRedis();
  await findPostgres(undefined);
  const directory = resolve(options.directory);
  mkdirSync(join(directory, 'logs'), { recursive: true, mode: 0o700 });
  openForPassing(directory);
  const slots: [MemberName, Kind][] = [
    ['postgres', 'postgres'],
    ['redis', 'redis'],
    ...many('logic', options.logics),
    ...many('lsb', options.lsbs),
    ...many('api', options.apis),
    ...many('gate', options.gates),
  ];
  const uses = new Map(slots.map(([name, kind]) => [name, portsOf[kind]]));
  const settings = await keptSettings(directory, uses);
  const members = new Map(slots.map(([name, kind]) => [name, new Member(name, kind, directory, settings, options)]));
  const cluster = new RunningCluster(members, settings);
  try {
    await cluster.start('postgres');
    // Another cluster in the same folder would have failed there.
    writeKeptSettings(directory, settings);
    await cluster.start('redis');
    const roles = slots.map(([name]) => name).filter((name) => name !== 'postgres' && name !== 'redis');
    const starts = await Promise.allSettled(roles.map((name) => cluster.start(name)));
    const failed = starts.find((start) => start.status === 'rejected');
    if (failed) throw failed.reason;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

function many(kind: Kind, count: number): [MemberName, Kind][] {
  return Array.from({ length: count }, (_, index) => [`${kind}-${index + 1}`, kind]);
}

class RunningCluster implements LocalCluster {
  readonly secret: string;
  readonly #members: ReadonlyMap<MemberName, Member>;
  #stopped: Promise<void> | undefined;

  constructor(members: ReadonlyMap<MemberName, Member>, settings: KeptSettings) {
    this.#members = members;
    this.secret = settings.secret;
  }

  get serverUrls(): readonly string[] {
    return [...this.#members.values()].flatMap(({ kind, addresses }) =>
      kind === 'api' && addresses.api ? [new URL(addresses.api).origin] : [],
    );
  }

  members(): readonly ClusterMember[] {
    return [...this.#members.values()].map((member) => member.shown());
  }

  member(name: MemberName): ClusterMember {
    return this.#find(name).shown();
  }

  signal(name: MemberName, signal: Parameters<LocalCluster['signal']>[1]): Promise<void> {
    return this.#find(name).signal(signal);
  }

  async start(name: MemberName): Promise<void> {
    if (this.#stopped) throw new Error('the cluster is stopped');
    await this.#find(name).start();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    for (const kind of ['gate', 'api', 'lsb', 'logic', 'redis', 'postgres'] as const) {
      const those = [...this.#members.values()].filter((member) => member.kind === kind);
      await Promise.all(those.map((member) => member.stop()));
    }
  }

  #find(name: MemberName): Member {
    const member = this.#members.get(name);
    if (!member) throw new Error(`the cluster has no member ${name}: ${[...this.#members.keys()].join(', ')}`);
    return member;
  }
}

/** One member over its lives. */
class Member {
  readonly name: MemberName;
  readonly kind: Kind;
  addresses: Readonly<Record<string, string>> = {};
  readonly #directory: string;
  readonly #root: string;
  readonly #logFile: string;
  readonly #settings: KeptSettings;
  readonly #options: LocalClusterOptions;
  #process: MemberProcess | undefined;
  /** A start that is under way; a stop waits for it. */
  #starting: Promise<void> | undefined;
  #expected = false;

  constructor(name: MemberName, kind: Kind, root: string, settings: KeptSettings, options: LocalClusterOptions) {
    this.name = name;
    this.kind = kind;
    this.#root = root;
    this.#directory = join(root, name);
    this.#logFile = join(root, 'logs', `${name}.log`);
    this.#settings = settings;
    this.#options = options;
  }

  shown(): ClusterMember {
    const { name, kind, addresses } = this;
    const pid = this.#process?.running ? this.#process.pid : undefined;
    return { name, kind, pid, addresses, logFile: this.#logFile };
  }

  start(): Promise<void> {
    if (this.#process?.running && !this.#starting) return Promise.resolve();
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async signal(signal: Parameters<LocalCluster['signal']>[1]): Promise<void> {
    const process = this.#process;
    if (!process) return;
    const ends = signal !== 'SIGSTOP' && signal !== 'SIGCONT';
    if (ends) this.#expected = true;
    await process.signal(signal);
    if (ends) await process.exited;
  }

  async stop(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    this.#expected = true;
    if (this.kind === 'postgres') {
      // "Fast": without waiting for those who are connected.
      await this.#process?.stop(STORE_STOP_MS, 'SIGINT');
    } else {
      await this.#process?.stop(this.kind === 'redis' ? STORE_STOP_MS : ROLE_STOP_MS);
    }
  }

  async #start(): Promise<void> {
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      this.#expected = false;
      this.#process = await this.#launch();
    } catch (error) {
      throw new Error(`${this.name} did not start: ${(error as Error).message} (log: ${this.#logFile})`, {
        cause: error,
      });
    }
    const started = this.#process;
    void started.exited.then((how) => {
      if (!this.#expected) this.#options.say?.(`${this.name} ended by itself (${how}); its log: ${this.#logFile}`);
    });
    this.#options.say?.(`${this.name} runs (pid ${started.pid})`);
  }

  async #launch(): Promise<MemberProcess> {
    const { ports, postgresPassword, redisPassword } = this.#settings;
    const own = ports[this.name] ?? {};
    const logFile = this.#logFile;
    if (this.kind === 'postgres') {
      const options = { directory: this.#directory, logFile, port: own.postgres ?? 0, password: postgresPassword };
      const member = await startPostgres(options);
      this.addresses = { url: postgresUrl(options) };
      return member;
    }
    if (this.kind === 'redis') {
      const options = { directory: this.#directory, logFile, port: own.redis ?? 0, password: redisPassword };
      const member = await startRedis(options);
      this.addresses = { url: redisUrl(options) };
      return member;
    }
    const variables = { ...this.#variables(this.kind), ...this.#options.environment?.(this.name) };
    const { member, addresses } = await startRole({ directory: this.#root, logFile, variables });
    this.addresses = addresses;
    return member;
  }

  #variables(kind: Exclude<Kind, 'postgres' | 'redis'>): Record<string, string> {
    const { ports, secret, postgresPassword, redisPassword } = this.#settings;
    const own = ports[this.name] ?? {};
    const storePort = (store: 'postgres' | 'redis') => {
      const port = ports[store]?.[store] ?? 0;
      return this.#options.storesAt?.(store, port) ?? port;
    };
    const postgres = { port: storePort('postgres'), password: postgresPassword };
    const redis = { port: storePort('redis'), password: redisPassword };
    // In files: what is in a process's environment can be read by more people than one thinks.
    const secrets: Record<string, string> = {
      FASTIM_CLUSTER_SECRET_FILE: this.#secretFile('cluster-secret', secret),
      FASTIM_REGISTRY_URL_FILE: this.#secretFile('registry-url', redisUrl(redis)),
    };
    if (kind !== 'gate') secrets.FASTIM_STORE_URL_FILE = this.#secretFile('store-url', postgresUrl(postgres));
    const common = {
      ...secrets,
      FASTIM_ROLE: kind,
      FASTIM_DATA: this.#directory,
      FASTIM_CLUSTER_NODE_NAME: this.name,
      FASTIM_METRICS_PORT: String(own.metrics),
    };
    if (kind === 'logic') return { ...common, FASTIM_CLUSTER_INNER_PORT: String(own.inner) };
    if (kind === 'gate') {
      return {
        ...common,
        FASTIM_TCP_PORT: String(own.tcp),
        FASTIM_WS_PORT: String(own.ws),
        FASTIM_CLUSTER_INNER_PORT: String(own.inner),
        FASTIM_GATE_TICKETS: 'required',
      };
    }
    return { ...common, FASTIM_PORT: String(own.http) };
  }

  #secretFile(name: string, text: string): string {
    const file = join(this.#directory, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }
}
