import type { Database, Statement } from 'better-sqlite3';

/** A member as stored; numbers are conv_seq and count_no values. */
export interface CachedMember {
  readonly userId: bigint;
  readonly joinSeq: number;
  readonly joinCountNo: number;
  readSeq: number;
  readCountNo: number;
  ownSeq: number;
  ownCountNo: number;
  deliveredSeq: number;
  changedMs: number;
  changed: boolean;
}

export interface CachedConversation {
  readonly conversationId: bigint;
  readonly conversationNo: number;
  /** conversation_no × 2^32: the place just before the first message. */
  readonly placeBase: bigint;
  headSeq: number;
  headCountNo: number;
  lastActivityMs: number;
  readonly members: readonly CachedMember[];
  /** The same array for as long as the membership is the same. */
  readonly memberIds: readonly bigint[];
  headChanged: boolean;
  membersChanged: boolean;
}

/**
 * Heads and members of the conversations in use. It may be trusted without looking because its owner is the only writer
 * there is, and a rollback clears it. Conversations that are not there are not remembered.
 *
 * Changes are made to the entries and written by `flush`, before the commit, once for each conversation and member
 * however many messages the transaction holds.
 */
export class ConversationCache {
  readonly #limit: number;
  /** Two generations: when the young one is full, the old one goes. Cheap, and what is in use stays. */
  #young = new Map<bigint, CachedConversation>();
  #old = new Map<bigint, CachedConversation>();
  #changed: CachedConversation[] = [];
  readonly #findConversation: Statement<[bigint]>;
  readonly #findMembers: Statement<[number]>;
  readonly #updateConversation: Statement<[number, number, number, number]>;
  readonly #updateMember: Statement<[number, number, number, number, number, number, number, bigint]>;

  constructor(database: Database, limit: number) {
    this.#limit = limit;
    this.#findConversation = database
      .prepare<[bigint]>(
        `SELECT conversation_no, head_seq, head_count_no, last_activity_ms
         FROM conversation WHERE conversation_id = ?`,
      )
      .raw();
    this.#findMembers = database
      .prepare<[number]>(
        `SELECT user_id, join_seq, join_count_no, read_seq, read_count_no, own_seq, own_count_no, delivered_seq,
                changed_ms
         FROM member WHERE conversation_no = ?`,
      )
      .raw()
      .safeIntegers();
    this.#updateConversation = database.prepare(
      'UPDATE conversation SET head_seq = ?, head_count_no = ?, last_activity_ms = ? WHERE conversation_no = ?',
    );
    this.#updateMember = database.prepare(
      `UPDATE member SET read_seq = ?, read_count_no = ?, own_seq = ?, own_count_no = ?, delivered_seq = ?,
              changed_ms = ?
       WHERE conversation_no = ? AND user_id = ?`,
    );
  }

  get(conversationId: bigint): CachedConversation | undefined {
    let entry = this.#young.get(conversationId);
    if (entry) return entry;
    entry = this.#old.get(conversationId) ?? this.#load(conversationId);
    if (entry) this.#keep(entry);
    return entry;
  }

  /** After a change of the head. */
  touchHead(entry: CachedConversation): void {
    this.#noteChange(entry);
    entry.headChanged = true;
  }

  touchMember(entry: CachedConversation, member: CachedMember): void {
    this.#noteChange(entry);
    entry.membersChanged = true;
    member.changed = true;
  }

  /** Writes what changed. Has to be called before every commit. */
  flush(): void {
    if (this.#changed.length === 0) return;
    for (const entry of this.#changed) {
      if (entry.headChanged) {
        this.#updateConversation.run(entry.headSeq, entry.headCountNo, entry.lastActivityMs, entry.conversationNo);
        entry.headChanged = false;
      }
      if (entry.membersChanged) this.#flushMembers(entry);
    }
    this.#changed = [];
  }

  #flushMembers(entry: CachedConversation): void {
    for (const member of entry.members) {
      if (!member.changed) continue;
      this.#updateMember.run(
        member.readSeq,
        member.readCountNo,
        member.ownSeq,
        member.ownCountNo,
        member.deliveredSeq,
        member.changedMs,
        entry.conversationNo,
        member.userId,
      );
      member.changed = false;
    }
    entry.membersChanged = false;
  }

  /** After a rollback: what is noted here may not be what is stored. */
  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
    this.#changed = [];
  }

  #noteChange(entry: CachedConversation): void {
    if (!entry.headChanged && !entry.membersChanged) this.#changed.push(entry);
  }

  #keep(entry: CachedConversation): void {
    if (this.#young.size >= this.#limit / 2) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(entry.conversationId, entry);
  }

  #load(conversationId: bigint): CachedConversation | undefined {
    const row = this.#findConversation.get(conversationId) as [number, number, number, number] | undefined;
    if (!row) return undefined;
    const [conversationNo, headSeq, headCountNo, lastActivityMs] = row;
    const members: CachedMember[] = [];
    for (const columns of this.#findMembers.all(conversationNo) as bigint[][]) {
      const [userId = 0n, ...rest] = columns;
      const [joinSeq = 0, joinCountNo = 0, readSeq = 0, readCountNo = 0, ownSeq = 0, ownCountNo = 0, ...last] =
        rest.map(Number);
      const [deliveredSeq = 0, changedMs = 0] = last;
      members.push({
        userId,
        joinSeq,
        joinCountNo,
        readSeq,
        readCountNo,
        ownSeq,
        ownCountNo,
        deliveredSeq,
        changedMs,
        changed: false,
      });
    }
    return {
      conversationId,
      conversationNo,
      placeBase: BigInt(conversationNo) << 32n,
      headSeq,
      headCountNo,
      lastActivityMs,
      members,
      memberIds: members.map((member) => member.userId),
      headChanged: false,
      membersChanged: false,
    };
  }
}

export function memberOf(entry: CachedConversation, userId: bigint): CachedMember | undefined {
  const { members } = entry;
  for (let index = 0; index < members.length; index += 1) {
    const member = members[index]!;
    if (member.userId === userId) return member;
  }
  return undefined;
}
