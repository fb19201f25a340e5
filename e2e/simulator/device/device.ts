import { Client } from '../../../apps/desktop/src/engine/client.ts';
import type { EngineLimits } from '../../../apps/desktop/src/engine/limits.ts';
import type { GateAddress, Logger, Transport, TransportEvents } from '../../../apps/desktop/src/engine/ports.ts';
import type { Store } from '../../../apps/desktop/src/engine/store.ts';
import { MemoryDisk, MemoryStore } from '../../../apps/desktop/src/engine/testing/memory-store.ts';
import type { HttpFaults, HttpServer } from '../world/http.ts';
import { simulatedHttp } from '../world/http.ts';
import type { Death, Life, Machine } from '../world/machine.ts';
import type { Network } from '../world/network.ts';
import type { Chance } from '../world/seeded.ts';
import { DiskStore } from './disk-store.ts';

export const SERVER_URL = 'http://api';

/** Times that let a device converge within 30 s after the last fault, whatever it was waiting for. */
export const deviceLimits: Partial<EngineLimits> = {
  httpTimeoutMs: 4_000,
  connectTimeoutMs: 2_500,
  loginTimeoutMs: 3_000,
  requestTimeoutMs: 4_000,
  reconnect: { baseMs: 500, capMs: 3_000 },
  stableMs: 4_000,
  probeTimeoutMs: 2_000,
  sendTimeout: { baseMs: 2_000, capMs: 4_000 },
  sendRetry: { baseMs: 500, capMs: 3_000 },
  pagePatienceMs: 3_000,
  logOutRetryMs: 5_000,
  wholeListMs: 5_000,
  gapMax: 60,
  lastPage: 20,
};

/** Finds the gate behind an address. */
export interface GatePorts {
  dial(client: Life, address: GateAddress, events: TransportEvents): ReturnType<Transport['connect']>;
}

/** Test-only changes around one engine. */
export interface DeviceFlaws {
  readonly store?: (store: Store) => Store;
  readonly transport?: (transport: Transport) => Transport;
}

/** One installation over its lives: the real engine on a simulated machine. */
export class Device {
  readonly machine: Machine;
  readonly index: number;
  /** The number of the person it belongs to. */
  readonly user: number;
  readonly #network: Network;
  readonly #chance: Chance;
  readonly #ports: GatePorts;
  readonly #api: HttpServer;
  readonly #logger: Logger;
  readonly #flaws: DeviceFlaws;
  readonly httpFaults: HttpFaults;
  readonly diskFaults = { full: false, slowdown: 1 };
  readonly #onHttp: (what: 'request' | 'answer', path: string, status: number) => void;
  disk = new MemoryDisk();
  client: Client | undefined;
  /** As far as the person at it knows. */
  loggedIn = false;
  life: Life | undefined;
  #store: MemoryStore | undefined;
  diskStore: DiskStore | undefined;
  /** Called for each new client, before it starts. */
  onBoot: ((client: Client) => void) | undefined;

  constructor(parts: {
    machine: Machine;
    index: number;
    user: number;
    network: Network;
    chance: Chance;
    ports: GatePorts;
    api: HttpServer;
    logger: Logger;
    flaws: DeviceFlaws;
    httpFaults: HttpFaults;
    onHttp: (what: 'request' | 'answer', path: string, status: number) => void;
  }) {
    this.machine = parts.machine;
    this.index = parts.index;
    this.user = parts.user;
    this.#network = parts.network;
    this.#chance = parts.chance;
    this.#ports = parts.ports;
    this.#api = parts.api;
    this.#logger = parts.logger;
    this.#flaws = parts.flaws;
    this.httpFaults = parts.httpFaults;
    this.#onHttp = parts.onHttp;
  }

  get name(): string {
    return this.machine.name;
  }

  get running(): boolean {
    return this.life?.alive === true;
  }

  /** Starts the app. Its client starts by itself; what it cannot open now it tries again. */
  boot(): void {
    if (this.running) return;
    const life = this.machine.begin();
    this.life = life;
    const memory = new MemoryStore(this.disk);
    this.#store = memory;
    this.diskStore = new DiskStore(memory, life, this.#chance, this.diskFaults);
    const store = this.#flaws.store?.(this.diskStore) ?? this.diskStore;
    const transport: Transport = {
      kinds: ['tcp'],
      connect: (address, events) => this.#ports.dial(life, address, events),
    };
    const client = new Client({
      profile: this.name,
      suggestedServerUrl: SERVER_URL,
      clientVersion: 'sim/1.0.0',
      deviceName: this.name,
      store,
      transport: this.#flaws.transport?.(transport) ?? transport,
      http: simulatedHttp({
        network: this.#network,
        client: life,
        server: this.#api,
        faults: this.httpFaults,
        tap: this.#onHttp,
      }),
      clock: life.clock,
      random: life.random,
      logger: this.#logger,
      limits: deviceLimits,
    });
    this.client = client;
    this.onBoot?.(client);
    this.#start(life, client);
  }

  /** power: what was not synced may be gone. */
  die(death: Death): void {
    const { life } = this;
    if (!life?.alive) return;
    life.end(death);
    this.#store?.crash();
    this.client = undefined;
    if (death === 'power') this.disk.dropUnsynced({ fraction: () => this.#chance.fraction(), bytes: noBytes });
  }

  #start(life: Life, client: Client): void {
    client.start().catch(() => {
      life.after(1_000, () => this.#start(life, client));
    });
  }
}

function noBytes(): Uint8Array {
  throw new Error('a disk needs no random bytes');
}
