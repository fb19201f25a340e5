import { ConversationKind } from '@fastim/protocol';
import type { Database, Statement } from 'better-sqlite3';
import { plannedOnce } from '../planned-once.ts';

/** Finds or makes the one direct conversation of two users, inside the caller's transaction. */
export class OpenDirect {
  readonly #find: Statement<[bigint, bigint]>;
  readonly #addConversation: Statement<[bigint, number, number, number]>;
  readonly #addPair: Statement<[bigint, bigint, number | bigint]>;
  readonly #addMember: Statement<[number | bigint, bigint, number]>;

  constructor(database: Database) {
    this.#find = database
      .prepare<[bigint, bigint]>(
        plannedOnce(`SELECT conversation_id FROM direct_pair JOIN conversation USING (conversation_no)
         WHERE low_user_id = ? AND high_user_id = ?`),
      )
      .pluck()
      .safeIntegers();
    this.#addConversation = database.prepare(
      `INSERT INTO conversation (conversation_id, kind, head_seq, head_count_no, last_activity_ms, created_ms)
       VALUES (?, ?, 0, 0, ?, ?)`,
    );
    this.#addPair = database.prepare(
      'INSERT INTO direct_pair (low_user_id, high_user_id, conversation_no) VALUES (?, ?, ?)',
    );
    this.#addMember = database.prepare(
      `INSERT INTO member (conversation_no, user_id, join_seq, join_count_no, read_seq, read_count_no, own_seq,
                           own_count_no, delivered_seq, changed_ms)
       VALUES (?, ?, 1, 0, 0, 0, 0, 0, 0, ?)`,
    );
  }

  open(userId: bigint, peerId: bigint, newId: bigint, nowMs: number): { conversationId: bigint; created: boolean } {
    const low = userId < peerId ? userId : peerId;
    const high = userId < peerId ? peerId : userId;
    const found = this.#find.get(low, high) as bigint | undefined;
    if (found !== undefined) return { conversationId: found, created: false };
    const { lastInsertRowid } = this.#addConversation.run(newId, ConversationKind.direct, nowMs, nowMs);
    this.#addPair.run(low, high, lastInsertRowid);
    this.#addMember.run(lastInsertRowid, low, nowMs);
    if (high !== low) this.#addMember.run(lastInsertRowid, high, nowMs);
    return { conversationId: newId, created: true };
  }
}
