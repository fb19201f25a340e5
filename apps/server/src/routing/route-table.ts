import type { ConnectionRef, Identity } from '../cluster/contract.ts';

/** One logged-in connection: where a device can be reached. The same object for as long as the connection lives. */
export interface Route {
  readonly connection: ConnectionRef;
  readonly identity: Identity;
}

/**
 * user → device → connections (DESIGN 8).
 *
 * Everything about the connections of this process (add, remove, find, ofSession) is answered from memory, at once.
 * `ofUser` covers all gates: from memory where it is known, as a promise where a registry has to be asked first; so
 * callers go through `visitRoutes`, which costs nothing in the first case. A table that shares its routes announces
 * add and remove behind the call; readers may see them late, and a route without a connection does no harm: what is
 * sent to it is ignored, and it is cleared by connectionClosed, by removeGate or by expiry.
 */
export interface RouteTable {
  add(route: Route): void;
  /** The route that was there, if any. */
  remove(connection: ConnectionRef): Route | undefined;
  find(connection: ConnectionRef): Route | undefined;
  /**
   * Resolves when others can see the connection's own route; rejects when that cannot be said now. Missing where all
   * routes are in this process's memory.
   */
  written?(connection: ConnectionRef): Promise<void>;
  /** What it returns does not change while it is gone through. */
  ofUser(userId: bigint): readonly Route[] | Promise<readonly Route[]>;
  ofSession(sessionId: bigint): readonly Route[];
  /** A gate is gone: the routes that went with it. */
  removeGate(gateId: string): readonly Route[];
  /** Calls the listener when a user gets the first route or loses the last one, whoever did it; returns how to end that. */
  watch(listener: PresenceListener): () => void;
  readonly size: number;
}

/** Called in the turn of the change; must not throw. */
export type PresenceListener = (userId: bigint, online: boolean) => void;

const none: readonly Route[] = [];

/** All routes in this process's memory; several logic nodes of one process may share it. */
export class MemoryRouteTable implements RouteTable {
  readonly #gates = new Map<string, Map<number, Route>>();
  readonly #users = new Map<bigint, Route[]>();
  readonly #sessions = new Map<bigint, Route[]>();
  readonly #listeners = new Set<PresenceListener>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(route: Route): void {
    const { gateId, connectionId } = route.connection;
    this.remove(route.connection);
    let gate = this.#gates.get(gateId);
    if (!gate) {
      gate = new Map();
      this.#gates.set(gateId, gate);
    }
    gate.set(connectionId, route);
    const { userId } = route.identity;
    const comes = !this.#users.has(userId);
    append(this.#users, userId, route);
    append(this.#sessions, route.identity.sessionId, route);
    this.#size += 1;
    if (comes) this.#tell(userId, true);
  }

  remove(connection: ConnectionRef): Route | undefined {
    const gate = this.#gates.get(connection.gateId);
    const route = gate?.get(connection.connectionId);
    if (!gate || !route) return undefined;
    gate.delete(connection.connectionId);
    if (gate.size === 0) this.#gates.delete(connection.gateId);
    withdraw(this.#users, route.identity.userId, route);
    withdraw(this.#sessions, route.identity.sessionId, route);
    this.#size -= 1;
    if (!this.#users.has(route.identity.userId)) this.#tell(route.identity.userId, false);
    return route;
  }

  find(connection: ConnectionRef): Route | undefined {
    return this.#gates.get(connection.gateId)?.get(connection.connectionId);
  }

  ofUser(userId: bigint): readonly Route[] {
    return this.#users.get(userId) ?? none;
  }

  ofSession(sessionId: bigint): readonly Route[] {
    return this.#sessions.get(sessionId) ?? none;
  }

  /** Routes may come and go while this runs. */
  *all(): IterableIterator<Route> {
    for (const gate of this.#gates.values()) yield* gate.values();
  }

  removeGate(gateId: string): readonly Route[] {
    const routes = [...(this.#gates.get(gateId)?.values() ?? [])];
    for (const route of routes) this.remove(route.connection);
    return routes;
  }

  watch(listener: PresenceListener): () => void {
    // An own function for each call: the same listener may be handed in twice.
    const own: PresenceListener = (userId, online) => listener(userId, online);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  #tell(userId: bigint, online: boolean): void {
    for (const listener of this.#listeners) listener(userId, online);
  }
}

// Lists are replaced, not changed, so that a caller who is going through one is not disturbed by a log-in or a close.
function append(map: Map<bigint, Route[]>, key: bigint, route: Route): void {
  const list = map.get(key);
  map.set(key, list ? [...list, route] : [route]);
}

function withdraw(map: Map<bigint, Route[]>, key: bigint, route: Route): void {
  const rest = (map.get(key) ?? []).filter((other) => other !== route);
  if (rest.length > 0) map.set(key, rest);
  else map.delete(key);
}
