import { CloseCode, Command, FastimError, MsgType } from '@fastim/protocol';
import type { UplinkPacket } from '../cluster/contract.ts';
import type { Route, RouteTable } from '../routing/route-table.ts';
import type { SendToGate } from '../routing/send-to-gate.ts';
import type { Answer } from './answer.ts';
import type { LogicMetrics } from './logic-metrics.ts';
import type { OverloadGuard } from './overload/overload-guard.ts';
import { workClassOf } from './overload/work-class.ts';

/**
 * Answers one request, now or later, by a response of its own. What it throws (or rejects with) becomes the response:
 * an error of the catalogue as it is, anything else as INTERNAL with a line in the log.
 */
export type RequestHandler = (packet: UplinkPacket, route: Route) => void | Promise<void>;

/**
 * Uplink packet → handler by cmd. Who may ask is decided by the route table alone, not by what the packet says: a
 * connection that was closed here (logged out, replaced, unacknowledged) is heard no more, even if its frames are
 * still on their way.
 */
export class Dispatch {
  readonly #handlers: ReadonlyMap<number, RequestHandler>;
  readonly #logIn: (packet: UplinkPacket) => Promise<void>;
  readonly #routes: RouteTable;
  readonly #toGate: SendToGate;
  readonly #answer: Answer;
  readonly #overload: OverloadGuard;
  readonly #metrics: LogicMetrics;

  constructor(parts: {
    handlers: ReadonlyMap<number, RequestHandler>;
    logIn: (packet: UplinkPacket) => Promise<void>;
    routes: RouteTable;
    toGate: SendToGate;
    answer: Answer;
    overload: OverloadGuard;
    metrics: LogicMetrics;
  }) {
    this.#handlers = parts.handlers;
    this.#logIn = parts.logIn;
    this.#routes = parts.routes;
    this.#toGate = parts.toGate;
    this.#answer = parts.answer;
    this.#overload = parts.overload;
    this.#metrics = parts.metrics;
  }

  /** Never throws. */
  handle(packet: UplinkPacket): void {
    if (packet.msgType !== MsgType.request) {
      // A response that nobody asked for, or a notification that says nothing to us.
      this.#metrics.ignoredFrames += 1;
      return;
    }
    try {
      const answered = this.#start(packet);
      if (answered) answered.catch((error: unknown) => this.#answer.fail(packet, error));
    } catch (error) {
      this.#answer.fail(packet, error);
    }
  }

  #start(packet: UplinkPacket): void | Promise<void> {
    if (packet.cmd === Command.login) return this.#logIn(packet);
    const route = this.#routes.find(packet.connection);
    if (!route) {
      this.#answer.refuse(packet, { reason: 'UNAUTHENTICATED', message: undefined, retryAfterMs: 0 });
      this.#toGate.close(packet.connection, CloseCode.unauthenticated, 'not logged in');
      return;
    }
    const handler = this.#handlers.get(packet.cmd);
    if (!handler) throw new FastimError('UNKNOWN_CMD');
    // SEND is asked about where its conversation is known: it has a lane to hold.
    if (packet.cmd !== Command.send) {
      const refusal = this.#overload.check(packet, route, workClassOf(packet.cmd));
      if (refusal) {
        this.#answer.refuse(packet, refusal);
        return;
      }
    }
    return handler(packet, route);
  }
}
