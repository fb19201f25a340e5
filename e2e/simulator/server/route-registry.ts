import type { ConnectionRef } from '../../../apps/server/src/cluster/contract.ts';
import {
  MemoryRouteTable,
  type PresenceListener,
  type Route,
  type RouteTable,
} from '../../../apps/server/src/routing/route-table.ts';
import type { Life } from '../world/machine.ts';
import type { Chance } from '../world/seeded.ts';

/** What a node that died had announced is cleared after so long. */
const EXPIRY_MS = 6_000;

type Change = { readonly add: Route } | { readonly remove: ConnectionRef };

interface Subscriber {
  readonly life: Life;
  readonly table: NodeRoutes;
  lastAt: number;
}

/**
 * The registry that nodes share their routes by: each has a copy of all, which hears of the others' changes late. A node
 * that starts gets everything there is.
 */
export class RouteRegistry {
  readonly #chance: Chance;
  readonly #routes = new Map<string, { route: Route; owner: Life }>();
  readonly #subscribers = new Set<Subscriber>();

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  tableFor(life: Life): NodeRoutes {
    const table = new NodeRoutes((change) => this.#announce(life, change));
    for (const { route } of this.#routes.values()) table.heard({ add: route });
    const subscriber = { life, table, lastAt: 0 };
    this.#subscribers.add(subscriber);
    life.onEnd(() => {
      this.#subscribers.delete(subscriber);
      life.machine.time.schedule(EXPIRY_MS, () => this.#expire(life));
    });
    return table;
  }

  #announce(from: Life, change: Change): void {
    if ('add' in change) this.#routes.set(keyOf(change.add.connection), { route: change.add, owner: from });
    else this.#routes.delete(keyOf(change.remove));
    const { time } = from.machine;
    for (const subscriber of this.#subscribers) {
      if (subscriber.life === from) continue;
      const at = Math.max(subscriber.lastAt, time.now + this.#chance.skewed(1, 200));
      subscriber.lastAt = at;
      // Changes reach a node in the order in which they were announced.
      time.schedule(at - time.now, () => subscriber.life.enter(() => subscriber.table.heard(change)));
    }
  }

  #expire(life: Life): void {
    for (const { route, owner } of [...this.#routes.values()]) {
      if (owner === life) this.#announce(life, { remove: route.connection });
    }
  }
}

function keyOf({ gateId, connectionId }: ConnectionRef): string {
  return `${connectionId}@${gateId}`;
}

/** One node's copy: its own routes, and those that the others announced. */
export class NodeRoutes implements RouteTable {
  readonly #announce: (change: Change) => void;
  readonly #all = new MemoryRouteTable();
  readonly #own = new Map<string, Route>();

  constructor(announce: (change: Change) => void) {
    this.#announce = announce;
  }

  get size(): number {
    return this.#all.size;
  }

  add(route: Route): void {
    this.#all.add(route);
    this.#own.set(keyOf(route.connection), route);
    this.#announce({ add: route });
  }

  remove(connection: ConnectionRef): Route | undefined {
    this.#own.delete(keyOf(connection));
    const removed = this.#all.remove(connection);
    if (removed) this.#announce({ remove: connection });
    return removed;
  }

  find(connection: ConnectionRef): Route | undefined {
    return this.#all.find(connection);
  }

  ofUser(userId: bigint): readonly Route[] | Promise<readonly Route[]> {
    return this.#all.ofUser(userId);
  }

  ofSession(sessionId: bigint): readonly Route[] {
    return this.#all.ofSession(sessionId);
  }

  /** This node lost the gate; another may still have it, so only what is its own goes. */
  removeGate(gateId: string): readonly Route[] {
    const gone = [...this.#own.values()].filter((route) => route.connection.gateId === gateId);
    for (const route of gone) this.remove(route.connection);
    return gone;
  }

  watch(listener: PresenceListener): () => void {
    return this.#all.watch(listener);
  }

  heard(change: Change): void {
    if ('add' in change) this.#all.add(change.add);
    else this.#all.remove(change.remove);
  }
}
