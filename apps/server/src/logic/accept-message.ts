import { BusinessLine, type Clock, type RateLimiter } from '@fastim/core';
import { type SendRequest, sendRequest } from '@fastim/protocol';
import type { Logger } from 'pino';
import type { UplinkPacket } from '../cluster/contract.ts';
import type { Route } from '../routing/route-table.ts';
import type { Answer } from './answer.ts';
import { checkMessage, type Windows } from './events/check-message.ts';
import { retryAfter } from './logic-limits.ts';
import type { LogicMetrics } from './logic-metrics.ts';
import { type IdSource, lineOf } from './make-ids.ts';
import type { OverloadGuard } from './overload/overload-guard.ts';
import { WorkClass } from './overload/work-class.ts';
import type { SendOrder } from './send-order.ts';
import type { StoreMessage } from './store-message.ts';

/**
 * SEND (texts, edits, recalls, reactions), first half: may this message go on? It then waits for the next batch; nothing is answered before that is on
 * disk. Everything here runs in the turn in which the packet came, so a connection's sends stay in order.
 *
 * Membership, rights and what an event refers to are checked where it is stored, in the same transaction.
 */
export class AcceptMessage {
  readonly #parts: {
    readonly store: StoreMessage;
    readonly answer: Answer;
    readonly order: SendOrder;
    readonly rate: RateLimiter<bigint>;
    readonly overload: OverloadGuard;
    readonly snowflake: IdSource;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly metrics: LogicMetrics;
    readonly windows: Windows;
  };

  constructor(parts: {
    store: StoreMessage;
    answer: Answer;
    order: SendOrder;
    /** Per user. */
    rate: RateLimiter<bigint>;
    overload: OverloadGuard;
    snowflake: IdSource;
    clock: Clock;
    logger: Logger;
    metrics: LogicMetrics;
    windows: Windows;
  }) {
    this.#parts = parts;
  }

  handle(packet: UplinkPacket, route: Route): void {
    const { store, answer, order, rate, overload, snowflake, clock, logger, metrics, windows } = this.#parts;
    metrics.sent += 1;
    const request = sendRequest.decode(packet.data);
    const now = clock.now();
    const checked = checkMessage(request, now, windows);
    if (!checked.ok) {
      store.refuse(packet, route, request, checked.reason, 0, checked.message);
      return;
    }

    if (order.size > 0) {
      const held = order.hold(packet, request, now);
      if (held) {
        store.refuse(packet, route, request, held.reason, held.retryAfterMs, 'an older one comes first');
        return;
      }
    }
    const line = lineOf(request.conversationId) === BusinessLine.group ? BusinessLine.group : BusinessLine.direct;
    const workClass = line === BusinessLine.group ? WorkClass.sendGroup : WorkClass.sendDirect;
    const tooMuch = overload.check(packet, route, workClass);
    if (tooMuch) {
      store.refuse(packet, route, request, tooMuch.reason, tooMuch.retryAfterMs);
      return;
    }
    const wait = rate.take(route.identity.userId, now);
    if (wait > 0) {
      store.refuse(packet, route, request, 'RATE_LIMITED', wait);
      return;
    }

    const id = snowflake.next(now, line);
    if (!id.ok) {
      logger.error({ ...id, logId: packet.logId }, 'no message ids: sending stands still until this is mended');
      store.refuse(packet, route, request, 'UNAVAILABLE', answer.spread(retryAfter.unavailable));
      return;
    }
    if (logger.isLevelEnabled('debug')) logAccepted(logger, packet, route, request);
    store.add({
      connection: packet.connection,
      cmd: packet.cmd,
      logId: packet.logId,
      sequenceId: packet.sequenceId,
      route,
      append: {
        conversationId: request.conversationId,
        senderId: route.identity.userId,
        clientMsgId: request.clientMsgId,
        msgId: id.id,
        kind: request.kind,
        body: checked.body,
        serverTimeMs: now,
        action: checked.action,
      },
    });
  }
}

function logAccepted(logger: Logger, packet: UplinkPacket, route: Route, request: SendRequest): void {
  logger.debug(
    {
      logId: packet.logId,
      userId: route.identity.userId.toString(),
      deviceId: route.identity.deviceId,
      conversationId: request.conversationId.toString(),
      clientMsgId: Buffer.from(request.clientMsgId).toString('hex'),
      kind: request.kind,
      bytes: request.body.length,
    },
    'message accepted',
  );
}
