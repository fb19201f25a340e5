import { ConversationKind, type ConversationState, type SyncMark } from '@fastim/protocol';
import type { Database, Statement } from 'better-sqlite3';
import type { SyncPageQuery } from '../../conversation-store.ts';
import type { ReadMessages } from './read-messages.ts';

const MOST_ROWS = 1_000;
const LAST_ID = 2n ** 63n - 1n;

/** One row of a member's list: conversation, own membership, and in a direct conversation the other member. */
const STATE = `
  SELECT c.conversation_id, c.conversation_no, c.kind, c.head_seq, c.head_count_no, c.last_activity_ms,
         m.join_seq, m.join_count_no, m.read_seq, m.read_count_no, m.own_seq, m.own_count_no,
         p.user_id, p.delivered_seq, p.read_seq, p.read_count_no, u.username, u.display_name
  FROM member m
  JOIN conversation c ON c.conversation_no = m.conversation_no
  LEFT JOIN member p ON c.kind = ${ConversationKind.direct}
                    AND p.conversation_no = m.conversation_no AND p.user_id <> m.user_id
  LEFT JOIN user u ON u.user_id = p.user_id`;

type StateRow = [
  conversationId: bigint,
  conversationNo: bigint,
  kind: bigint,
  headSeq: bigint,
  headCountNo: bigint,
  lastActivityMs: bigint,
  joinSeq: bigint,
  joinCountNo: bigint,
  readSeq: bigint,
  readCountNo: bigint,
  ownSeq: bigint,
  ownCountNo: bigint,
  peerId: bigint | null,
  peerDeliveredSeq: bigint | null,
  peerReadSeq: bigint | null,
  peerReadCountNo: bigint | null,
  peerUsername: string | null,
  peerDisplayName: string | null,
];

/** Conversations as one member sees them; every query starts from the member's own rows. */
export class ReadConversations {
  readonly #messages: ReadMessages;
  readonly #membership: Statement<[bigint, bigint]>;
  readonly #memberIds: Statement<[bigint]>;
  readonly #page: Statement<[bigint, number, bigint, number, number, number, number]>;
  readonly #one: Statement<[bigint, bigint]>;
  readonly #mark: Statement<[bigint]>;

  constructor(database: Database, messages: ReadMessages) {
    this.#messages = messages;
    this.#membership = database
      .prepare<[bigint, bigint]>(
        `SELECT m.join_seq, c.head_seq FROM conversation c JOIN member m USING (conversation_no)
         WHERE c.conversation_id = ? AND m.user_id = ?`,
      )
      .raw();
    this.#memberIds = database
      .prepare<[bigint]>(
        `SELECT m.user_id FROM conversation c JOIN member m USING (conversation_no)
         WHERE c.conversation_id = ? ORDER BY m.user_id`,
      )
      .pluck()
      .safeIntegers();
    this.#page = database
      .prepare<[bigint, number, bigint, number, number, number, number]>(
        `${STATE}
         WHERE m.user_id = ? AND (c.last_activity_ms, c.conversation_id) < (?, ?)
           AND (c.last_activity_ms >= ? OR m.changed_ms >= ? OR p.changed_ms >= ?)
         ORDER BY c.last_activity_ms DESC, c.conversation_id DESC LIMIT ?`,
      )
      .raw()
      .safeIntegers();
    this.#one = database
      .prepare<[bigint, bigint]>(`${STATE} WHERE c.conversation_id = ? AND m.user_id = ?`)
      .raw()
      .safeIntegers();
    this.#mark = database
      .prepare<[bigint]>(
        `SELECT count(*), coalesce(sum(c.head_seq), 0), coalesce(sum(m.read_seq), 0)
         FROM member m JOIN conversation c USING (conversation_no) WHERE m.user_id = ?`,
      )
      .raw();
  }

  membership(conversationId: bigint, userId: bigint): { joinSeq: number; headSeq: number } | undefined {
    const row = this.#membership.get(conversationId, userId) as [number, number] | undefined;
    return row && { joinSeq: row[0], headSeq: row[1] };
  }

  memberIds(conversationId: bigint): bigint[] {
    return this.#memberIds.all(conversationId) as bigint[];
  }

  syncPage(query: SyncPageQuery): { conversations: ConversationState[]; more: boolean } {
    const { userId, sinceMs, beforeActivityMs, beforeConversationId } = query;
    const limit = Math.max(1, Math.min(Math.floor(query.limit) || 1, MOST_ROWS));
    const first = beforeActivityMs === 0 && beforeConversationId === 0n;
    const rows = this.#page.all(
      userId,
      first ? Number.MAX_SAFE_INTEGER : beforeActivityMs,
      first ? LAST_ID : beforeConversationId,
      sinceMs,
      sinceMs,
      sinceMs,
      limit + 1,
    ) as StateRow[];
    const more = rows.length > limit;
    if (more) rows.length = limit;
    return { conversations: rows.map((row) => this.#state(row)), more };
  }

  mark(userId: bigint): SyncMark {
    const [conversationCount, headSum, readSum] = this.#mark.get(userId) as [number, number, number];
    return { conversationCount, headSum, readSum, sinceMs: 0 };
  }

  /** In the order asked for; what the user is not a member of is left out. */
  states(userId: bigint, conversationIds: readonly bigint[]): ConversationState[] {
    const states: ConversationState[] = [];
    for (const conversationId of new Set(conversationIds)) {
      const row = this.#one.get(conversationId, userId) as StateRow | undefined;
      if (row) states.push(this.#state(row));
    }
    return states;
  }

  #state(row: StateRow): ConversationState {
    const [conversationId, conversationNo, kind, headSeq, headCountNo, lastActivityMs, ...member] = row;
    const [joinSeq, joinCountNo, readSeq, readCountNo, , ownCountNo, ...peer] = member;
    const [peerId, peerDeliveredSeq, peerReadSeq, peerReadCountNo, username, displayName] = peer;
    return {
      conversationId,
      kind: Number(kind),
      headSeq: Number(headSeq),
      headCountNo: Number(headCountNo),
      joinSeq: Number(joinSeq),
      readSeq: Number(readSeq),
      // count_no never falls along conv_seq, so the highest of the three belongs to the highest conv_seq.
      unreadBaseCountNo: Math.max(Number(readCountNo), Number(joinCountNo), Number(ownCountNo)),
      lastActivityMs: Number(lastActivityMs),
      peer: peerId === null ? undefined : { userId: peerId, username: username ?? '', displayName: displayName ?? '' },
      peerCursor:
        peerId === null
          ? undefined
          : {
              conversationId,
              userId: peerId,
              deliveredSeq: Number(peerDeliveredSeq),
              readSeq: Number(peerReadSeq),
              readCountNo: Number(peerReadCountNo),
            },
      lastMessage: this.#messages.preview(conversationId, Number(conversationNo), Number(headSeq)),
    };
  }
}
