import type { Marks, SeqRange } from '@fastim/core';
import type { MemberSettings } from '@fastim/protocol';
import type { PositionView, SettingsView, UserView } from './views.ts';

/** A message that the server stored. Ids are decimal strings, `key` is the client_msg_id in hex. */
export interface StoredMessage {
  readonly conversationId: string;
  readonly convSeq: number;
  readonly msgId: string;
  readonly senderId: string;
  readonly key: string;
  readonly content: MessageContent;
  readonly serverTimeMs: number;
  readonly countNo: number;
  /** What events made of it; of events themselves always `noMarks`. An edited text has the new words in `content`. */
  readonly marks: Marks<string>;
}

/** What a message says, as JSON. Of a recalled message: the type alone, with empty words. */
export type MessageContent =
  | {
      readonly type: 'text';
      readonly text: string;
      readonly mentions: readonly string[];
      readonly mentionAll: boolean;
      /** conv_seq; 0: no reply. */
      readonly replySeq: number;
      readonly forwardedFrom: string | null;
    }
  | {
      readonly type: 'edit';
      readonly targetSeq: number;
      readonly text: string;
      readonly mentions: readonly string[];
      readonly mentionAll: boolean;
    }
  | { readonly type: 'recall'; readonly targetSeq: number }
  | { readonly type: 'reaction'; readonly targetSeq: number; readonly emoji: string; readonly removed: boolean }
  | {
      readonly type: 'notice';
      /** NoticeAction. */
      readonly action: number;
      readonly userIds: readonly string[];
      readonly text: string;
      readonly number: number;
    }
  /** A kind this build does not know: its bytes in base64, kept for a later one. */
  | { readonly type: 'unknown'; readonly kind: number; readonly body: string };

/** What a client can send. */
export type OutgoingContent = Extract<MessageContent, { type: 'text' | 'edit' | 'recall' | 'reaction' }>;

/** A message of mine that the server has not acknowledged. */
export interface OutboxRow {
  readonly key: string;
  readonly conversationId: string;
  /** Rises in the order of writing, over all conversations. */
  readonly number: number;
  readonly content: OutgoingContent;
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
  /** The newest message known that is shown (no event), for the preview. */
  readonly lastMessage: StoredMessage | null;
  /** 0: a member. Else the last conv_seq that I may see. */
  readonly leaveSeq: number;
  /** The newest conv_seq over readSeq that mentions me; 0: none. */
  readonly mentionSeq: number;
  /** As the server told it; what was changed here and not taken yet lies over it. */
  readonly version: number;
  readonly settings: MemberSettings;
  readonly settingsPending: SettingsPatch | null;
  /** conv_seqs deleted for me are known up to this hidden_version. */
  readonly hiddenVersion: number;
  /** Groups only. */
  readonly group: GroupRow | null;
  readonly role: number;
  readonly mutedUntilMs: number;
  readonly pendingJoins: number;
  /**
   * head_seq and version of the newest state that the server told; of two states the one with the higher numbers is the
   * later one. A notice past `stateSeq` (`noticeSeq`: the newest one stored) says that the group is not as it is here.
   */
  readonly stateSeq: number;
  readonly stateVersion: number;
  readonly noticeSeq: number;
  /** Stored here, and with everything up to `tailSeq` that events made of it. What was jumped over is not in it. */
  readonly ranges: readonly SeqRange[];
  readonly tailSeq: number;
  readonly deliveredSeq: number;
  readonly deliveredAckedSeq: number;
  readonly draft: string;
  readonly position: PositionView | null;
}

export interface GroupRow {
  readonly name: string;
  readonly avatarColor: number;
  readonly announcement: string;
  readonly ownerId: string;
  readonly memberCount: number;
  readonly muteAll: boolean;
  readonly joinApproval: boolean;
}

/** Absolute values; a repeat does no harm. */
export interface SettingsPatch {
  readonly silentUntilMs?: number;
  readonly pinnedMs?: number;
  readonly archived?: boolean;
  readonly markedUnread?: boolean;
  readonly draft?: string;
  readonly hideSeqs?: readonly number[];
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
  /** Of the server's history; another value at the next login: it was restored from a backup. '': not known yet. */
  readonly historyEpoch: string;
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
  readonly account: Partial<Pick<AccountRow, 'session' | 'sinceMs' | 'openConversationId' | 'historyEpoch'>> | null;
  readonly conversations: readonly ConversationRow[];
  /**
   * From these conv_seqs on, what is stored of the conversations (and hidden there) is removed, before `messages` are
   * added. Messages below that show the effect of an event at or above (`MessageQuery.marksFrom` finds them) go back as
   * far as this device knows how they were, are in `ApplyResult.changed`, and are replaced whole when they arrive again.
   */
  readonly messagesCut: ReadonlyArray<{ readonly conversationId: string; readonly fromSeq: number }>;
  /**
   * A (conversation, conv_seq) that is there already keeps its words; marks are merged, each aspect by its higher
   * conv_seq, and the words of an edit come with it. An event also changes its target, if that is stored; a message that
   * arrives later than events about it meets them then. Each event counts once, by its own conv_seq, in whatever order
   * they arrive. What was recalled has no words any more, its stored edits neither.
   */
  readonly messages: readonly StoredMessage[];
  /** Deleted for me: no longer shown nor found, also when the message arrives only later. */
  readonly hide: ReadonlyArray<{ readonly conversationId: string; readonly convSeqs: readonly number[] }>;
  /** Names as last heard of. */
  readonly users: readonly UserView[];
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
  /** Without events and without what is deleted for me. */
  readonly shownOnly?: boolean;
  /** Only messages that show the effect of an event of this conv_seq or a higher one. */
  readonly marksFrom?: number;
}

/**
 * Words, and where to look. Parted by spaces, each has to be there; the last may be the beginning of one. Chinese is found
 * from one character on. Nothing in `query` is syntax. Only spaces: all messages of the conversation or the sender; with
 * neither, none.
 */
export interface SearchQuery {
  readonly query: string;
  readonly conversationId?: string;
  readonly senderId?: string;
  /** Both included. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** The place after the last hit of the page before. */
  readonly before?: { readonly serverTimeMs: number; readonly msgId: string };
  readonly limit: number;
}

/**
 * Messages whose present form is another than it was here or in the batch: targets of events, and those that came after
 * events about them or for the second time. Each once.
 */
export interface ApplyResult {
  readonly changed: readonly StoredMessage[];
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
  load(
    generation: number,
  ): Promise<{ account: AccountRow; conversations: ConversationRow[]; outbox: OutboxRow[]; users: UserView[] }>;
  apply(generation: number, batch: StoreBatch): Promise<ApplyResult>;
  /** Rising conv_seq. */
  messages(generation: number, query: MessageQuery): Promise<StoredMessage[]>;
  /**
   * Newest first, by server time and then msg_id; shown text messages only, neither recalled nor deleted for me, by their
   * present words.
   */
  search(generation: number, query: SearchQuery): Promise<StoredMessage[]>;
}
