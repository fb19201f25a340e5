import { MEMBER, OWNER } from '@fastim/core';
import { ConversationKind, MessageKind, NoticeAction } from '@fastim/protocol';
import type { Database, Statement } from 'better-sqlite3';
import type { GroupOutcome, NewGroup } from '../../../group-store.ts';
import { StorageError } from '../../../storage.ts';
import { plannedOnce } from '../../planned-once.ts';
import { done, type GroupRow, type GroupRows } from './group-rows.ts';

/** Makes a group with its first members and its first notice, inside the caller's transaction. */
export class CreateGroup {
  readonly #rows: GroupRows;
  readonly #earlier: Statement<[Uint8Array, bigint]>;
  readonly #addConversation: Statement<[bigint, number, number]>;
  readonly #addGroup: Statement<[number | bigint, string, number, bigint]>;

  constructor(database: Database, rows: GroupRows) {
    this.#rows = rows;
    // A group's first message is the notice of its making; the index of client ids leads to it.
    this.#earlier = database
      .prepare<[Uint8Array, bigint]>(
        plannedOnce(`SELECT c.conversation_id FROM message m JOIN conversation c ON c.conversation_no = m.place >> 32
         WHERE m.client_msg_id = ? AND m.sender_id = ? AND m.place & 0xffffffff = 1
           AND m.kind = ${MessageKind.notice}`),
      )
      .pluck()
      .safeIntegers();
    this.#addConversation = database.prepare(
      `INSERT INTO conversation (conversation_id, kind, head_seq, head_count_no, last_activity_ms, created_ms)
       VALUES (?, ${ConversationKind.group}, 0, 0, ?, ?)`,
    );
    this.#addGroup = database.prepare(
      `INSERT INTO chat_group (conversation_no, name, avatar_color, announcement, owner_id, member_count, mute_all,
                               join_approval, pending_joins)
       VALUES (?, ?, ?, '', ?, 0, 0, 0, 0)`,
    );
  }

  create(request: NewGroup): GroupOutcome {
    const { creatorId, clientMsgId, msgId, name, avatarColor, memberIds, nowMs } = request;
    const earlier = this.#earlier.get(clientMsgId, creatorId) as bigint | undefined;
    if (earlier !== undefined) {
      const outcome = this.#rows.repeat(this.#required(earlier), creatorId, clientMsgId);
      if (outcome) return outcome;
    }
    const { lastInsertRowid } = this.#addConversation.run(request.conversationId, nowMs, nowMs);
    this.#addGroup.run(lastInsertRowid, name, avatarColor, creatorId);
    const group = this.#required(request.conversationId);
    this.#rows.enter(group, [creatorId], nowMs, OWNER);
    this.#rows.enter(group, memberIds, nowMs, MEMBER);
    return this.#rows.tell(
      group,
      { senderId: creatorId, clientMsgId, msgId, nowMs },
      { ...done(NoticeAction.created, memberIds, name, avatarColor), added: [creatorId, ...memberIds] },
    );
  }

  #required(conversationId: bigint): GroupRow {
    const group = this.#rows.find(conversationId);
    if (!group) throw new StorageError('corrupt', `conversation ${conversationId} has no group`);
    return group;
  }
}
