import { ADMIN, MEMBER } from '@fastim/core';
import { type Message, MessageKind, type NoticeBody, noticeBody } from '@fastim/protocol';
import type { Database, Statement } from 'better-sqlite3';
import type { GroupOutcome } from '../../../group-store.ts';
import { StorageError } from '../../../storage.ts';
import { removalsUpTo } from '../../packing/append-batch.ts';
import { plannedOnce } from '../../planned-once.ts';
import { MESSAGE_COLUMNS, type MessageRow, StoredMessages } from '../../reader/stored-message.ts';
import { MOST_MESSAGES } from '../append-messages.ts';

/** A group's rows as they are in the transaction. `headSeq` and what follows are kept in step with them. */
export interface GroupRow {
  readonly conversationNo: number;
  readonly conversationId: bigint;
  headSeq: number;
  readonly headCountNo: number;
  removalsSeq: number;
  readonly name: string;
  readonly avatarColor: number;
  readonly announcement: string;
  memberCount: number;
  readonly muteAll: boolean;
  readonly joinApproval: boolean;
}

/** Somebody who is in the group now. */
export interface MemberRow {
  readonly userId: bigint;
  readonly role: number;
  readonly mutedUntilMs: number;
}

/** Who a notice is by, and under which id. */
export interface Author {
  readonly senderId: bigint;
  readonly clientMsgId: Uint8Array;
  readonly msgId: bigint;
  readonly nowMs: number;
}

export interface Done {
  readonly notice: NoticeBody;
  readonly added: readonly bigint[];
  readonly removed: readonly bigint[];
}

export function done(action: number, userIds: readonly bigint[], text = '', number = 0): Done {
  return { notice: { action, userIds: [...userIds], text, number }, added: [], removed: [] };
}

/**
 * The rows of groups, inside the caller's transaction. Whoever changes anything by it has released the conversation from
 * the cache before, and ends with `tell`, which stores the one notice of the change.
 */
export class GroupRows {
  readonly #stored = new StoredMessages();
  readonly #group: Statement<[bigint]>;
  readonly #present: Statement<[number, bigint]>;
  readonly #earlier: Statement<[Uint8Array, bigint, number]>;
  readonly #enter: Statement<[number, bigint, number, number, number, number, number]>;
  readonly #exit: Statement<[number, number, number, number, number, bigint]>;
  readonly #freeze: Statement<[bigint, number]>;
  readonly #thaw: Statement<[number, bigint]>;
  readonly #revokeLinks: Statement<[number, bigint]>;
  readonly #countMembers: Statement<[number, number]>;
  readonly #addRequest: Statement<[number, bigint, number]>;
  readonly #dropRequest: Statement<[number, bigint]>;
  readonly #countRequests: Statement<[number, number]>;
  readonly #touch: Statement<[number, number, bigint]>;
  readonly #touchAdmins: Statement<[number, number]>;
  readonly #insert: Statement;
  readonly #setHead: Statement<[number, number, number, number, number]>;
  readonly #setOwn: Statement<[number, number, number, bigint]>;

  constructor(database: Database) {
    this.#group = database
      .prepare<[bigint]>(
        plannedOnce(`SELECT g.conversation_no, c.head_seq, c.head_count_no, c.removals_seq, g.name, g.avatar_color,
                g.announcement, g.member_count, g.mute_all, g.join_approval
         FROM conversation c JOIN chat_group g USING (conversation_no) WHERE c.conversation_id = ?`),
      )
      .raw();
    this.#present = database
      .prepare<[number, bigint]>(
        'SELECT role, muted_until_ms FROM member WHERE conversation_no = ? AND user_id = ? AND role > 0',
      )
      .raw();
    this.#earlier = database
      .prepare<[Uint8Array, bigint, number]>(
        `SELECT ${MESSAGE_COLUMNS} FROM message WHERE client_msg_id = ? AND sender_id = ? AND place >> 32 = ?`,
      )
      .raw()
      .safeIntegers();
    this.#enter = database.prepare(
      `INSERT INTO member (conversation_no, user_id, join_seq, join_count_no, role, joined_ms, changed_ms,
                           read_seq, read_count_no, own_seq, own_count_no, delivered_seq)
       VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0)
       ON CONFLICT (conversation_no, user_id) DO UPDATE SET
         join_seq = excluded.join_seq, join_count_no = excluded.join_count_no, role = excluded.role,
         joined_ms = excluded.joined_ms, changed_ms = max(changed_ms, excluded.changed_ms),
         leave_seq = 0, leave_count_no = 0, left_ms = 0, version = version + 1`,
    );
    this.#exit = database.prepare(
      `UPDATE member SET role = 0, leave_seq = ?, leave_count_no = ?, left_ms = ?, version = version + 1,
              changed_ms = max(changed_ms, ?)
       WHERE conversation_no = ? AND user_id = ?`,
    );
    this.#freeze = database.prepare(
      `INSERT OR REPLACE INTO former_group (conversation_no, user_id, name, avatar_color, announcement, owner_id,
                                            member_count, mute_all, join_approval)
       SELECT conversation_no, ?, name, avatar_color, announcement, owner_id, member_count, mute_all, join_approval
       FROM chat_group WHERE conversation_no = ?`,
    );
    this.#thaw = database.prepare('DELETE FROM former_group WHERE conversation_no = ? AND user_id = ?');
    this.#revokeLinks = database.prepare(
      'UPDATE group_link SET revoked = 1 WHERE conversation_no = ? AND creator_id = ?',
    );
    this.#countMembers = database.prepare('UPDATE chat_group SET member_count = ? WHERE conversation_no = ?');
    this.#addRequest = database.prepare(
      `INSERT INTO join_request (conversation_no, user_id, requested_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
    );
    this.#dropRequest = database.prepare('DELETE FROM join_request WHERE conversation_no = ? AND user_id = ?');
    this.#countRequests = database.prepare(
      'UPDATE chat_group SET pending_joins = pending_joins + ? WHERE conversation_no = ?',
    );
    this.#touch = database.prepare(
      `UPDATE member SET version = version + 1, changed_ms = max(changed_ms, ?)
       WHERE conversation_no = ? AND user_id = ?`,
    );
    this.#touchAdmins = database
      .prepare<[number, number]>(
        `UPDATE member SET version = version + 1, changed_ms = max(changed_ms, ?)
         WHERE conversation_no = ? AND role >= ${ADMIN} AND role > 0 RETURNING user_id`,
      )
      .pluck()
      .safeIntegers();
    this.#insert = database.prepare(
      `INSERT INTO message (place, msg_id, sender_id, client_msg_id, kind, server_time_ms, count_no, checksum, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#setHead = database.prepare(
      `UPDATE conversation SET head_seq = ?, last_shown_seq = ?, removals_seq = ?,
              last_activity_ms = max(last_activity_ms, ?)
       WHERE conversation_no = ?`,
    );
    this.#setOwn = database.prepare(
      'UPDATE member SET own_seq = ?, own_count_no = ? WHERE conversation_no = ? AND user_id = ?',
    );
  }

  find(conversationId: bigint): GroupRow | undefined {
    const row = this.#group.get(conversationId) as
      | [number, number, number, number, string, number, string, number, number, number]
      | undefined;
    if (!row) return undefined;
    const [conversationNo, headSeq, headCountNo, removalsSeq, name, avatarColor, announcement, memberCount, ...flags] =
      row;
    return {
      conversationNo,
      conversationId,
      headSeq,
      headCountNo,
      removalsSeq,
      name,
      avatarColor,
      announcement,
      memberCount,
      muteAll: flags[0] === 1,
      joinApproval: flags[1] === 1,
    };
  }

  /** Undefined for who is not in the group now. */
  present(group: GroupRow, userId: bigint): MemberRow | undefined {
    const row = this.#present.get(group.conversationNo, userId) as [number, number] | undefined;
    return row && { userId, role: row[0], mutedUntilMs: row[1] };
  }

  /** What was stored for the same actor and id before. */
  repeat(group: GroupRow, senderId: bigint, clientMsgId: Uint8Array): GroupOutcome | undefined {
    const row = this.#earlier.get(clientMsgId, senderId, group.conversationNo) as MessageRow | undefined;
    if (!row) return undefined;
    const notice = this.#stored.read(group.conversationId, row);
    if (!notice) throw new StorageError('corrupt', 'a notice is not what was written');
    if (notice.kind !== MessageKind.notice) return { outcome: 'refused', reason: 'ID_REUSED' };
    return {
      outcome: 'repeated',
      conversationId: group.conversationId,
      notice,
      added: [],
      removed: [],
      userIds: noticeBody.decode(notice.body).userIds,
      removalsSeq: removalsUpTo(group.removalsSeq, notice.convSeq),
    };
  }

  /** They see from the next notice on. Whoever comes back keeps cursors and settings, and is muted as before. */
  enter(group: GroupRow, userIds: readonly bigint[], nowMs: number, role = MEMBER): void {
    const joinSeq = group.headSeq + 1;
    let decided = 0;
    for (const userId of userIds) {
      this.#enter.run(group.conversationNo, userId, joinSeq, group.headCountNo, role, nowMs, nowMs);
      this.#thaw.run(group.conversationNo, userId);
      decided += this.#dropRequest.run(group.conversationNo, userId).changes;
    }
    this.#setMemberCount(group, group.memberCount + userIds.length);
    this.#requestsChanged(group, -decided, nowMs);
  }

  /** They see up to the next notice; what they wrote stays, the links they made do not. */
  exit(group: GroupRow, userIds: readonly bigint[], nowMs: number): void {
    const leaveSeq = group.headSeq + 1;
    this.#setMemberCount(group, group.memberCount - userIds.length);
    for (const userId of userIds) {
      this.#exit.run(leaveSeq, group.headCountNo, nowMs, nowMs, group.conversationNo, userId);
      this.#freeze.run(userId, group.conversationNo);
      this.#revokeLinks.run(group.conversationNo, userId);
    }
    group.removalsSeq = leaveSeq;
  }

  /** False: it waits already. */
  request(group: GroupRow, userId: bigint, nowMs: number): boolean {
    return this.#addRequest.run(group.conversationNo, userId, nowMs).changes === 1;
  }

  /** Turns requests down; owner and admins see their number. Returns who they are. */
  dropRequests(group: GroupRow, userIds: readonly bigint[], nowMs: number): bigint[] {
    let dropped = 0;
    for (const userId of userIds) dropped += this.#dropRequest.run(group.conversationNo, userId).changes;
    return this.#requestsChanged(group, -dropped, nowMs);
  }

  /** After requests came or went: owner and admins see their number. Returns who they are. */
  requestsCame(group: GroupRow, nowMs: number): bigint[] {
    return this.#requestsChanged(group, 1, nowMs);
  }

  touch(group: GroupRow, userId: bigint, nowMs: number): void {
    this.#touch.run(nowMs, group.conversationNo, userId);
  }

  /** Stores the notice of a change that is made. */
  tell(group: GroupRow, author: Author, { notice, added, removed }: Done): GroupOutcome {
    const convSeq = group.headSeq + 1;
    if (convSeq > MOST_MESSAGES) throw new StorageError('other', `conversation ${group.conversationId} is full`);
    const { senderId, clientMsgId, msgId, nowMs } = author;
    const message: Message = {
      msgId,
      conversationId: group.conversationId,
      convSeq,
      senderId,
      clientMsgId,
      kind: MessageKind.notice,
      body: new Uint8Array(noticeBody.encode(notice)),
      serverTimeMs: nowMs,
      countNo: group.headCountNo,
    };
    this.#insert.run(
      (BigInt(group.conversationNo) << 32n) + BigInt(convSeq),
      msgId,
      senderId,
      clientMsgId,
      message.kind,
      nowMs,
      message.countNo,
      this.#stored.checksum(message),
      message.body,
    );
    group.headSeq = convSeq;
    this.#setHead.run(convSeq, convSeq, group.removalsSeq, nowMs, group.conversationNo);
    this.#setOwn.run(convSeq, group.headCountNo, group.conversationNo, senderId);
    return {
      outcome: 'stored',
      conversationId: group.conversationId,
      notice: message,
      added,
      removed,
      userIds: notice.userIds,
      removalsSeq: group.removalsSeq,
    };
  }

  #setMemberCount(group: GroupRow, memberCount: number): void {
    group.memberCount = memberCount;
    this.#countMembers.run(memberCount, group.conversationNo);
  }

  #requestsChanged(group: GroupRow, by: number, nowMs: number): bigint[] {
    if (by === 0) return [];
    this.#countRequests.run(by, group.conversationNo);
    return this.#touchAdmins.all(nowMs, group.conversationNo) as bigint[];
  }
}
