import type { Clock, RateLimiter } from '@fastim/core';
import {
  conversationsRequest,
  conversationsResponse,
  FastimError,
  historyRequest,
  historyResponse,
  MAX_HISTORY_PAGE,
  MAX_SYNC_PAGE,
  syncRequest,
  syncResponse,
} from '@fastim/protocol';
import type { UplinkPacket } from '../cluster/contract.ts';
import type { Route } from '../routing/route-table.ts';
import type { ConversationStore } from '../storage/conversation-store.ts';
import type { MessageStore } from '../storage/message-store.ts';
import type { Answer } from './answer.ts';
import { lookBack } from './look-back.ts';
import { messageSize, pageLimit, rowsThatFit, stateSize } from './page.ts';
import { requirePull } from './require-pull.ts';

/**
 * The pulls. Pages hold at most what the protocol allows, and fewer rows where they are large; a client goes on from
 * the last row it got. What is not the user's looks like what does not exist.
 */
export class SyncHistory {
  readonly #conversations: ConversationStore;
  readonly #messages: MessageStore;
  readonly #answer: Answer;
  readonly #rate: RateLimiter<bigint>;
  readonly #clock: Clock;

  constructor(parts: {
    conversations: ConversationStore;
    messages: MessageStore;
    answer: Answer;
    /** Pulls per user. */
    rate: RateLimiter<bigint>;
    clock: Clock;
  }) {
    this.#conversations = parts.conversations;
    this.#messages = parts.messages;
    this.#answer = parts.answer;
    this.#rate = parts.rate;
    this.#clock = parts.clock;
  }

  async sync(packet: UplinkPacket, route: Route): Promise<void> {
    const request = syncRequest.decode(packet.data);
    requirePull(this.#rate, route.identity.userId, this.#clock.now());
    const { userId } = route.identity;
    // Taken before the read: what moves during it is in this page or after this time, or both.
    const serverTimeMs = this.#clock.now();
    const [page, mark] = await Promise.all([
      this.#conversations.syncPage({
        userId,
        sinceMs: lookBack(request.sinceMs),
        beforeActivityMs: request.beforeActivityMs,
        beforeConversationId: request.beforeConversationId,
        limit: pageLimit(request.limit, MAX_SYNC_PAGE),
      }),
      this.#conversations.mark(userId),
    ]);
    const fit = rowsThatFit(page.conversations, stateSize);
    this.#answer.with(
      packet,
      syncResponse.encode({
        status: undefined,
        conversations: fit < page.conversations.length ? page.conversations.slice(0, fit) : page.conversations,
        more: page.more || fit < page.conversations.length,
        serverTimeMs,
        mark: { ...mark, sinceMs: serverTimeMs },
      }),
    );
  }

  /**
   * In the order asked. Ids behind the last one returned may not have fitted: they may be asked for again; an answer
   * without any row says that none of them is the user's.
   */
  async conversations(packet: UplinkPacket, route: Route): Promise<void> {
    const { conversationIds } = conversationsRequest.decode(packet.data);
    requirePull(this.#rate, route.identity.userId, this.#clock.now());
    const asked = [...new Set(conversationIds)].slice(0, MAX_SYNC_PAGE);
    const found = asked.length === 0 ? [] : await this.#conversations.states(route.identity.userId, asked);
    const place = new Map(asked.map((id, index) => [id, index]));
    found.sort((a, b) => place.get(a.conversationId)! - place.get(b.conversationId)!);
    this.#answer.with(
      packet,
      conversationsResponse.encode({
        status: undefined,
        conversations: found.slice(0, rowsThatFit(found, stateSize)),
      }),
    );
  }

  async history(packet: UplinkPacket, route: Route): Promise<void> {
    const request = historyRequest.decode(packet.data);
    requirePull(this.#rate, route.identity.userId, this.#clock.now());
    const { conversationId, newestFirst } = request;
    const membership = await this.#conversations.membership(conversationId, route.identity.userId);
    if (!membership) throw new FastimError('NOT_A_MEMBER');
    const { joinSeq, headSeq } = membership;
    const fromSeq = Math.max(request.fromSeq, joinSeq, 1);
    const toSeq = Math.min(request.toSeq === 0 ? headSeq : request.toSeq, headSeq);
    const limit = pageLimit(request.limit, MAX_HISTORY_PAGE);
    const rows =
      fromSeq > toSeq ? [] : await this.#messages.history({ conversationId, fromSeq, toSeq, limit, newestFirst });
    // Cut at the far end, so that what is returned joins on to where the client asked from.
    if (newestFirst) rows.reverse();
    const messages = rows.slice(0, rowsThatFit(rows, messageSize));
    if (newestFirst) messages.reverse();
    this.#answer.with(packet, historyResponse.encode({ status: undefined, conversationId, messages, headSeq }));
  }
}
