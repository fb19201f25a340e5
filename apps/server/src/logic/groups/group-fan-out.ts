import { Command, headPush, type Message, messagePush } from '@fastim/protocol';
import type { Logger } from 'pino';
import type { Trace } from '../../observe/trace-ring.ts';
import { visitRoutes } from '../../routing/locate-user.ts';
import type { Route, RouteTable } from '../../routing/route-table.ts';
import type { SendToGate } from '../../routing/send-to-gate.ts';
import type { HistoryTails } from '../history/history-tails.ts';
import type { Standings } from '../live/standings.ts';
import type { LogicMetrics } from '../logic-metrics.ts';
import type { Members } from '../members.ts';
import type { KnownRemovals } from './known-removals.ts';

/** A message or notice that a group has just stored. */
export interface GroupNews {
  readonly message: Message;
  /** Of an edit, a recall, a reaction; else 0. */
  readonly targetSeq: number;
  readonly removalsSeq: number;
  /** Who is in or out by it. */
  readonly added: readonly bigint[];
  readonly removed: readonly bigint[];
  /** The connection that has it already. */
  readonly except: Route | undefined;
  readonly logId: number;
}

/**
 * Group fan-out (DESIGN 5.6): encoded once, one packet for each gate, whatever the number of members. The gates know who
 * of theirs is a member; those who come in are named to them before the packet, those who go are named in it. Both get a
 * head of their own, so that their devices learn of it also where the packet does not reach them.
 *
 * Everything that this node remembers of the group is brought up to date first, in the same turn as the ack.
 */
export class GroupFanOut {
  readonly #routes: RouteTable;
  readonly #toGate: SendToGate;
  readonly #members: Members;
  readonly #removals: KnownRemovals;
  readonly #standings: Standings;
  /** Undefined where other nodes store messages that this one does not see. */
  readonly #tails: HistoryTails | undefined;
  readonly #logger: Logger;
  readonly #metrics: LogicMetrics;
  readonly #trace: Trace | undefined;

  constructor(parts: {
    routes: RouteTable;
    toGate: SendToGate;
    members: Members;
    removals: KnownRemovals;
    standings: Standings;
    tails: HistoryTails | undefined;
    logger: Logger;
    metrics: LogicMetrics;
    trace?: Trace | undefined;
  }) {
    this.#routes = parts.routes;
    this.#toGate = parts.toGate;
    this.#members = parts.members;
    this.#removals = parts.removals;
    this.#standings = parts.standings;
    this.#tails = parts.tails;
    this.#logger = parts.logger;
    this.#metrics = parts.metrics;
    this.#trace = parts.trace;
  }

  stored(news: GroupNews): void {
    const { message, added, removed } = news;
    const { conversationId, convSeq } = message;
    const body = messagePush.encode({ messages: [message] });
    const head = headPush.encode({ heads: [{ conversationId, headSeq: convSeq }] });
    this.#members.learnGroup(conversationId);
    this.#removals.learn(conversationId, news.removalsSeq);
    for (const userId of added) this.#standings.forget(conversationId, userId);
    for (const userId of removed) this.#standings.forget(conversationId, userId);
    this.#tails?.stored(message, body, news.targetSeq, [...added, ...removed]);

    const groups = [{ conversationId, asOfSeq: convSeq }];
    for (const userId of added) {
      this.#visit(userId, ({ connection }) => this.#toGate.follow(connection, groups));
    }
    const except = news.except?.connection;
    for (const gate of this.#toGate.gatesOf(conversationId)) {
      gate.group({
        conversationId,
        convSeq,
        removalsSeq: news.removalsSeq,
        removed,
        except: except?.gateId === gate.gateId ? except.connectionId : undefined,
        head,
        body,
        logId: news.logId,
      });
      this.#metrics.groupPackets += 1;
      this.#trace?.note('to gate', news.logId, { msgId: message.msgId, gateId: gate.gateId });
    }
    for (const userId of [...added, ...removed]) {
      this.#visit(userId, (route) => this.#toGate.push(route, Command.heads, head, news.logId));
    }
    if (this.#logger.isLevelEnabled('debug')) {
      this.#logger.debug({ logId: news.logId, msgId: message.msgId.toString(), convSeq }, 'group notified');
    }
  }

  unsure(): void {
    this.#tails?.clear();
  }

  #visit(userId: bigint, visit: (route: Route) => void): void {
    visitRoutes(this.#routes, userId, visit, (error) => {
      this.#logger.warn({ err: error }, 'routes could not be looked up; the devices will sync');
    });
  }
}
