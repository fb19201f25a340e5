import type { ConversationState, MemberCursor, SyncMark } from '@fastim/protocol';

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
  /** 0: not moved. Values past the head are held to the head. */
  deliveredSeq: number;
  readSeq: number;
  nowMs: number;
}

/**
 * Conversations, members and cursors.
 *
 * openDirect: idempotent and symmetrical: the same two users always get the same conversation, whoever asks, also when
 * both ask at once. `newId` is used if it is new. That the users exist is the caller's to check.
 * syncPage / mark / states: only conversations the user is a member of. No row is written per recipient, ever.
 * raiseCursors: one transaction; cursors only rise (max), so repeats and reordering do no harm; moves by non-members
 * are dropped; what is read is delivered. Returns the cursors that really rose, each once, with its last value. On disk
 * when it resolves.
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
  /** The member's joinSeq and the head, or undefined for a non-member. */
  membership(conversationId: bigint, userId: bigint): Promise<{ joinSeq: number; headSeq: number } | undefined>;
  memberIds(conversationId: bigint): Promise<bigint[]>;
  /** Newest activity first. */
  syncPage(query: SyncPageQuery): Promise<{ conversations: ConversationState[]; more: boolean }>;
  /** sinceMs of the result is 0. */
  mark(userId: bigint): Promise<SyncMark>;
  states(userId: bigint, conversationIds: readonly bigint[]): Promise<ConversationState[]>;
  raiseCursors(batch: readonly CursorRaise[]): Promise<MemberCursor[]>;
}
