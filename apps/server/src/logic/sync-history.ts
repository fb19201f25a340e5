import type { Clock, RateLimiter } from '@fastim/core';
import {
  conversationsRequest,
  conversationsResponse,
  FastimError,
  type HistoryRequest,
  historyRequest,
  historyResponse,
  MAX_HISTORY_PAGE,
  MAX_SYNC_PAGE,
  seekRequest,
  seekResponse,
  syncRequest,
  syncResponse,
} from '@fastim/protocol';
import type { UplinkPacket } from '../cluster/contract.ts';
import type { Route } from '../routing/route-table.ts';
import type { ConversationStore } from '../storage/conversation-store.ts';
import type { MessageStore } from '../storage/message-store.ts';
import type { Answer } from './answer.ts';
import type { FollowGroups } from './groups/follow-groups.ts';
import type { HistoryTails } from './history/history-tails.ts';
import { lookBack } from './look-back.ts';
import { messageSize, pageLimit, rowsThatFit, stateSize } from './page.ts';
import { requirePull } from './require-pull.ts';

/**
 * The pulls. Pages hold at most what the protocol allows, and fewer rows where they are large; a client goes on from
 * the last row it got. What is not the user's looks like what does not exist. Who left a group reads what was up to the
 * notice of it, never more.
 */
export class SyncHistory {
  readonly #conversations: ConversationStore;
  readonly #messages: MessageStore;
  readonly #tails: HistoryTails | undefined;
  readonly #follow: FollowGroups;
  readonly #answer: Answer;
  readonly #rate: RateLimiter<bigint>;
  readonly #clock: Clock;

  constructor(parts: {
    conversations: ConversationStore;
    messages: MessageStore;
    tails: HistoryTails | undefined;
    follow: FollowGroups;
    answer: Answer;
    /** Pulls per user. */
    rate: RateLimiter<bigint>;
    clock: Clock;
  }) {
    this.#conversations = parts.conversations;
    this.#messages = parts.messages;
    this.#tails = parts.tails;
    this.#follow = parts.follow;
    this.#answer = parts.answer;
    this.#rate = parts.rate;
    this.#clock = parts.clock;
  }

  async sync(packet: UplinkPacket, route: Route): Promise<void> {
    const request = syncRequest.decode(packet.data);
    const limit = pageLimit(request.limit, MAX_SYNC_PAGE);
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
        limit,
      }),
      this.#conversations.mark(userId),
    ]);
    const fit = rowsThatFit(page.conversations, stateSize);
    const conversations = fit < page.conversations.length ? page.conversations.slice(0, fit) : page.conversations;
    this.#follow.named(route, conversations);
    this.#answer.with(
      packet,
      syncResponse.encode({
        status: undefined,
        conversations,
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
    const conversations = found.slice(0, rowsThatFit(found, stateSize));
    this.#follow.named(route, conversations);
    this.#answer.with(packet, conversationsResponse.encode({ status: undefined, conversations }));
  }

  history(packet: UplinkPacket, route: Route): void | Promise<void> {
    const request = historyRequest.decode(packet.data);
    const limit = pageLimit(request.limit, MAX_HISTORY_PAGE);
    requirePull(this.#rate, route.identity.userId, this.#clock.now());
    const known = this.#tails?.answer(request, route.identity.userId, limit);
    if (known) this.#answer.with(packet, known);
    else return this.#read(packet, route.identity.userId, request, limit);
  }

  /** The first message at or after a time, as far as the user may see. */
  async seek(packet: UplinkPacket, route: Route): Promise<void> {
    const { conversationId, timeMs } = seekRequest.decode(packet.data);
    const { userId } = route.identity;
    requirePull(this.#rate, userId, this.#clock.now());
    const membership = await this.#conversations.membership(conversationId, userId);
    if (!membership) throw new FastimError('NOT_A_MEMBER');
    const found = await this.#messages.seqAt(conversationId, timeMs);
    const convSeq = Math.min(Math.max(found, membership.joinSeq, 1), membership.lastSeq + 1);
    this.#answer.with(packet, seekResponse.encode({ status: undefined, convSeq }));
  }

  async #read(packet: UplinkPacket, userId: bigint, request: HistoryRequest, limit: number): Promise<void> {
    const { conversationId, newestFirst } = request;
    const before = this.#tails?.beforeRead(conversationId);
    const membership = await this.#conversations.membership(conversationId, userId);
    if (!membership) throw new FastimError('NOT_A_MEMBER');
    const { joinSeq, lastSeq } = membership;
    if (membership.leaveSeq === 0) this.#tails?.learnMember(before, conversationId, userId, joinSeq);
    const known = this.#tails?.answer(request, userId, limit);
    if (known) {
      this.#answer.with(packet, known);
      return;
    }
    const fromSeq = Math.max(request.fromSeq, joinSeq, 1);
    const toSeq = Math.min(request.toSeq === 0 ? lastSeq : request.toSeq, lastSeq);
    const query = { conversationId, fromSeq, toSeq, limit, newestFirst, viewerId: userId };
    const rows = fromSeq > toSeq ? [] : await this.#messages.history(query);
    // Cut at the far end, so that what is returned joins on to where the client asked from.
    if (newestFirst) rows.reverse();
    const messages = rows.slice(0, rowsThatFit(rows, messageSize));
    if (newestFirst) messages.reverse();
    this.#answer.with(
      packet,
      historyResponse.encode({ status: undefined, conversationId, messages, headSeq: lastSeq }),
    );
  }
}
