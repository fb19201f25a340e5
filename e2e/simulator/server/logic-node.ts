import { Snowflake } from '@fastim/core';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { SessionAccess } from '../../../apps/server/src/auth/session-access.ts';
import { createLogic, type Logic } from '../../../apps/server/src/logic/logic.ts';
import type { Storage } from '../../../apps/server/src/storage/storage.ts';
import type { Life, Machine } from '../world/machine.ts';
import type { Network } from '../world/network.ts';
import { ClusterLink, type LinkFlaws } from './cluster-link.ts';
import type { Database } from './database.ts';
import type { GateNode } from './gate-node.ts';
import type { RouteRegistry } from './route-registry.ts';
import { DIAL_MS, serverConfig } from './settings.ts';
import { StorageLink } from './storage-link.ts';

/** Test-only changes of what a node works with. */
export interface LogicFlaws {
  readonly storage?: (storage: Storage, life: Life) => Storage;
}

/** One logic node over its lives: the real rules between simulated links. */
export class LogicNode {
  readonly machine: Machine;
  readonly #number: number;
  readonly #network: Network;
  readonly #database: Database;
  readonly #registry: RouteRegistry;
  readonly #gates: readonly GateNode[];
  readonly #logger: Logger;
  readonly #alone: boolean;
  readonly #flaws: LogicFlaws;
  readonly #linkFlaws: LinkFlaws;
  readonly links = new Map<string, ClusterLink>();
  life: Life | undefined;
  logic: Logic | undefined;
  access: SessionAccess | undefined;
  metrics = new Registry();

  constructor(parts: {
    machine: Machine;
    number: number;
    network: Network;
    database: Database;
    registry: RouteRegistry;
    gates: readonly GateNode[];
    logger: Logger;
    /** There is no other node. */
    alone: boolean;
    flaws: LogicFlaws;
    linkFlaws: LinkFlaws;
  }) {
    this.machine = parts.machine;
    this.#number = parts.number;
    this.#network = parts.network;
    this.#database = parts.database;
    this.#registry = parts.registry;
    this.#gates = parts.gates;
    this.#logger = parts.logger;
    this.#alone = parts.alone;
    this.#flaws = parts.flaws;
    this.#linkFlaws = parts.linkFlaws;
  }

  get name(): string {
    return this.machine.name;
  }

  start(): void {
    if (this.life?.alive) return;
    const life = this.machine.begin();
    this.life = life;
    life.onEnd(() => {
      this.logic = undefined;
      this.access = undefined;
    });
    void this.#run(life);
  }

  crash(): void {
    this.life?.end('crash');
  }

  async #run(life: Life): Promise<void> {
    const link = new StorageLink({ network: this.#network, life, database: this.#database });
    const direct = link.storage(this.#number);
    const storage = this.#flaws.storage?.(direct, life) ?? direct;
    const lastId = await this.#lastId(life, direct);
    const { clock, random } = life;
    const access = new SessionAccess({ sessions: storage.sessions, clock, logger: this.#logger });
    const metrics = new Registry();
    const logic = createLogic({
      storage,
      access,
      snowflake: new Snowflake(direct.lease, () => Math.floor(random.fraction() * 128), lastId),
      clock,
      random,
      logger: this.#logger,
      registry: metrics,
      config: serverConfig.logic,
      gateConfig: serverConfig.gate,
      routes: this.#registry.tableFor(life),
      cacheHistory: this.#alone,
    });
    this.metrics = metrics;
    this.access = access;
    this.logic = logic;
    logic.start();
    this.#dial(life, logic);
  }

  /** A start without the database waits for it. */
  async #lastId(life: Life, storage: Storage): Promise<bigint> {
    for (;;) {
      try {
        return await storage.highestId();
      } catch {
        await life.sleep(DIAL_MS);
      }
    }
  }

  /** Keeps a link to every gate that can be reached. */
  #dial(life: Life, logic: Logic): void {
    for (const node of this.#gates) {
      const { life: gateLife, gate, links } = node;
      const before = this.links.get(node.name);
      if ((before && !before.over) || !gateLife?.alive || !gate || !links) continue;
      if (!this.#network.reachable(this.machine, node.machine) || gateLife.paused) continue;
      const link = new ClusterLink(this.#network, {
        gate: gateLife,
        logic: life,
        gatePort: this.#linkFlaws.gate?.(gate) ?? gate,
        logicPort: this.#linkFlaws.logic?.(logic) ?? logic,
        nodeCame: (port) => links.nodeCame(life.name, port),
        nodeLeaves: () => links.nodeLeaves(life.name),
        nodeGone: () => links.nodeGone(life.name),
        gateCame: (port) => logic.attachGate(port),
        gateGone: () => logic.detachGate(gate.gateId),
      });
      this.links.set(node.name, link);
    }
    life.after(DIAL_MS, () => this.#dial(life, logic));
  }
}
