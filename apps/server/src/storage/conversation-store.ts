import type { ConversationState, MemberCursor, SyncMark } from '@fastim/protocol';

export interface SyncPageQuery {
  userId: bigint;
  /** Only conversations with activity (message, cursor or membership change) at or after this server time; 0: all. */
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
 * both ask at once. `newId` is used if it is new.
 * syncPage / mark / states: only conversations the user is a member of. No row is written per recipient, ever.
 * raiseCursors: one transaction; cursors only rise (max), so repeats and reordering do no harm; moves by non-members
 * are dropped. Returns the cursors that really rose. On disk when it resolves.
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
