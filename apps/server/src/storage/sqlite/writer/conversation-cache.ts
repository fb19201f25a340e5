import { ConversationKind } from '@fastim/protocol';
import type { Database, Statement } from 'better-sqlite3';
import { StorageError } from '../../storage.ts';
import { plannedOnce } from '../planned-once.ts';

/** Nothing; only own_seq and own_count_no, as by every message; anything. */
type Changed = 0 | 1 | 2;

/** A member as stored; numbers are conv_seq and count_no values. Those who left are rows too, with `leaveSeq`. */
export interface CachedMember {
  readonly userId: bigint;
  readonly joinSeq: number;
  readonly joinCountNo: number;
  /** 0: a member now. */
  readonly leaveSeq: number;
  readonly role: number;
  readonly mutedUntilMs: number;
  readSeq: number;
  readCountNo: number;
  ownSeq: number;
  ownCountNo: number;
  deliveredSeq: number;
  changedMs: number;
  version: number;
  markedUnread: boolean;
  /** What of it is not written yet. */
  changed: Changed;
}

export interface CachedConversation {
  readonly conversationId: bigint;
  readonly conversationNo: number;
  readonly kind: ConversationKind;
  /** conversation_no × 2^32: the place just before the first message. */
  readonly placeBase: bigint;
  headSeq: number;
  headCountNo: number;
  lastActivityMs: number;
  lastShownSeq: number;
  readonly removalsSeq: number;
  /** What core's rules ask of a group; undefined in direct conversations. */
  readonly group: { readonly muteAll: boolean } | undefined;
  /** Those that were asked for: of a group never all. */
  readonly members: Map<bigint, CachedMember>;
  /** Of a direct conversation; empty for a group. The same array for as long as the entry lives. */
  readonly memberIds: readonly bigint[];
  headChanged: boolean;
  readonly changedMembers: CachedMember[];
}

/** Bounds of what is kept: about 20 MB and 30 MB when full. */
const CACHED_CONVERSATIONS = 20_000;
const CACHED_MEMBERS = 100_000;

const MEMBER_COLUMNS = `user_id, join_seq, join_count_no, leave_seq, role, muted_until_ms, read_seq, read_count_no,
  own_seq, own_count_no, delivered_seq, changed_ms, version, marked_unread`;

/**
 * Heads and members of the conversations in use. It may be trusted without looking because its owner is the only writer
 * there is, and a rollback clears it. Conversations and members that are not there are not remembered.
 *
 * Changes are made to the entries and written by `flush`, before the commit, once for each conversation and member
 * however many messages the transaction holds. Who changes rows by other ways has to `release` the conversation first.
 */
export class ConversationCache {
  readonly #limit: number;
  readonly #memberLimit: number;
  /** Two generations: when the young one is full, the old one goes. Cheap, and what is in use stays. */
  #young = new Map<bigint, CachedConversation>();
  #old = new Map<bigint, CachedConversation>();
  #changed: CachedConversation[] = [];
  /** Loaded since everything was last dropped: never fewer than there are. */
  #membersLoaded = 0;
  readonly #findConversation: Statement<[bigint]>;
  readonly #findMembers: Statement<[number]>;
  readonly #findMember: Statement<[number, bigint]>;
  readonly #updateConversation: Statement<[number, number, number, number, number]>;
  readonly #updateOwn: Statement<[number, number, number, bigint]>;
  readonly #updateMember: Statement<[number, number, number, number, number, number, number, number, number, bigint]>;

  constructor(database: Database, limit = CACHED_CONVERSATIONS, memberLimit = CACHED_MEMBERS) {
    this.#limit = limit;
    this.#memberLimit = memberLimit;
    this.#findConversation = database
      .prepare<[bigint]>(
        plannedOnce(`SELECT c.conversation_no, c.kind, c.head_seq, c.head_count_no, c.last_activity_ms, c.last_shown_seq,
                c.removals_seq, g.mute_all
         FROM conversation c LEFT JOIN chat_group g USING (conversation_no) WHERE c.conversation_id = ?`),
      )
      .raw();
    const findMembers = `SELECT ${MEMBER_COLUMNS} FROM member WHERE conversation_no = ?`;
    this.#findMembers = database.prepare<[number]>(findMembers).raw().safeIntegers();
    this.#findMember = database.prepare<[number, bigint]>(`${findMembers} AND user_id = ?`).raw().safeIntegers();
    this.#updateConversation = database.prepare(
      `UPDATE conversation SET head_seq = ?, head_count_no = ?, last_activity_ms = ?, last_shown_seq = ?
       WHERE conversation_no = ?`,
    );
    this.#updateOwn = database.prepare(
      'UPDATE member SET own_seq = ?, own_count_no = ? WHERE conversation_no = ? AND user_id = ?',
    );
    this.#updateMember = database.prepare(
      `UPDATE member SET read_seq = ?, read_count_no = ?, own_seq = ?, own_count_no = ?, delivered_seq = ?,
              changed_ms = ?, version = ?, marked_unread = ?
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

  /** Whoever is or was a member. One row is read for it, whatever the size of the group. */
  member(entry: CachedConversation, userId: bigint): CachedMember | undefined {
    const found = entry.members.get(userId);
    if (found || entry.kind === ConversationKind.direct) return found;
    const row = this.#findMember.get(entry.conversationNo, userId) as bigint[] | undefined;
    return row && this.#addMember(entry, row);
  }

  /** After a change of the head. */
  touchHead(entry: CachedConversation): void {
    this.#noteChange(entry);
    entry.headChanged = true;
  }

  touchMember(entry: CachedConversation, member: CachedMember): void {
    this.#noteMember(entry, member);
    member.changed = 2;
  }

  /** After a change of nothing but ownSeq and ownCountNo. */
  touchOwn(entry: CachedConversation, member: CachedMember): void {
    this.#noteMember(entry, member);
    if (member.changed === 0) member.changed = 1;
  }

  /** Writes what changed. Has to be called before every commit. */
  flush(): void {
    this.#writeChanges();
    if (this.#membersLoaded > this.#memberLimit) this.clear();
  }

  /** Writes what changed of one conversation and forgets it, so that its rows can be changed in the database. */
  release(conversationId: bigint): void {
    const entry = this.#young.get(conversationId) ?? this.#old.get(conversationId);
    if (!entry) return;
    if (entry.headChanged || entry.changedMembers.length > 0) {
      this.#write(entry);
      this.#changed = this.#changed.filter((other) => other !== entry);
    }
    this.#young.delete(conversationId);
    this.#old.delete(conversationId);
  }

  /** After a rollback: what is noted here may not be what is stored. */
  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
    this.#changed = [];
    this.#membersLoaded = 0;
  }

  #writeChanges(): void {
    if (this.#changed.length === 0) return;
    for (const entry of this.#changed) this.#write(entry);
    this.#changed = [];
  }

  #write(entry: CachedConversation): void {
    if (entry.headChanged) {
      this.#updateConversation.run(
        entry.headSeq,
        entry.headCountNo,
        entry.lastActivityMs,
        entry.lastShownSeq,
        entry.conversationNo,
      );
      entry.headChanged = false;
    }
    for (const member of entry.changedMembers) {
      if (member.changed === 1) {
        this.#updateOwn.run(member.ownSeq, member.ownCountNo, entry.conversationNo, member.userId);
      } else this.#writeMember(entry, member);
      member.changed = 0;
    }
    entry.changedMembers.length = 0;
  }

  #writeMember(entry: CachedConversation, member: CachedMember): void {
    this.#updateMember.run(
      member.readSeq,
      member.readCountNo,
      member.ownSeq,
      member.ownCountNo,
      member.deliveredSeq,
      member.changedMs,
      member.version,
      member.markedUnread ? 1 : 0,
      entry.conversationNo,
      member.userId,
    );
  }

  #noteMember(entry: CachedConversation, member: CachedMember): void {
    if (member.changed !== 0) return;
    this.#noteChange(entry);
    entry.changedMembers.push(member);
  }

  #noteChange(entry: CachedConversation): void {
    if (!entry.headChanged && entry.changedMembers.length === 0) this.#changed.push(entry);
  }

  #keep(entry: CachedConversation): void {
    if (this.#young.size >= this.#limit / 2) {
      // What goes has to be on its way to the disk, or it would be read again as it was before.
      this.#writeChanges();
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(entry.conversationId, entry);
  }

  #load(conversationId: bigint): CachedConversation | undefined {
    const row = this.#findConversation.get(conversationId) as
      | [number, number, number, number, number, number, number, number | null]
      | undefined;
    if (!row) return undefined;
    const [conversationNo, kindNumber, headSeq, headCountNo, lastActivityMs, lastShownSeq, removalsSeq, muteAll] = row;
    const kind = kindOf(kindNumber);
    const isDirect = kind === ConversationKind.direct;
    const memberRows = isDirect ? (this.#findMembers.all(conversationNo) as bigint[][]) : [];
    const entry: CachedConversation = {
      conversationId,
      conversationNo,
      kind,
      placeBase: BigInt(conversationNo) << 32n,
      headSeq,
      headCountNo,
      lastActivityMs,
      lastShownSeq,
      removalsSeq,
      group: isDirect ? undefined : { muteAll: muteAll === 1 },
      members: new Map(),
      memberIds: memberRows.map(([userId = 0n]) => userId),
      headChanged: false,
      changedMembers: [],
    };
    for (const memberRow of memberRows) this.#addMember(entry, memberRow);
    return entry;
  }

  #addMember(entry: CachedConversation, row: bigint[]): CachedMember {
    const [userId = 0n, ...rest] = row;
    const [joinSeq = 0, joinCountNo = 0, leaveSeq = 0, role = 0, mutedUntilMs = 0, ...cursors] = rest.map(Number);
    const [readSeq = 0, readCountNo = 0, ownSeq = 0, ownCountNo = 0, deliveredSeq = 0, ...last] = cursors;
    const [changedMs = 0, version = 0, markedUnread = 0] = last;
    const member: CachedMember = {
      userId,
      joinSeq,
      joinCountNo,
      leaveSeq,
      role,
      mutedUntilMs,
      readSeq,
      readCountNo,
      ownSeq,
      ownCountNo,
      deliveredSeq,
      changedMs,
      version,
      markedUnread: markedUnread === 1,
      changed: 0,
    };
    entry.members.set(userId, member);
    this.#membersLoaded += 1;
    return member;
  }
}

function kindOf(kind: number): ConversationKind {
  if (kind === ConversationKind.direct || kind === ConversationKind.group) return kind;
  throw new StorageError('corrupt', `there are no conversations of kind ${kind}`);
}
