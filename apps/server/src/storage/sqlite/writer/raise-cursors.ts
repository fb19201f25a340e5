import type { MemberCursor } from '@fastim/protocol';
import type { Database, Statement } from 'better-sqlite3';
import type { CursorRaise } from '../../conversation-store.ts';
import { type CachedConversation, type CachedMember, type ConversationCache, memberOf } from './conversation-cache.ts';

/** Raises cursors inside the caller's transaction; only upwards, and only those of members. */
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

  /** The member cursors that rose, each once, with its last value. */
  raise(batch: readonly CursorRaise[]): MemberCursor[] {
    const risen = new Map<CachedMember, CachedConversation>();
    for (const move of batch) {
      const entry = this.#cache.get(move.conversationId);
      const member = entry && memberOf(entry, move.userId);
      if (entry && member && this.#raiseOne(entry, member, move)) risen.set(member, entry);
    }
    return Array.from(risen, ([member, entry]) => ({
      conversationId: entry.conversationId,
      userId: member.userId,
      deliveredSeq: member.deliveredSeq,
      readSeq: member.readSeq,
      readCountNo: member.readCountNo,
    }));
  }

  #raiseOne(entry: CachedConversation, member: CachedMember, move: CursorRaise): boolean {
    const readSeq = held(move.readSeq, entry.headSeq);
    // What is read is delivered.
    const deliveredSeq = Math.max(held(move.deliveredSeq, entry.headSeq), readSeq);
    if (deliveredSeq > 0) this.#raiseDevice.run(entry.conversationNo, member.userId, move.deviceId, deliveredSeq);
    if (readSeq <= member.readSeq && deliveredSeq <= member.deliveredSeq) return false;
    if (readSeq > member.readSeq) {
      member.readCountNo = this.#countNo(entry, readSeq);
      member.readSeq = readSeq;
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

/** A cursor from outside, held to what exists. */
function held(seq: number, headSeq: number): number {
  return Number.isFinite(seq) ? Math.max(0, Math.min(Math.floor(seq), headSeq)) : 0;
}
