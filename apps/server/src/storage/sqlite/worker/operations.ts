import type {
  ConversationState,
  ErrorName,
  MemberCursor,
  MessageMarks,
  ReadCount,
  SettingsRequest,
  SyncMark,
} from '@fastim/protocol';
import type { ConversationStore, CursorRaise, Membership, SyncPageQuery } from '../../conversation-store.ts';
import type {
  GroupChangeRequest,
  GroupOutcome,
  GroupStore,
  JoinByLink,
  MemberPageQuery,
  NewGroup,
  ReaderPageQuery,
} from '../../group-store.ts';
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

/** A refused move by its place in the batch. */
export interface PackedRaiseOutcome {
  readonly raised: readonly MemberCursor[];
  readonly unmarked: ReadonlyArray<{ readonly conversationId: bigint; readonly userId: bigint }>;
  readonly refused: ReadonlyArray<{ readonly index: number; readonly reason: ErrorName }>;
}

/** packMessages, and the marks of those that have some, by their place in it. */
export interface PackedHistory {
  readonly records: ArrayBuffer;
  readonly marks: ReadonlyArray<readonly [index: number, marks: MessageMarks]>;
}

/** Each runs inside a transaction; several that wait may share one. */
export type WriterOperations = {
  /** packAppendBatch → OutcomeWriter. */
  append: { argument: ArrayBuffer; reply: ArrayBuffer };
  openDirect: {
    argument: { userId: bigint; peerId: bigint; newId: bigint; nowMs: number };
    reply: { conversationId: bigint; created: boolean };
  };
  raiseCursors: { argument: readonly CursorRaise[]; reply: PackedRaiseOutcome };
  changeSettings: {
    argument: { userId: bigint; change: SettingsRequest; nowMs: number };
    reply: Awaited<ReturnType<ConversationStore['changeSettings']>>;
  };
  createGroup: { argument: NewGroup; reply: GroupOutcome };
  changeGroup: { argument: GroupChangeRequest; reply: GroupOutcome };
  joinByLink: { argument: JoinByLink; reply: GroupOutcome };
  makeLink: {
    argument: Parameters<GroupStore['makeLink']>[0];
    reply: Awaited<ReturnType<GroupStore['makeLink']>>;
  };
  revokeLink: {
    argument: { conversationId: bigint; userId: bigint; token: string };
    reply: ErrorName | undefined;
  };
  createUser: { argument: UserRecord; reply: 'created' | 'taken' };
  setPasswordHash: { argument: { userId: bigint; passwordHash: string }; reply: undefined };
  setShowOnline: { argument: { userId: bigint; showOnline: boolean }; reply: undefined };
  createSession: { argument: NewSession; reply: SessionRecord };
  rotateSession: { argument: Rotation; reply: RotationOutcome };
  endSession: { argument: { sessionId: bigint; nowMs: number }; reply: SessionRecord | undefined };
  touchSession: { argument: { sessionId: bigint; nowMs: number }; reply: undefined };
  probeWrite: { argument: undefined; reply: undefined };
};

/** Each sees one snapshot, which holds everything committed before the call. */
export type ReaderOperations = {
  history: { argument: HistoryQuery; reply: PackedHistory };
  seqAt: { argument: { conversationId: bigint; timeMs: number }; reply: number };
  membership: { argument: { conversationId: bigint; userId: bigint }; reply: Membership | undefined };
  directMembers: { argument: bigint; reply: bigint[] };
  groupIdsOf: { argument: bigint; reply: bigint[] };
  syncPage: { argument: SyncPageQuery; reply: { conversations: ConversationState[]; more: boolean } };
  mark: { argument: bigint; reply: SyncMark };
  states: { argument: { userId: bigint; conversationIds: readonly bigint[] }; reply: ConversationState[] };
  hidden: {
    argument: { userId: bigint; conversationId: bigint; since: number };
    reply: Awaited<ReturnType<ConversationStore['hidden']>>;
  };
  members: { argument: MemberPageQuery; reply: Awaited<ReturnType<GroupStore['members']>> };
  readers: { argument: ReaderPageQuery; reply: Awaited<ReturnType<GroupStore['readers']>> };
  readCounts: { argument: { conversationId: bigint; convSeqs: readonly number[] }; reply: ReadCount[] };
  links: {
    argument: { conversationId: bigint; userId: bigint; nowMs: number };
    reply: Awaited<ReturnType<GroupStore['links']>>;
  };
  lookAtLink: {
    argument: { token: string; userId: bigint; nowMs: number };
    reply: Awaited<ReturnType<GroupStore['lookAtLink']>>;
  };
  pendingJoins: {
    argument: { conversationId: bigint; userId: bigint };
    reply: Awaited<ReturnType<GroupStore['pendingJoins']>>;
  };
  userByKey: { argument: string; reply: UserRecord | undefined };
  usersByIds: { argument: readonly bigint[]; reply: UserRecord[] };
  searchUsers: { argument: { queryKey: string; limit: number }; reply: UserRecord[] };
  sessionByAccessHash: { argument: Uint8Array; reply: SessionRecord | undefined };
  sessionById: { argument: bigint; reply: SessionRecord | undefined };
  sessionsOfUser: { argument: bigint; reply: SessionRecord[] };
  sessionsEndedSince: { argument: { sinceMs: number; limit: number; afterId: bigint }; reply: SessionRecord[] };
  historyEpoch: { argument: undefined; reply: bigint };
  highestId: { argument: undefined; reply: bigint };
  /** Copies the log into the database while the writer goes on. Not in a snapshot: it would hold the log. */
  checkpoint: { argument: undefined; reply: undefined };
};

/** One function for each operation, checked by the compiler. */
export type Handlers<Ops extends Operations> = {
  [Name in keyof Ops]: (argument: Ops[Name]['argument']) => Ops[Name]['reply'];
};
