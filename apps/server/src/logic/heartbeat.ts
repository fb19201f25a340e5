import type { Clock, RateLimiter } from '@fastim/core';
import { type ConversationState, heartbeatRequest, heartbeatResponse, type SyncMark } from '@fastim/protocol';
import type { UplinkPacket } from '../cluster/contract.ts';
import type { Route } from '../routing/route-table.ts';
import type { ConversationStore } from '../storage/conversation-store.ts';
import type { Answer } from './answer.ts';
import type { FollowGroups } from './groups/follow-groups.ts';
import { MAX_HEARTBEAT_MOVED } from './logic-limits.ts';
import { lookBack } from './look-back.ts';
import { rowsThatFit, stateSize } from './page.ts';
import { requirePull } from './require-pull.ts';

/**
 * HEARTBEAT: the safety net (DESIGN 5.9). The client says what it knows in a few numbers; where they differ from the
 * truth the answer carries what moved, so a lost push is repaired within one beat.
 */
export class AnswerHeartbeat {
  readonly #conversations: ConversationStore;
  readonly #follow: FollowGroups;
  readonly #answer: Answer;
  readonly #rate: RateLimiter<bigint>;
  readonly #clock: Clock;

  constructor(parts: {
    conversations: ConversationStore;
    follow: FollowGroups;
    answer: Answer;
    /** Pulls per user: a beat reads too. */
    rate: RateLimiter<bigint>;
    clock: Clock;
  }) {
    this.#conversations = parts.conversations;
    this.#follow = parts.follow;
    this.#answer = parts.answer;
    this.#rate = parts.rate;
    this.#clock = parts.clock;
  }

  async handle(packet: UplinkPacket, route: Route): Promise<void> {
    const { mark } = heartbeatRequest.decode(packet.data);
    const serverTimeMs = this.#clock.now();
    const { userId } = route.identity;
    requirePull(this.#rate, userId, serverTimeMs);
    const truth = await this.#conversations.mark(userId);
    const { rows, more } = sameMark(mark, truth) ? { rows: [], more: false } : await this.#moved(userId, mark.sinceMs);
    const fit = rowsThatFit(rows, stateSize);
    const moved = fit < rows.length ? rows.slice(0, fit) : rows;
    this.#follow.named(route, moved);
    this.#answer.with(
      packet,
      heartbeatResponse.encode({
        status: undefined,
        serverTimeMs,
        moved,
        more: more || fit < rows.length,
      }),
    );
  }

  async #moved(userId: bigint, sinceMs: number): Promise<{ rows: ConversationState[]; more: boolean }> {
    const query = { userId, beforeActivityMs: 0, beforeConversationId: 0n, limit: MAX_HEARTBEAT_MOVED };
    const since = lookBack(sinceMs);
    const recent = await this.#conversations.syncPage({ ...query, sinceMs: since });
    if (recent.conversations.length > 0 || since === 0) {
      return { rows: recent.conversations, more: recent.more };
    }
    // They differ, but nothing moved lately: the client's "since" is wrong. From the start, newest first.
    const newest = await this.#conversations.syncPage({ ...query, sinceMs: 0 });
    return { rows: newest.conversations, more: newest.more };
  }
}

/** sinceMs says where to look, not what is known. */
function sameMark(a: SyncMark, b: SyncMark): boolean {
  return (
    a.conversationCount === b.conversationCount &&
    a.headSum === b.headSum &&
    a.readSum === b.readSum &&
    a.versionSum === b.versionSum &&
    a.peerSum === b.peerSum
  );
}
