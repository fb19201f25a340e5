import type { Clock, RateLimiter } from '@fastim/core';
import { ConversationKind, FastimError, viewingRequest } from '@fastim/protocol';
import type { UplinkPacket } from '../../cluster/contract.ts';
import type { Route, RouteTable } from '../../routing/route-table.ts';
import type { SendToGate } from '../../routing/send-to-gate.ts';
import type { ConversationStore } from '../../storage/conversation-store.ts';
import type { Answer } from '../answer.ts';
import type { FollowGroups } from '../groups/follow-groups.ts';
import { requirePull } from '../require-pull.ts';

/**
 * VIEWING: the conversation on a connection's screen; the gate then gives it the bodies of that group. Of several requests
 * the one that came last counts, in whatever order the storage answers.
 */
export class Viewing {
  readonly #conversations: ConversationStore;
  readonly #routes: RouteTable;
  readonly #toGate: SendToGate;
  readonly #follow: FollowGroups;
  readonly #answer: Answer;
  readonly #rate: RateLimiter<bigint>;
  readonly #clock: Clock;
  readonly #latest = new WeakMap<Route, number>();

  constructor(parts: {
    conversations: ConversationStore;
    routes: RouteTable;
    toGate: SendToGate;
    follow: FollowGroups;
    answer: Answer;
    /** Pulls per user. */
    rate: RateLimiter<bigint>;
    clock: Clock;
  }) {
    this.#conversations = parts.conversations;
    this.#routes = parts.routes;
    this.#toGate = parts.toGate;
    this.#follow = parts.follow;
    this.#answer = parts.answer;
    this.#rate = parts.rate;
    this.#clock = parts.clock;
  }

  async handle(packet: UplinkPacket, route: Route): Promise<void> {
    const { conversationId } = viewingRequest.decode(packet.data);
    const { userId } = route.identity;
    requirePull(this.#rate, userId, this.#clock.now());
    const turn = (this.#latest.get(route) ?? 0) + 1;
    this.#latest.set(route, turn);
    if (conversationId === 0n) {
      this.#view(route, undefined);
      this.#answer.ok(packet);
      return;
    }
    const membership = await this.#conversations.membership(conversationId, userId);
    const counts = this.#latest.get(route) === turn && this.#routes.find(route.connection) === route;
    if (!membership) {
      if (counts) this.#view(route, undefined);
      throw new FastimError('NOT_A_MEMBER');
    }
    if (counts) {
      const { kind, leaveSeq, lastSeq } = membership;
      // Who left may look at what was; nothing new comes there.
      const isMember = leaveSeq === 0;
      if (isMember && kind === ConversationKind.group) {
        this.#follow.all(route, [{ conversationId, asOfSeq: lastSeq }]);
      }
      this.#view(route, isMember ? conversationId : undefined);
    }
    this.#answer.ok(packet);
  }

  #view({ connection }: Route, conversationId: bigint | undefined): void {
    this.#toGate.gate(connection.gateId)?.view(connection.connectionId, conversationId);
  }
}
