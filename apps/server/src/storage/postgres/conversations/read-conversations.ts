import { ADMIN, MEMBER } from '@fastim/core';
import {
  ConversationKind,
  type ConversationState,
  type GroupProfile,
  type MemberSettings,
  type Message,
  type SyncMark,
} from '@fastim/protocol';
import type { Membership, SyncPageQuery } from '../../conversation-store.ts';
import type { Queries } from '../connection/queries.ts';
import { HIGHEST_ID, readText, storedId, storedNumber } from '../connection/stored-values.ts';
import type { ReadMessages } from '../messages/read-messages.ts';
import { ACTIVITY, HEAD, PEER, STATE, type StateRow } from './state-row.ts';

const MOST_ROWS = 1_000;
const MOST_HIDDEN = 1_000;

const MEMBERSHIP = `SELECT c.kind, m.join_seq, ${HEAD}, m.leave_seq, m.role, coalesce(g.member_count, 2)
  FROM member m JOIN conversation c USING (conversation_id) LEFT JOIN chat_group g USING (conversation_id)
  WHERE m.conversation_id = $1 AND m.user_id = $2`;
const DIRECT_MEMBERS = `SELECT m.user_id FROM conversation c JOIN member m USING (conversation_id)
  WHERE c.conversation_id = $1 AND c.kind = ${ConversationKind.direct} ORDER BY m.user_id`;
const GROUP_IDS = 'SELECT conversation_id FROM member WHERE user_id = $1 AND role > 0';
/** The place and the since are asked of the keys; what a row shows is read for those of the page only. */
const PAGE = `WITH asked AS MATERIALIZED (
    SELECT m.conversation_id FROM member m JOIN conversation c ON c.conversation_id = m.conversation_id ${PEER}
    WHERE m.user_id = $1::bigint AND (${ACTIVITY}, c.conversation_id) < ($2::bigint, $3::bigint)
      AND (${ACTIVITY} >= $4::bigint OR m.changed_ms >= $4::bigint OR p.changed_ms >= $4::bigint)
    ORDER BY ${ACTIVITY} DESC, c.conversation_id DESC LIMIT $5::bigint
  ) ${STATE} ORDER BY "lastActivityMs" DESC, "conversationId" DESC`;
const STATES = `WITH asked AS (SELECT unnest($2::bigint[]) AS conversation_id) ${STATE}`;
const MARK = `SELECT count(*)::float8, coalesce(sum(${HEAD}), 0)::float8, coalesce(sum(m.read_seq), 0)::float8,
    coalesce(sum(m.version), 0)::float8,
    -- role 0 and not left: direct.
    coalesce(sum((SELECT sum(p.delivered_seq + p.read_seq) FROM member p
      WHERE p.conversation_id = CASE WHEN m.role = 0 AND m.leave_seq = 0 THEN m.conversation_id END
        AND p.user_id <> m.user_id)), 0)::float8
  FROM member m JOIN conversation c USING (conversation_id) WHERE m.user_id = $1`;
const HIDDEN_VERSION = 'SELECT hidden_version FROM member WHERE conversation_id = $1 AND user_id = $2';
const HIDDEN = `SELECT conv_seq, hidden_version FROM hidden_message
  WHERE conversation_id = $1 AND user_id = $2 AND hidden_version > $3 ORDER BY hidden_version LIMIT $4`;

/** Conversations as one member sees them; every query starts from the member's own rows. */
export class ReadConversations {
  readonly #queries: Queries;
  readonly #messages: ReadMessages;

  constructor(queries: Queries, messages: ReadMessages) {
    this.#queries = queries;
    this.#messages = messages;
  }

  async membership(conversationId: bigint, userId: bigint): Promise<Membership | undefined> {
    type Row = readonly [number, bigint, bigint, bigint, number, bigint];
    const [row] = await this.#queries.arrays<Row>(MEMBERSHIP, [storedId(conversationId), storedId(userId)]);
    if (!row) return undefined;
    const [kind, joinSeq, lastSeq, leaveSeq, role, memberCount] = row;
    return {
      kind,
      joinSeq: Number(joinSeq),
      lastSeq: Number(lastSeq),
      leaveSeq: Number(leaveSeq),
      role: roleOf(Number(leaveSeq), role),
      memberCount: Number(memberCount),
    };
  }

  async directMembers(conversationId: bigint): Promise<bigint[]> {
    const rows = await this.#queries.arrays<readonly [bigint]>(DIRECT_MEMBERS, [storedId(conversationId)]);
    return rows.map(([userId]) => userId);
  }

  async groupIdsOf(userId: bigint): Promise<bigint[]> {
    const rows = await this.#queries.arrays<readonly [bigint]>(GROUP_IDS, [storedId(userId)]);
    return rows.map(([conversationId]) => conversationId);
  }

  async syncPage(query: SyncPageQuery): Promise<{ conversations: ConversationState[]; more: boolean }> {
    const { beforeActivityMs, beforeConversationId } = query;
    const userId = storedId(query.userId);
    const limit = Math.max(1, Math.min(Math.floor(query.limit) || 1, MOST_ROWS));
    const first = beforeActivityMs === 0 && beforeConversationId === 0n;
    const rows = await this.#queries.rows<StateRow>(PAGE, [
      userId,
      first ? HIGHEST_ID : storedNumber(beforeActivityMs),
      first ? HIGHEST_ID : storedId(beforeConversationId),
      storedNumber(Math.ceil(query.sinceMs)),
      limit + 1,
    ]);
    const more = rows.length > limit;
    if (more) rows.length = limit;
    return { conversations: await this.#states(rows, userId), more };
  }

  async mark(userId: bigint): Promise<SyncMark> {
    type Row = readonly [number, number, number, number, number];
    const [row] = await this.#queries.arrays<Row>(MARK, [storedId(userId)]);
    const [conversationCount, headSum, readSum, versionSum, peerSum] = row!;
    return { conversationCount, headSum, readSum, sinceMs: 0, versionSum, peerSum };
  }

  /** In the order asked for; what the user was never a member of is left out. */
  async states(userId: bigint, conversationIds: readonly bigint[]): Promise<ConversationState[]> {
    const ids = [...new Set(conversationIds.map(storedId))];
    if (ids.length === 0) return [];
    const rows = await this.#queries.rows<StateRow>(STATES, [storedId(userId), ids]);
    const found = new Map(rows.map((row) => [row.conversationId, row]));
    const inOrder = ids.flatMap((id) => found.get(id) ?? []);
    return this.#states(inOrder, storedId(userId));
  }

  async hidden(
    userId: bigint,
    conversationId: bigint,
    since: number,
  ): Promise<{ convSeqs: number[]; hiddenVersion: number; more: boolean }> {
    const from = Number.isFinite(since) ? since : 0;
    const key = [storedId(conversationId), storedId(userId)];
    const [found] = await this.#queries.arrays<readonly [bigint]>(HIDDEN_VERSION, key);
    if (!found) return { convSeqs: [], hiddenVersion: from, more: false };
    const values = [...key, storedNumber(Math.floor(from)), MOST_HIDDEN + 1];
    const rows = await this.#queries.arrays<readonly [bigint, bigint]>(HIDDEN, values);
    const more = rows.length > MOST_HIDDEN;
    if (more) rows.length = MOST_HIDDEN;
    const last = Number(rows.at(-1)?.[1] ?? Math.max(from, Number(found[0])));
    return { convSeqs: rows.map(([convSeq]) => Number(convSeq)), hiddenVersion: last, more };
  }

  async #states(rows: readonly StateRow[], userId: bigint): Promise<ConversationState[]> {
    const shown = rows.map(({ conversationId, lastShownSeq, leaveSeq }) => ({
      conversationId,
      convSeq: Number(lastShownSeq),
      leaveSeq: Number(leaveSeq),
    }));
    const previews = await this.#messages.previews(shown, userId);
    return rows.map((row) => stateOf(row, previews.get(row.conversationId)));
  }
}

function stateOf(row: StateRow, lastMessage: Message | undefined): ConversationState {
  const { conversationId, kind, peerId } = row;
  const leaveSeq = Number(row.leaveSeq);
  return {
    conversationId,
    kind,
    headSeq: Number(row.headSeq),
    headCountNo: Number(row.headCountNo),
    joinSeq: Number(row.joinSeq),
    readSeq: Number(row.readSeq),
    unreadBaseCountNo: Number(row.baseCountNo),
    lastActivityMs: Number(row.lastActivityMs),
    peer:
      peerId === null
        ? undefined
        : { userId: peerId, username: row.peerUsername ?? '', displayName: row.peerDisplayName ?? '' },
    peerCursor:
      peerId === null
        ? undefined
        : {
            conversationId,
            userId: peerId,
            deliveredSeq: Number(row.peerDeliveredSeq),
            readSeq: Number(row.peerReadSeq),
            readCountNo: Number(row.peerReadCountNo),
          },
    lastMessage,
    leaveSeq,
    mentionSeq: Number(row.mentionSeq),
    version: Number(row.version),
    settings: settingsOf(row),
    group: kind === ConversationKind.group ? profileOf(row) : undefined,
    role: roleOf(leaveSeq, row.role),
    mutedUntilMs: Number(row.mutedUntilMs),
    pendingJoins: row.role >= ADMIN ? Number(row.pendingJoins ?? 0) : 0,
  };
}

function profileOf(row: StateRow): GroupProfile | undefined {
  if (row.groupName === null) return undefined;
  return {
    name: row.groupName,
    avatarColor: Number(row.avatarColor),
    announcement: row.announcement ? readText(row.announcement) : '',
    ownerId: row.ownerId ?? 0n,
    memberCount: Number(row.memberCount),
    muteAll: row.muteAll ?? false,
    joinApproval: row.joinApproval ?? false,
  };
}

/** Who left keeps the least role. */
function roleOf(leaveSeq: number, role: number): number {
  return leaveSeq > 0 ? MEMBER : role;
}

function settingsOf(row: StateRow): MemberSettings {
  return {
    silentUntilMs: Number(row.silentUntilMs),
    pinnedMs: Number(row.pinnedMs),
    archived: row.archived,
    markedUnread: row.markedUnread,
    draft: row.draft ? readText(row.draft) : '',
    hiddenVersion: Number(row.hiddenVersion),
  };
}
