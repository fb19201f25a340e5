import type { Clock, RateLimiter } from '@fastim/core';
import { Command, FastimError, SMALL_GROUP, typingPush, typingRequest } from '@fastim/protocol';
import type { UplinkPacket } from '../../cluster/contract.ts';
import { visitRoutes } from '../../routing/locate-user.ts';
import type { Route, RouteTable } from '../../routing/route-table.ts';
import type { SendToGate } from '../../routing/send-to-gate.ts';
import type { Answer } from '../answer.ts';
import type { LogicMetrics } from '../logic-metrics.ts';
import type { Members } from '../members.ts';
import type { Standings } from './standings.ts';

/**
 * TYPING: to the peer's devices, or to those who have the small group on the screen. Lossy by its nature: over the rate it
 * is answered OK and goes nowhere, as in a group too large to be told.
 */
export class Typing {
  readonly #routes: RouteTable;
  readonly #toGate: SendToGate;
  readonly #members: Members;
  readonly #standings: Standings;
  readonly #answer: Answer;
  readonly #rate: RateLimiter<bigint>;
  readonly #clock: Clock;
  readonly #metrics: LogicMetrics;

  constructor(parts: {
    routes: RouteTable;
    toGate: SendToGate;
    members: Members;
    standings: Standings;
    answer: Answer;
    /** Per user. */
    rate: RateLimiter<bigint>;
    clock: Clock;
    metrics: LogicMetrics;
  }) {
    this.#routes = parts.routes;
    this.#toGate = parts.toGate;
    this.#members = parts.members;
    this.#standings = parts.standings;
    this.#answer = parts.answer;
    this.#rate = parts.rate;
    this.#clock = parts.clock;
    this.#metrics = parts.metrics;
  }

  async handle(packet: UplinkPacket, route: Route): Promise<void> {
    const { conversationId } = typingRequest.decode(packet.data);
    const { userId } = route.identity;
    if (this.#rate.take(userId, this.#clock.now()) > 0) {
      this.#answer.ok(packet);
      return;
    }
    const members = this.#members.isGroup(conversationId) ? [] : await this.#members.ofDirect(conversationId);
    if (members.length > 0) this.#tellPeer(conversationId, userId, members, packet.logId);
    else await this.#tellGroup(conversationId, userId, packet.logId);
    this.#answer.ok(packet);
  }

  #tellPeer(conversationId: bigint, userId: bigint, members: readonly bigint[], logId: number): void {
    if (!members.includes(userId)) throw new FastimError('NOT_A_MEMBER');
    this.#metrics.typings += 1;
    const piece = typingPush.encode({ typing: [{ conversationId, userId }] });
    const push = (route: Route): void => this.#toGate.push(route, Command.typingPush, piece, logId);
    for (const memberId of members) {
      if (memberId === userId) continue;
      visitRoutes(this.#routes, memberId, push, (error) => this.#answer.explain(error, logId));
    }
  }

  async #tellGroup(conversationId: bigint, userId: bigint, logId: number): Promise<void> {
    const membership = await this.#standings.of(conversationId, userId);
    if (!membership || membership.leaveSeq > 0) throw new FastimError('NOT_A_MEMBER');
    if (membership.memberCount > SMALL_GROUP) return;
    this.#metrics.typings += 1;
    const piece = typingPush.encode({ typing: [{ conversationId, userId }] });
    for (const gate of this.#toGate.gatesOf(conversationId)) {
      gate.signal({
        conversationId,
        asOfSeq: membership.lastSeq,
        viewersOnly: true,
        exceptUser: userId,
        cmd: Command.typingPush,
        piece,
        logId,
      });
    }
  }
}
