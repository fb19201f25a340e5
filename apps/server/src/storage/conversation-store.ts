import type {
  ConversationState,
  ErrorName,
  MemberCursor,
  MemberSettings,
  SettingsRequest,
  SyncMark,
} from '@fastim/protocol';

export interface SyncPageQuery {
  userId: bigint;
  /**
   * Only conversations with activity (message, cursor or membership change) at or after this server time; 0: all.
   * Times are the callers' own, taken before their commit: who asks for "since my last read" has to go back by as long
   * as a commit may take.
   */
  sinceMs: number;
  /** The place after the last row of the page before; 0 and 0n: first page. */
  beforeActivityMs: number;
  beforeConversationId: bigint;
  limit: number;
}

/** A cursor move of one device. */
export interface CursorRaise {
  conversationId: bigint;
  userId: bigint;
  deviceId: string;
  /** 0: not moved. In groups delivered_seq is not stored. */
  deliveredSeq: number;
  readSeq: number;
  nowMs: number;
}

export interface RaiseOutcome {
  /** The cursors that really rose, each once, with its last value. */
  readonly raised: readonly MemberCursor[];
  /** Whose marked_unread went, and `version` rose, by it; each once. */
  readonly unmarked: ReadonlyArray<{ readonly conversationId: bigint; readonly userId: bigint }>;
  /** The moves that were dropped, and why: NOT_A_MEMBER, or CURSOR_INVALID for one past the head. */
  readonly refused: ReadonlyArray<{ readonly move: CursorRaise; readonly reason: ErrorName }>;
}

/** What a member may read: join_seq to `lastSeq`, which is the head, or the notice of having left. */
export interface Membership {
  readonly kind: number;
  readonly joinSeq: number;
  readonly lastSeq: number;
  /** 0: a member. */
  readonly leaveSeq: number;
  /** GroupRole; 0 in direct conversations. */
  readonly role: number;
  /** Of the group; 2 in direct conversations. */
  readonly memberCount: number;
}

/**
 * Conversations, members and cursors.
 *
 * openDirect: idempotent and symmetrical: the same two users always get the same conversation, whoever asks, also when
 * both ask at once. `newId` is used if it is new. That the users exist is the caller's to check.
 * syncPage / mark / states: only conversations the user is a member of. No row is written per recipient, ever.
 * raiseCursors: one transaction; cursors only rise (max), so repeats and reordering do no harm; what is read is
 * delivered; a read cursor that rises takes marked_unread away. A move that is refused does not touch the others. On disk
 * when it resolves.
 * A member who left still has the conversation, up to the notice of leaving; nothing behind it is ever given out: the
 * group's profile, and what history says of edits and reactions, is as of then. Only a recall shows: the words are gone.
 * changeSettings: absolute values, one transaction; raises `version` (and hidden_version for new hide_seqs) only when
 * something changed. hidden: conv_seqs deleted for this member after `since`, by rising hidden_version, at most 1,000.
 * groupIdsOf: the groups a user is a member of now, for telling gates.
 * states: in the order asked for, each once.
 * lastMessage is undefined, and the damage is logged, when the stored row is not what was written: one bad row does not
 * keep a user from the list.
 */
export interface ConversationStore {
  openDirect(
    userId: bigint,
    peerId: bigint,
    newId: bigint,
    nowMs: number,
  ): Promise<{ conversationId: bigint; created: boolean }>;
  /** Undefined for who never was a member. */
  membership(conversationId: bigint, userId: bigint): Promise<Membership | undefined>;
  /** Both members of a direct conversation; empty for a group. */
  directMembers(conversationId: bigint): Promise<bigint[]>;
  groupIdsOf(userId: bigint): Promise<bigint[]>;
  /** Newest activity first. */
  syncPage(query: SyncPageQuery): Promise<{ conversations: ConversationState[]; more: boolean }>;
  /** sinceMs of the result is 0. */
  mark(userId: bigint): Promise<SyncMark>;
  states(userId: bigint, conversationIds: readonly bigint[]): Promise<ConversationState[]>;
  raiseCursors(batch: readonly CursorRaise[]): Promise<RaiseOutcome>;
  /** Undefined for who never was a member. */
  changeSettings(
    userId: bigint,
    change: SettingsRequest,
    nowMs: number,
  ): Promise<{ version: number; settings: MemberSettings; changed: boolean } | undefined>;
  hidden(
    userId: bigint,
    conversationId: bigint,
    since: number,
  ): Promise<{ convSeqs: number[]; hiddenVersion: number; more: boolean }>;
}
