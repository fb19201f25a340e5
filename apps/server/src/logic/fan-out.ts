import type { Clock } from '@fastim/core';
import { Command, messagePush } from '@fastim/protocol';
import type { Logger } from 'pino';
import { visitRoutes } from '../routing/locate-user.ts';
import type { Route, RouteTable } from '../routing/route-table.ts';
import type { SendToGate } from '../routing/send-to-gate.ts';
import type { AppendOutcome } from '../storage/message-store.ts';
import type { AcceptedSend } from './accepted-send.ts';
import type { Members } from './members.ts';
import type { PendingDeliveries } from './pending-deliveries.ts';

type Stored = Exclude<AppendOutcome, { outcome: 'not-a-member' }>;

/**
 * A stored message to every device of both users but the connection it came from. Best effort: what a push misses,
 * the heartbeat's mark and the next sync bring. Encoded once, and only if somebody is there to get it.
 */
export class FanOut {
  readonly #routes: RouteTable;
  readonly #toGate: SendToGate;
  readonly #pending: PendingDeliveries<Route>;
  readonly #members: Members;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(parts: {
    routes: RouteTable;
    toGate: SendToGate;
    pending: PendingDeliveries<Route>;
    members: Members;
    clock: Clock;
    logger: Logger;
  }) {
    this.#routes = parts.routes;
    this.#toGate = parts.toGate;
    this.#pending = parts.pending;
    this.#members = parts.members;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
  }

  stored(send: AcceptedSend, outcome: Stored): void {
    const { append, route: sender, logId } = send;
    this.#members.learn(append.conversationId, outcome.memberIds);
    const now = this.#clock.now();
    let piece: Uint8Array | undefined;
    let connections = 0;
    const push = (route: Route): void => {
      if (route === sender) return;
      piece ??= messagePush.encode({
        messages: [
          {
            msgId: outcome.msgId,
            conversationId: append.conversationId,
            convSeq: outcome.convSeq,
            senderId: append.senderId,
            clientMsgId: append.clientMsgId,
            kind: append.kind,
            body: append.body,
            serverTimeMs: outcome.serverTimeMs,
            countNo: outcome.countNo,
          },
        ],
      });
      connections += 1;
      this.#toGate.push(route, Command.messages, piece, logId);
      this.#pending.pushed(route, append.conversationId, outcome.convSeq, piece, logId, now);
    };
    for (const userId of outcome.memberIds) visitRoutes(this.#routes, userId, push, this.#lookupFailed);
    if (this.#logger.isLevelEnabled('debug')) {
      this.#logger.debug({ logId, msgId: outcome.msgId.toString(), connections }, 'message pushed');
    }
  }

  readonly #lookupFailed = (error: unknown): void => {
    this.#logger.warn({ err: error }, 'routes could not be looked up; the devices will sync');
  };
}
