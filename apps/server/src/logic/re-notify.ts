import type { Clock } from '@fastim/core';
import { CloseCode, Command } from '@fastim/protocol';
import type { Logger } from 'pino';
import type { ConnectionRef } from '../cluster/contract.ts';
import type { Route } from '../routing/route-table.ts';
import type { SendToGate } from '../routing/send-to-gate.ts';
import type { LogicMetrics } from './logic-metrics.ts';
import type { PendingDeliveries } from './pending-deliveries.ts';

/** Carries out what PendingDeliveries finds due: pushes again, then closes and clears the route. */
export class ReNotify {
  readonly #pending: PendingDeliveries<Route>;
  readonly #toGate: SendToGate;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metrics: LogicMetrics;
  readonly #drop: (connection: ConnectionRef) => void;

  constructor(parts: {
    pending: PendingDeliveries<Route>;
    toGate: SendToGate;
    clock: Clock;
    logger: Logger;
    metrics: LogicMetrics;
    drop: (connection: ConnectionRef) => void;
  }) {
    this.#pending = parts.pending;
    this.#toGate = parts.toGate;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#metrics = parts.metrics;
    this.#drop = parts.drop;
  }

  run(): void {
    const due = this.#pending.due(this.#clock.now());
    for (const delivery of due) {
      const { connection: route } = delivery;
      if (delivery.action === 'notify') {
        // The newest message tells the client of the whole gap, if there is one.
        this.#toGate.push(route, Command.messages, delivery.piece, delivery.logId);
        this.#metrics.renotified.inc();
        continue;
      }
      this.#metrics.unacknowledged.inc();
      this.#logger.warn(
        {
          gateId: route.connection.gateId,
          connectionId: route.connection.connectionId,
          userId: route.identity.userId.toString(),
          deviceId: route.identity.deviceId,
          conversationId: delivery.conversationId.toString(),
          convSeq: delivery.seq,
        },
        'deliveries were not acknowledged: closing the connection',
      );
      this.#drop(route.connection);
      this.#toGate.close(route.connection, CloseCode.unacknowledged, 'deliveries were not acknowledged');
    }
  }
}
