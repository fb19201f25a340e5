import type { Clock, RateLimiter } from '@fastim/core';
import {
  ConversationKind,
  FastimError,
  MAX_MEMBERS_PAGE,
  MAX_READ_COUNTS,
  membersRequest,
  membersResponse,
  readCountsRequest,
  readCountsResponse,
  readersRequest,
  readersResponse,
} from '@fastim/protocol';
import type { UplinkPacket } from '../../cluster/contract.ts';
import type { Route } from '../../routing/route-table.ts';
import type { ConversationStore, Membership } from '../../storage/conversation-store.ts';
import { foldText } from '../../storage/fold-text.ts';
import type { GroupStore } from '../../storage/group-store.ts';
import type { Answer } from '../answer.ts';
import { MAX_MEMBER_QUERY, MEMBERS_A_PULL } from '../logic-limits.ts';
import { pageLimit } from '../page.ts';
import { requirePull } from '../require-pull.ts';
import { invalid } from './check-group.ts';

/**
 * MEMBERS, READ_COUNTS, READERS: for those who are members now; to all others the group looks as if it did not exist. Of
 * messages only those that the member may see.
 */
export class ReadGroups {
  readonly #groups: GroupStore;
  readonly #conversations: ConversationStore;
  readonly #answer: Answer;
  readonly #rate: RateLimiter<bigint>;
  readonly #clock: Clock;

  constructor(parts: {
    groups: GroupStore;
    conversations: ConversationStore;
    answer: Answer;
    /** Pulls per user. */
    rate: RateLimiter<bigint>;
    clock: Clock;
  }) {
    this.#groups = parts.groups;
    this.#conversations = parts.conversations;
    this.#answer = parts.answer;
    this.#rate = parts.rate;
    this.#clock = parts.clock;
  }

  async members(packet: UplinkPacket, route: Route): Promise<void> {
    const { conversationId, query, after, limit: asked } = membersRequest.decode(packet.data);
    const limit = pageLimit(asked, MAX_MEMBERS_PAGE);
    requireShort(query, after);
    const membership = await this.#requireMember(conversationId, route);
    const queryKey = foldText(query.trim());
    if (queryKey !== '') this.#requireAll(membership, route);
    const page = await this.#groups.members({ conversationId, queryKey, after, limit });
    this.#answer.with(packet, membersResponse.encode({ status: undefined, ...page }));
  }

  async readCounts(packet: UplinkPacket, route: Route): Promise<void> {
    const { conversationId, convSeqs } = readCountsRequest.decode(packet.data);
    const asked = [...new Set(convSeqs)];
    if (asked.length > MAX_READ_COUNTS) throw new FastimError('TOO_MANY', `at most ${MAX_READ_COUNTS} at once`);
    const membership = await this.#requireMember(conversationId, route);
    requireSeen(membership, asked);
    this.#requireAll(membership, route);
    const counts = asked.length === 0 ? [] : await this.#groups.readCounts(conversationId, asked);
    this.#answer.with(packet, readCountsResponse.encode({ status: undefined, counts }));
  }

  async readers(packet: UplinkPacket, route: Route): Promise<void> {
    const { conversationId, convSeq, unread, after, limit: asked } = readersRequest.decode(packet.data);
    const limit = pageLimit(asked, MAX_MEMBERS_PAGE);
    requireShort('', after);
    const membership = await this.#requireMember(conversationId, route);
    requireSeen(membership, [convSeq]);
    this.#requireAll(membership, route);
    const page = await this.#groups.readers({ conversationId, convSeq, unread, after, limit });
    this.#answer.with(packet, readersResponse.encode({ status: undefined, ...page }));
  }

  async #requireMember(conversationId: bigint, { identity }: Route): Promise<Membership> {
    requirePull(this.#rate, identity.userId, this.#clock.now());
    const membership = await this.#conversations.membership(conversationId, identity.userId);
    if (!membership || membership.leaveSeq > 0) throw new FastimError('NOT_A_MEMBER');
    if (membership.kind !== ConversationKind.group) throw invalid('this is not a group');
    return membership;
  }

  /** Before what may go through all members: a large group costs as many pulls as it is work. */
  #requireAll({ memberCount }: Membership, { identity }: Route): void {
    const cost = Math.floor(memberCount / MEMBERS_A_PULL);
    if (cost > 0) requirePull(this.#rate, identity.userId, this.#clock.now(), cost);
  }
}

function requireShort(query: string, after: string): void {
  if (query.length > MAX_MEMBER_QUERY) throw new FastimError('BAD_REQUEST', 'the search is too long');
  if (after.length > MAX_MEMBER_QUERY) throw new FastimError('BAD_REQUEST', 'this is no place in the list');
}

function requireSeen({ joinSeq, lastSeq }: Membership, convSeqs: readonly number[]): void {
  if (convSeqs.some((seq) => seq < Math.max(1, joinSeq) || seq > lastSeq)) throw new FastimError('CURSOR_INVALID');
}
