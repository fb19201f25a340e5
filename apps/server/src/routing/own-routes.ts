import type { ConnectionRef } from '../cluster/contract.ts';
import type { Route } from './route-table.ts';

/**
 * The routes of connections that belong to this logic node (it logged them in, and their acks come here). The route table
 * may be shared by several nodes; what is kept per connection, such as deliveries that await an ack, is kept by the
 * owner only.
 */
export class OwnRoutes {
  readonly #gates = new Map<string, Map<number, Route>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(route: Route): void {
    this.remove(route.connection);
    const { gateId, connectionId } = route.connection;
    const gate = this.#gates.get(gateId);
    if (gate) gate.set(connectionId, route);
    else this.#gates.set(gateId, new Map([[connectionId, route]]));
    this.#size += 1;
  }

  has(route: Route): boolean {
    return this.#gates.get(route.connection.gateId)?.get(route.connection.connectionId) === route;
  }

  /** The route that was there, if any. */
  remove({ gateId, connectionId }: ConnectionRef): Route | undefined {
    const gate = this.#gates.get(gateId);
    const route = gate?.get(connectionId);
    if (!gate || !route) return undefined;
    gate.delete(connectionId);
    if (gate.size === 0) this.#gates.delete(gateId);
    this.#size -= 1;
    return route;
  }

  all(): Route[] {
    return [...this.#gates.values()].flatMap((gate) => [...gate.values()]);
  }

  ofGate(gateId: string): Route[] {
    return [...(this.#gates.get(gateId)?.values() ?? [])];
  }
}
