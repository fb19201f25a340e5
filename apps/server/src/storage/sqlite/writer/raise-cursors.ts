import { ConversationKind, type ErrorName } from '@fastim/protocol';
import type { Database, Statement } from 'better-sqlite3';
import type { CursorRaise } from '../../conversation-store.ts';
import type { PackedRaiseOutcome } from '../worker/operations.ts';
import type { CachedConversation, CachedMember, ConversationCache } from './conversation-cache.ts';

/**
 * Raises cursors inside the caller's transaction; only upwards, and only to what the member may see. In groups only
 * read_seq is kept: a move that only delivers writes nothing.
 */
export class RaiseCursors {
  readonly #cache: ConversationCache;
  readonly #raiseDevice: Statement<[number, bigint, string, number]>;
  readonly #countNoAt: Statement<[bigint]>;

  constructor(database: Database, cache: ConversationCache) {
    this.#cache = cache;
    this.#raiseDevice = database.prepare(
      `INSERT INTO device_cursor (conversation_no, user_id, device_id, delivered_seq) VALUES (?, ?, ?, ?)
       ON CONFLICT (conversation_no, user_id, device_id)
       DO UPDATE SET delivered_seq = excluded.delivered_seq WHERE excluded.delivered_seq > delivered_seq`,
    );
    this.#countNoAt = database.prepare<[bigint]>('SELECT count_no FROM message WHERE place = ?').pluck();
  }

  raise(batch: readonly CursorRaise[]): PackedRaiseOutcome {
    const risen = new Map<CachedMember, CachedConversation>();
    const unmarked = new Map<CachedMember, { conversationId: bigint; userId: bigint }>();
    const refused: { index: number; reason: ErrorName }[] = [];
    for (const [index, move] of batch.entries()) {
      const entry = this.#cache.get(move.conversationId);
      const member = entry && this.#cache.member(entry, move.userId);
      if (!entry || !member) refused.push({ index, reason: 'NOT_A_MEMBER' });
      else if (!isWithin(move, member.leaveSeq || entry.headSeq)) refused.push({ index, reason: 'CURSOR_INVALID' });
      else {
        const { markedUnread } = member;
        if (!this.#raiseOne(entry, member, move)) continue;
        risen.set(member, entry);
        if (markedUnread && !member.markedUnread)
          unmarked.set(member, { conversationId: entry.conversationId, userId: member.userId });
      }
    }
    const raised = Array.from(risen, ([member, entry]) => ({
      conversationId: entry.conversationId,
      userId: member.userId,
      deliveredSeq: member.deliveredSeq,
      readSeq: member.readSeq,
      readCountNo: member.readCountNo,
    }));
    return { raised, unmarked: [...unmarked.values()], refused };
  }

  #raiseOne(entry: CachedConversation, member: CachedMember, move: CursorRaise): boolean {
    const { readSeq } = move;
    const delivers = entry.kind === ConversationKind.direct;
    // What is read is delivered.
    const deliveredSeq = delivers ? Math.max(move.deliveredSeq, readSeq) : 0;
    if (deliveredSeq > 0) this.#raiseDevice.run(entry.conversationNo, member.userId, move.deviceId, deliveredSeq);
    if (readSeq <= member.readSeq && deliveredSeq <= member.deliveredSeq) return false;
    if (readSeq > member.readSeq) {
      member.readCountNo = this.#countNo(entry, readSeq);
      member.readSeq = readSeq;
      if (member.markedUnread) {
        member.markedUnread = false;
        member.version += 1;
      }
    }
    member.deliveredSeq = Math.max(member.deliveredSeq, deliveredSeq);
    member.changedMs = Math.max(member.changedMs, move.nowMs);
    this.#cache.touchMember(entry, member);
    return true;
  }

  #countNo(entry: CachedConversation, convSeq: number): number {
    if (convSeq === entry.headSeq) return entry.headCountNo;
    return Number(this.#countNoAt.get(entry.placeBase + BigInt(convSeq)) ?? 0);
  }
}

/** Both are places that this member can have come to; 0 is none. */
function isWithin({ deliveredSeq, readSeq }: CursorRaise, lastSeq: number): boolean {
  return [deliveredSeq, readSeq].every((seq) => Number.isSafeInteger(seq) && seq >= 0 && seq <= lastSeq);
}
