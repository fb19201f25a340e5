import { ADMIN, MEMBER } from '@fastim/core';
import {
  ConversationKind,
  type ConversationState,
  type GroupProfile,
  type MemberSettings,
  type SyncMark,
} from '@fastim/protocol';
import type { Database, Statement } from 'better-sqlite3';
import type { Membership, SyncPageQuery } from '../../conversation-store.ts';
import { plannedOnce } from '../planned-once.ts';
import type { ReadMessages } from './read-messages.ts';
import { ACTIVITY, HEAD, STATE, type StateRow } from './state-row.ts';

const MOST_ROWS = 1_000;
const MOST_HIDDEN = 1_000;
const LAST_ID = 2n ** 63n - 1n;
/** In `mention`: everybody. */
const EVERYBODY = 0n;

/** Conversations as one member sees them; every query starts from the member's own rows. */
export class ReadConversations {
  readonly #messages: ReadMessages;
  readonly #membership: Statement<[bigint, bigint]>;
  readonly #directMembers: Statement<[bigint]>;
  readonly #groupIds: Statement<[bigint]>;
  readonly #page: Statement<[bigint, number, bigint, number, number, number, number]>;
  readonly #one: Statement<[bigint, bigint]>;
  readonly #mark: Statement<[bigint]>;
  readonly #peerSum: Statement<[bigint]>;
  readonly #group: Statement<[bigint]>;
  readonly #formerGroup: Statement<[bigint, bigint]>;
  readonly #mentioned: Statement<[bigint, bigint, bigint, bigint, bigint]>;
  readonly #hiddenVersion: Statement<[bigint, bigint]>;
  readonly #hidden: Statement<[number, bigint, number, number]>;

  constructor(database: Database, messages: ReadMessages) {
    this.#messages = messages;
    this.#membership = database
      .prepare<[bigint, bigint]>(
        plannedOnce(`SELECT c.kind, m.join_seq, ${HEAD}, m.leave_seq, m.role, coalesce(g.member_count, 2)
         FROM conversation c JOIN member m USING (conversation_no) LEFT JOIN chat_group g USING (conversation_no)
         WHERE c.conversation_id = ? AND m.user_id = ?`),
      )
      .raw();
    this.#directMembers = database
      .prepare<[bigint]>(
        plannedOnce(`SELECT m.user_id FROM conversation c JOIN member m USING (conversation_no)
         WHERE c.conversation_id = ? AND c.kind = ${ConversationKind.direct} ORDER BY m.user_id`),
      )
      .pluck()
      .safeIntegers();
    this.#groupIds = database
      .prepare<[bigint]>(
        plannedOnce(`SELECT c.conversation_id FROM member m JOIN conversation c USING (conversation_no)
         WHERE m.user_id = ? AND m.role > 0`),
      )
      .pluck()
      .safeIntegers();
    this.#page = database
      .prepare<[bigint, number, bigint, number, number, number, number]>(
        plannedOnce(`${STATE}
         WHERE m.user_id = ? AND (${ACTIVITY}, c.conversation_id) < (?, ?)
           AND (${ACTIVITY} >= ? OR m.changed_ms >= ? OR p.changed_ms >= ?)
         ORDER BY ${ACTIVITY} DESC, c.conversation_id DESC LIMIT ?`),
      )
      .safeIntegers();
    this.#one = database
      .prepare<[bigint, bigint]>(plannedOnce(`${STATE} WHERE c.conversation_id = ? AND m.user_id = ?`))
      .safeIntegers();
    this.#mark = database
      .prepare<[bigint]>(
        plannedOnce(`SELECT count(*), coalesce(sum(${HEAD}), 0), coalesce(sum(m.read_seq), 0), coalesce(sum(m.version), 0)
         FROM member m JOIN conversation c USING (conversation_no) WHERE m.user_id = ?`),
      )
      .raw();
    this.#peerSum = database
      .prepare<[bigint]>(
        plannedOnce(`SELECT coalesce(sum(p.delivered_seq + p.read_seq), 0)
         FROM member m CROSS JOIN member p ON p.conversation_no = m.conversation_no AND p.user_id <> m.user_id
         WHERE m.user_id = ? AND m.role = 0 AND m.leave_seq = 0`),
      )
      .pluck();
    const profile = 'name, avatar_color, announcement, owner_id, member_count, mute_all, join_approval';
    this.#group = database
      .prepare<[bigint]>(`SELECT ${profile}, pending_joins FROM chat_group WHERE conversation_no = ?`)
      .raw()
      .safeIntegers();
    this.#formerGroup = database
      .prepare<[bigint, bigint]>(`SELECT ${profile}, 0 FROM former_group WHERE conversation_no = ? AND user_id = ?`)
      .raw()
      .safeIntegers();
    this.#mentioned = database
      .prepare<[bigint, bigint, bigint, bigint, bigint]>(
        plannedOnce(`SELECT conv_seq FROM mention
         WHERE conversation_no = ? AND user_id = ? AND conv_seq > ? AND conv_seq <= ? AND sender_id <> ?
         ORDER BY conv_seq DESC LIMIT 1`),
      )
      .pluck();
    this.#hiddenVersion = database
      .prepare<[bigint, bigint]>(
        plannedOnce(`SELECT m.conversation_no, m.hidden_version FROM conversation c JOIN member m USING (conversation_no)
         WHERE c.conversation_id = ? AND m.user_id = ?`),
      )
      .raw();
    this.#hidden = database
      .prepare<[number, bigint, number, number]>(
        plannedOnce(`SELECT conv_seq, hidden_version FROM hidden_message
         WHERE conversation_no = ? AND user_id = ? AND hidden_version > ? ORDER BY hidden_version LIMIT ?`),
      )
      .raw();
  }

  membership(conversationId: bigint, userId: bigint): Membership | undefined {
    const row = this.#membership.get(conversationId, userId) as number[] | undefined;
    if (!row) return undefined;
    const [kind = 0, joinSeq = 0, lastSeq = 0, leaveSeq = 0, role = 0, memberCount = 0] = row;
    return { kind, joinSeq, lastSeq, leaveSeq, role: roleOf(leaveSeq, role), memberCount };
  }

  directMembers(conversationId: bigint): bigint[] {
    return this.#directMembers.all(conversationId) as bigint[];
  }

  groupIdsOf(userId: bigint): bigint[] {
    return this.#groupIds.all(userId) as bigint[];
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
    return { conversations: rows.map((row) => this.#state(row, userId)), more };
  }

  mark(userId: bigint): SyncMark {
    const row = this.#mark.get(userId) as [number, number, number, number];
    const [conversationCount, headSum, readSum, versionSum] = row;
    return {
      conversationCount,
      headSum,
      readSum,
      sinceMs: 0,
      versionSum,
      peerSum: this.#peerSum.get(userId) as number,
    };
  }

  /** In the order asked for; what the user was never a member of is left out. */
  states(userId: bigint, conversationIds: readonly bigint[]): ConversationState[] {
    const states: ConversationState[] = [];
    for (const conversationId of new Set(conversationIds)) {
      const row = this.#one.get(conversationId, userId) as StateRow | undefined;
      if (row) states.push(this.#state(row, userId));
    }
    return states;
  }

  hidden(
    userId: bigint,
    conversationId: bigint,
    since: number,
  ): { convSeqs: number[]; hiddenVersion: number; more: boolean } {
    const found = this.#hiddenVersion.get(conversationId, userId) as [number, number] | undefined;
    const from = Number.isFinite(since) ? since : 0;
    if (!found) return { convSeqs: [], hiddenVersion: from, more: false };
    const [conversationNo, hiddenVersion] = found;
    const rows = this.#hidden.all(conversationNo, userId, from, MOST_HIDDEN + 1) as [number, number][];
    const more = rows.length > MOST_HIDDEN;
    if (more) rows.length = MOST_HIDDEN;
    const last = rows.at(-1)?.[1] ?? Math.max(from, hiddenVersion);
    return { convSeqs: rows.map(([convSeq]) => convSeq), hiddenVersion: last, more };
  }

  #state(row: StateRow, userId: bigint): ConversationState {
    const { conversationId, conversationNo, peerId } = row;
    const [kind, headSeq, joinSeq, leaveSeq] = [row.kind, row.headSeq, row.joinSeq, row.leaveSeq].map(Number) as [
      number,
      number,
      number,
      number,
    ];
    const readSeq = Number(row.readSeq);
    const isGroup = kind === ConversationKind.group;
    const group = isGroup ? this.#profile(conversationNo, userId, leaveSeq > 0) : undefined;
    const viewer = { userId, leaveSeq };
    return {
      conversationId,
      kind,
      headSeq,
      headCountNo: Number(row.headCountNo),
      joinSeq,
      readSeq,
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
      lastMessage: this.#messages.preview(conversationId, Number(conversationNo), Number(row.lastShownSeq), viewer),
      leaveSeq,
      mentionSeq: this.#mentionSeq(conversationNo, userId, Math.max(readSeq, joinSeq - 1), headSeq),
      version: Number(row.version),
      settings: settingsOf(row),
      group: group?.profile,
      role: roleOf(leaveSeq, Number(row.role)),
      mutedUntilMs: Number(row.mutedUntilMs),
      pendingJoins: Number(row.role) >= ADMIN ? (group?.pendingJoins ?? 0) : 0,
    };
  }

  #profile(
    conversationNo: bigint,
    userId: bigint,
    left: boolean,
  ): { profile: GroupProfile; pendingJoins: number } | undefined {
    const found = left ? this.#formerGroup.get(conversationNo, userId) : this.#group.get(conversationNo);
    const row = found as [string, bigint, string, bigint, bigint, bigint, bigint, bigint] | undefined;
    if (!row) return undefined;
    const [name, avatarColor, announcement, ownerId, memberCount, muteAll, joinApproval, pendingJoins] = row;
    return {
      profile: {
        name,
        avatarColor: Number(avatarColor),
        announcement,
        ownerId,
        memberCount: Number(memberCount),
        muteAll: muteAll === 1n,
        joinApproval: joinApproval === 1n,
      },
      pendingJoins: Number(pendingJoins),
    };
  }

  #mentionSeq(conversationNo: bigint, userId: bigint, afterSeq: number, lastSeq: number): number {
    if (lastSeq <= afterSeq) return 0;
    const newest = (mentioned: bigint) =>
      Number(this.#mentioned.get(conversationNo, mentioned, BigInt(afterSeq), BigInt(lastSeq), userId) ?? 0);
    return Math.max(newest(userId), newest(EVERYBODY));
  }
}

/** Who left keeps the least role. */
function roleOf(leaveSeq: number, role: number): number {
  return leaveSeq > 0 ? MEMBER : role;
}

function settingsOf(row: StateRow): MemberSettings {
  return {
    silentUntilMs: Number(row.silentUntilMs),
    pinnedMs: Number(row.pinnedMs),
    archived: row.archived === 1n,
    markedUnread: row.markedUnread === 1n,
    draft: row.draft ?? '',
    hiddenVersion: Number(row.hiddenVersion),
  };
}
