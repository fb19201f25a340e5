import type { SeqRange } from '@fastim/core';
import type { PositionView, SettingsView, UserView } from './views.ts';

/** A message that the server stored. Ids are decimal strings, `key` is the client_msg_id in hex. */
export interface StoredMessage {
  readonly conversationId: string;
  readonly convSeq: number;
  readonly msgId: string;
  readonly senderId: string;
  readonly key: string;
  readonly kind: number;
  /** The text of a text message; empty for kinds this build does not know. */
  readonly text: string;
  /** The bytes of a kind this build does not know, kept for a later one; else null. */
  readonly body: Uint8Array | null;
  readonly serverTimeMs: number;
  readonly countNo: number;
}

/** A message of mine that the server has not acknowledged. */
export interface OutboxRow {
  readonly key: string;
  readonly conversationId: string;
  /** Rises in the order of writing, over all conversations. */
  readonly number: number;
  readonly kind: number;
  readonly text: string;
  readonly createdMs: number;
  /** A name of the error catalogue: refused for good, waits for the user. null: to be sent. */
  readonly failure: string | null;
  /** When the server first asked to come back later; null: it did not. Being offline does not count. */
  readonly refusedSinceMs: number | null;
}

/**
 * What this device knows of one conversation. `ranges` says which conv_seqs are stored here (sorted, disjoint, not
 * adjacent). `tailSeq` is the end of what is followed live: pushes go on from it, and the cursor told to the server
 * never passes it. Below it there may be holes of old history that are pulled on demand.
 */
export interface ConversationRow {
  readonly conversationId: string;
  readonly kind: 'direct' | 'group';
  readonly peer: UserView | null;
  readonly headSeq: number;
  readonly headCountNo: number;
  readonly joinSeq: number;
  /** Mine, as the user sees it; `readAckedSeq` is what the server is known to have. Larger means: to be told. */
  readonly readSeq: number;
  readonly readAckedSeq: number;
  readonly unreadBaseCountNo: number;
  readonly lastActivityMs: number;
  readonly peerDeliveredSeq: number;
  readonly peerReadSeq: number;
  /** The newest message known, for the preview; its `body` is null. */
  readonly lastMessage: StoredMessage | null;
  readonly ranges: readonly SeqRange[];
  readonly tailSeq: number;
  readonly deliveredSeq: number;
  readonly deliveredAckedSeq: number;
  readonly draft: string;
  readonly position: PositionView | null;
}

export interface SessionTokens {
  readonly sessionId: string;
  readonly epoch: number;
  readonly accessToken: string;
  readonly accessExpiresAt: number;
  readonly refreshToken: string;
  readonly refreshExpiresAt: number;
}

export interface AccountRow {
  readonly serverUrl: string;
  readonly user: UserView;
  readonly deviceId: string;
  readonly session: SessionTokens;
  /** Server time of the last complete sync; 0: never. */
  readonly sinceMs: number;
  readonly openConversationId: string | null;
}

/** What belongs to the profile and outlives accounts. */
export interface ProfileRow {
  readonly deviceId: string | null;
  readonly settings: SettingsView | null;
  readonly lastServerUrl: string | null;
}

/** A session that has ended here and that the server could not be told of yet. */
export interface PendingLogOut {
  readonly sessionId: string;
  readonly serverUrl: string;
  readonly deviceId: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly refreshExpiresAt: number;
}

/** One transaction's worth of changes. Rows are whole: they replace the row of the same key. */
export interface StoreBatch {
  /** Survives a power loss when it resolves; else only a crash of the process (what it holds can be pulled again). */
  readonly durable: boolean;
  readonly account: Partial<Pick<AccountRow, 'session' | 'sinceMs' | 'openConversationId'>> | null;
  readonly conversations: readonly ConversationRow[];
  /** From these conv_seqs on, what is stored of the conversations is removed, before `messages` are added. */
  readonly messagesCut: ReadonlyArray<{ readonly conversationId: string; readonly fromSeq: number }>;
  /** A (conversation, conv_seq) that is there already is left as it is. */
  readonly messages: readonly StoredMessage[];
  readonly outboxPut: readonly OutboxRow[];
  readonly outboxRemove: readonly string[];
}

export interface MessageQuery {
  readonly conversationId: string;
  /** Both ends included. */
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly limit: number;
  /** Take the highest conv_seqs of the range, not the lowest. */
  readonly newestFirst: boolean;
  readonly senderId?: string;
  /** Only messages with a larger count_no. */
  readonly countNoAbove?: number;
}

export interface StoreContents {
  readonly profile: ProfileRow;
  readonly account: { readonly generation: number; readonly row: AccountRow } | null;
  readonly pendingLogOuts: readonly PendingLogOut[];
}

/** Why a store call failed. Nothing of the call was stored. */
export class StoreError extends Error {
  /**
   * full: no space. io: read or write failed. closed: not open. stale: the account it was for is gone. in-use: another
   * engine has this profile open. newer-version: written by a newer app. corrupt: what was read makes no sense.
   */
  readonly kind: 'full' | 'io' | 'closed' | 'stale' | 'in-use' | 'newer-version' | 'corrupt' | 'other';

  constructor(kind: StoreError['kind'], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StoreError';
    this.kind = kind;
  }
}

/**
 * The client's durable memory of one profile: profile data, and the data of at most one account.
 *
 * Promises: every call is one transaction, all or nothing; calls take effect in the order in which they were made; a
 * call that rejects (StoreError) changed nothing. Only one store has a profile open at a time: a second `open` rejects
 * with 'in-use'. Each account gets a `generation` that is never used again; a call with any other rejects with 'stale',
 * so nothing of one account can end in another's data.
 */
export interface Store {
  open(): Promise<StoreContents>;
  /** Waits for what was called before; idempotent; `open` may follow. */
  close(): Promise<void>;

  saveProfile(patch: Partial<ProfileRow>): Promise<void>;
  /**
   * The account that logged in, with a new generation. The same user at the same server keeps its data (but gets the new
   * session); anything else of an earlier account is removed in the same transaction. Durable.
   */
  beginAccount(account: AccountRow, logOutFirst: PendingLogOut | null): Promise<number>;
  /** Removes the account and all its data, and notes the log-out, in one transaction. Durable. */
  endAccount(generation: number, pending: PendingLogOut | null): Promise<void>;
  /** Adds or replaces, by sessionId. Durable. */
  putPendingLogOut(pending: PendingLogOut): Promise<void>;
  removePendingLogOut(sessionId: string): Promise<void>;

  /** Everything the engine keeps in memory. The outbox by rising `number`. */
  load(generation: number): Promise<{ account: AccountRow; conversations: ConversationRow[]; outbox: OutboxRow[] }>;
  apply(generation: number, batch: StoreBatch): Promise<void>;
  /** Rising conv_seq. */
  messages(generation: number, query: MessageQuery): Promise<StoredMessage[]>;
}
