import type { ConversationState, MemberCursor, SyncMark } from '@fastim/protocol';
import type { CursorRaise, SyncPageQuery } from '../../conversation-store.ts';
import type { HistoryQuery } from '../../message-store.ts';
import type { NewSession, Rotation, RotationOutcome, SessionRecord } from '../../session-store.ts';
import type { UserRecord } from '../../user-store.ts';

/** One operation of a worker: what goes over and what comes back. */
interface Operation {
  argument: unknown;
  reply: unknown;
}

/** Every operation of a worker by name. The name is also what the slow-query log shows. */
export type Operations = { [name: string]: Operation };

/** Each runs inside a transaction; several that wait may share one. */
export type WriterOperations = {
  /** packAppendBatch → OutcomeWriter. */
  append: { argument: ArrayBuffer; reply: ArrayBuffer };
  openDirect: {
    argument: { userId: bigint; peerId: bigint; newId: bigint; nowMs: number };
    reply: { conversationId: bigint; created: boolean };
  };
  raiseCursors: { argument: readonly CursorRaise[]; reply: MemberCursor[] };
  createUser: { argument: UserRecord; reply: 'created' | 'taken' };
  setPasswordHash: { argument: { userId: bigint; passwordHash: string }; reply: undefined };
  createSession: { argument: NewSession; reply: SessionRecord };
  rotateSession: { argument: Rotation; reply: RotationOutcome };
  endSession: { argument: { sessionId: bigint; nowMs: number }; reply: SessionRecord | undefined };
  touchSession: { argument: { sessionId: bigint; nowMs: number }; reply: undefined };
  probeWrite: { argument: undefined; reply: undefined };
};

/** Each sees one snapshot, which holds everything committed before the call. */
export type ReaderOperations = {
  /** Reply: packMessages. */
  history: { argument: HistoryQuery; reply: ArrayBuffer };
  membership: {
    argument: { conversationId: bigint; userId: bigint };
    reply: { joinSeq: number; headSeq: number } | undefined;
  };
  memberIds: { argument: bigint; reply: bigint[] };
  syncPage: { argument: SyncPageQuery; reply: { conversations: ConversationState[]; more: boolean } };
  mark: { argument: bigint; reply: SyncMark };
  states: { argument: { userId: bigint; conversationIds: readonly bigint[] }; reply: ConversationState[] };
  userByKey: { argument: string; reply: UserRecord | undefined };
  usersByIds: { argument: readonly bigint[]; reply: UserRecord[] };
  searchUsers: { argument: { queryKey: string; limit: number }; reply: UserRecord[] };
  sessionByAccessHash: { argument: Uint8Array; reply: SessionRecord | undefined };
  sessionById: { argument: bigint; reply: SessionRecord | undefined };
  sessionsOfUser: { argument: bigint; reply: SessionRecord[] };
  highestId: { argument: undefined; reply: bigint };
  /** Copies the log into the database while the writer goes on. Not in a snapshot: it would hold the log. */
  checkpoint: { argument: undefined; reply: undefined };
};

/** One function for each operation, checked by the compiler. */
export type Handlers<Ops extends Operations> = {
  [Name in keyof Ops]: (argument: Ops[Name]['argument']) => Ops[Name]['reply'];
};
