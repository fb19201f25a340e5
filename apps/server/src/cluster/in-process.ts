/**
 * Gate ↔ logic in one process, by the same contract as over links between processes: calls return before they have an
 * effect, order is kept in each direction, and nothing is answered by a return value.
 *
 *   const gate = createGate({ logic: linkToLogic(logic, onError), … });
 *   logic.attachGate(linkToGate(gate, onError));
 *
 * Everything handed over in one turn of the event loop is delivered together, in one microtask after it, so a link
 * costs an array push per packet.
 */
import type { ConnectionRef, DownlinkPacket, GatePort, Identity, LogicPort, UplinkPacket } from './contract.ts';

/** What a receiver threw. The receiver has broken its contract; the packets behind the one it choked on still arrive. */
export type LinkErrorHandler = (error: unknown) => void;

/** Delivers items in order, in one microtask for all that came in the same turn. */
class TurnQueue<T> {
  readonly #deliver: (item: T) => void;
  readonly #onError: LinkErrorHandler;
  #waiting: T[] = [];

  constructor(deliver: (item: T) => void, onError: LinkErrorHandler) {
    this.#deliver = deliver;
    this.#onError = onError;
  }

  push(item: T): void {
    if (this.#waiting.push(item) === 1) queueMicrotask(this.#drain);
  }

  readonly #drain = (): void => {
    const items = this.#waiting;
    this.#waiting = [];
    for (const item of items) {
      try {
        this.#deliver(item);
      } catch (error) {
        this.#onError(error);
      }
    }
  };
}

interface Closed {
  readonly closed: ConnectionRef;
  readonly identity: Identity | undefined;
}

/** What a gate is given as its logic. */
export function linkToLogic(logic: LogicPort, onError: LinkErrorHandler): LogicPort {
  const queue = new TurnQueue<UplinkPacket | Closed>((item) => {
    if ('closed' in item) logic.connectionClosed(item.closed, item.identity);
    else logic.uplink(item);
  }, onError);
  return {
    uplink: (packet) => queue.push(packet),
    connectionClosed: (connection, identity) => queue.push({ closed: connection, identity }),
  };
}

type Order =
  | { readonly bind: number; readonly identity: Identity }
  | { readonly close: number; readonly reason: { code: number; reason: string; retryAfterMs: number } };

/** What logic is given as a gate. */
export function linkToGate(gate: GatePort, onError: LinkErrorHandler): GatePort {
  const queue = new TurnQueue<DownlinkPacket | Order>((item) => {
    if ('frame' in item) gate.downlink(item);
    else if ('bind' in item) gate.bind(item.bind, item.identity);
    else gate.close(item.close, item.reason);
  }, onError);
  return {
    gateId: gate.gateId,
    bind: (connectionId, identity) => queue.push({ bind: connectionId, identity }),
    downlink: (packet) => queue.push(packet),
    close: (connectionId, reason) => queue.push({ close: connectionId, reason }),
  };
}
