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
import type { DownlinkPacket, GatePort, GroupPacket, LogicPort, UplinkPacket } from './contract.ts';

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

/** Packets are queued as they are; the rare calls as what is to be called. */
type Call = () => void;

/** What a gate is given as its logic. */
export function linkToLogic(logic: LogicPort, onError: LinkErrorHandler): LogicPort {
  const queue = new TurnQueue<UplinkPacket | Call>((item) => {
    if (typeof item === 'function') item();
    else logic.uplink(item);
  }, onError);
  return {
    uplink: (packet) => queue.push(packet),
    connectionClosed: (connection, identity) => queue.push(() => logic.connectionClosed(connection, identity)),
    interestStale: (gateId, conversationId, userIds) =>
      queue.push(() => logic.interestStale(gateId, conversationId, userIds)),
    interested: (gateId, change) => queue.push(() => logic.interested(gateId, change)),
  };
}

/** What logic is given as a gate. */
export function linkToGate(gate: GatePort, onError: LinkErrorHandler): GatePort {
  const queue = new TurnQueue<DownlinkPacket | GroupPacket | Call>((item) => {
    if (typeof item === 'function') item();
    else if ('frame' in item) gate.downlink(item);
    else gate.group(item);
  }, onError);
  return {
    gateId: gate.gateId,
    bind: (connectionId, identity) => queue.push(() => gate.bind(connectionId, identity)),
    downlink: (packet) => queue.push(packet),
    follow: (connectionId, groups) => queue.push(() => gate.follow(connectionId, groups)),
    view: (connectionId, conversationId) => queue.push(() => gate.view(connectionId, conversationId)),
    confirm: (conversationId, userIds, removalsSeq) =>
      queue.push(() => gate.confirm(conversationId, userIds, removalsSeq)),
    group: (packet) => queue.push(packet),
    signal: (signal) => queue.push(() => gate.signal(signal)),
    close: (connectionId, close) => queue.push(() => gate.close(connectionId, close)),
  };
}
