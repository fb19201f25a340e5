import type { Clock } from '@fastim/core';
import { Command, ConversationKind, type Message, messagePush } from '@fastim/protocol';
import type { Logger } from 'pino';
import type { Trace } from '../observe/trace-ring.ts';
import { visitRoutes } from '../routing/locate-user.ts';
import type { OwnRoutes } from '../routing/own-routes.ts';
import type { Route, RouteTable } from '../routing/route-table.ts';
import type { SendToGate } from '../routing/send-to-gate.ts';
import type { AppendOutcome } from '../storage/message-store.ts';
import type { AcceptedSend } from './accepted-send.ts';
import type { GroupFanOut } from './groups/group-fan-out.ts';
import type { Members } from './members.ts';
import type { PendingDeliveries } from './pending-deliveries.ts';

type Stored = Extract<AppendOutcome, { msgId: bigint }>;

/**
 * A stored message on its way to everybody it concerns but the connection it came from. Best effort: what a push misses,
 * the heartbeat's mark and the next sync bring. Encoded once, and only if somebody is there to get it.
 *
 * Direct: to every device of both users. Groups: one packet for each gate (groups/group-fan-out.ts).
 */
export class FanOut {
  readonly #routes: RouteTable;
  readonly #own: OwnRoutes;
  readonly #toGate: SendToGate;
  readonly #pending: PendingDeliveries<Route>;
  readonly #members: Members;
  readonly #groups: GroupFanOut;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #trace: Trace | undefined;

  constructor(parts: {
    routes: RouteTable;
    own: OwnRoutes;
    toGate: SendToGate;
    pending: PendingDeliveries<Route>;
    members: Members;
    groups: GroupFanOut;
    clock: Clock;
    logger: Logger;
    trace?: Trace | undefined;
  }) {
    this.#routes = parts.routes;
    this.#own = parts.own;
    this.#toGate = parts.toGate;
    this.#pending = parts.pending;
    this.#members = parts.members;
    this.#groups = parts.groups;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#trace = parts.trace;
  }

  stored(send: AcceptedSend, outcome: Stored): void {
    if (outcome.kind === ConversationKind.group) {
      const { action } = send.append;
      this.#groups.stored({
        message: messageOf(send, outcome),
        targetSeq: action.type === 'post' ? 0 : action.targetSeq,
        removalsSeq: outcome.removalsSeq,
        added: [],
        removed: [],
        except: send.route,
        logId: send.logId,
      });
    } else this.#toBoth(send, outcome);
  }

  /** A write may have been stored or not: what is believed of the newest messages is not to be believed any longer. */
  unsure(): void {
    this.#groups.unsure();
  }

  #toBoth(send: AcceptedSend, outcome: Stored): void {
    const { append, route: sender, logId } = send;
    this.#members.learnDirect(append.conversationId, outcome.memberIds);
    const now = this.#clock.now();
    let piece: Uint8Array | undefined;
    let connections = 0;
    const push = (route: Route): void => {
      if (route === sender) return;
      piece ??= messagePush.encode({ messages: [messageOf(send, outcome)] });
      connections += 1;
      this.#toGate.push(route, Command.messages, piece, logId);
      this.#trace?.note('to gate', logId, { msgId: outcome.msgId, ...route.connection });
      // Acks of a connection come to the node that it belongs to. Others cannot watch for them; the heartbeat has to do.
      if (this.#own.has(route)) {
        this.#pending.pushed(route, append.conversationId, outcome.convSeq, piece, logId, now);
      }
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

function messageOf({ append }: AcceptedSend, outcome: Stored): Message {
  return {
    msgId: outcome.msgId,
    conversationId: append.conversationId,
    convSeq: outcome.convSeq,
    senderId: append.senderId,
    clientMsgId: append.clientMsgId,
    kind: append.kind,
    body: append.body,
    serverTimeMs: outcome.serverTimeMs,
    countNo: outcome.countNo,
  };
}
