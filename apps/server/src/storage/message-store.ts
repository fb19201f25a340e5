import type { ConversationKind, ErrorName, Message } from '@fastim/protocol';

/** A message that passed the rules, ready to be stored. */
export interface AppendRequest {
  conversationId: bigint;
  senderId: bigint;
  /** 16 bytes. */
  clientMsgId: Uint8Array;
  /** Used if the message is new; thrown away for a repeat. */
  msgId: bigint;
  kind: number;
  body: Uint8Array;
  serverTimeMs: number;
  action: AppendAction;
  /**
   * The node number under which another process made msgId, and its fence, for a storage of many nodes: StorageError
   * 'fenced' when it is another's now. Not given: this process's own.
   */
  issuer?: NodeNumber;
}

/** A snowflake node number (0 to 1023) in one hand; `fence` rises with every holder. */
export interface NodeNumber {
  readonly number: number;
  readonly fence: bigint;
}

/**
 * What the message does; decides with core's rules (`groups/permissions.ts`) whether it is stored. Only a post raises
 * count_no. Times before `notBeforeMs` are too long ago; 0: none is.
 */
export type AppendAction =
  | {
      readonly type: 'post';
      readonly mentions: readonly bigint[];
      readonly mentionAll: boolean;
      /** 0: no reply. Has to be a message that the sender may see. */
      readonly replySeq: number;
    }
  | {
      readonly type: 'edit';
      readonly targetSeq: number;
      readonly notBeforeMs: number;
      readonly mentions: readonly bigint[];
      readonly mentionAll: boolean;
    }
  | { readonly type: 'recall'; readonly targetSeq: number; readonly notBeforeMs: number }
  | { readonly type: 'reaction'; readonly targetSeq: number; readonly emoji: string; readonly removed: boolean };

export type AppendOutcome =
  /** Stored now, or earlier under the same (conversation, sender, client_msg_id): the same values each time. */
  | {
      outcome: 'stored' | 'repeated';
      msgId: bigint;
      convSeq: number;
      countNo: number;
      serverTimeMs: number;
      kind: ConversationKind;
      /** Direct: both members, for fan-out. Groups: empty; gates know who is there. */
      memberIds: readonly bigint[];
      /** conv_seq of the newest notice of somebody leaving or being removed, at or below convSeq; 0: none. */
      removalsSeq: number;
    }
  /** Accepted, but it changes nothing (a reaction that is there already, or is not), so nothing is stored. */
  | { outcome: 'unchanged' }
  /**
   * NOT_A_MEMBER: the conversation does not exist, or the sender is not in it; the two look the same. Others: core's
   * rules said no.
   */
  | { outcome: 'refused'; reason: ErrorName };

export interface HistoryQuery {
  conversationId: bigint;
  /** Both ends included. */
  fromSeq: number;
  toSeq: number;
  limit: number;
  newestFirst: boolean;
  viewerId: bigint;
}

/**
 * Stored messages.
 *
 * append: one transaction for the whole batch, in the given order: look up the client_msg_id, head_seq + 1, insert, bump
 * the head. conv_seq has no hole and no double, whatever nodes call it at once. Each request gets its own outcome; one
 * that is refused does not touch the others. When the promise resolves, everything in it is on disk (fsynced). When it
 * rejects (StorageError), nothing of the batch is stored.
 * Edits, recalls and reactions change their target in the same transaction: history gives it as it is now, with marks.
 * A recall also empties the stored bodies of the target and of its edits: they cannot be read again by anybody.
 * history: everything an append resolved with before the call. `viewerId` decides `mine` of the reactions. A row that is
 * not what was written, or a hole, is StorageError 'corrupt'.
 * seqAt: the conv_seq of the first message stored at or after a time, head + 1 when there is none; server times of a
 * conversation nearly always rise with conv_seq, and where they do not any neighbour will do.
 */
export interface MessageStore {
  append(batch: readonly AppendRequest[]): Promise<AppendOutcome[]>;
  /** Rising conv_seq; with newestFirst the `limit` highest of the range. Membership is the caller's to check. */
  history(query: HistoryQuery): Promise<Message[]>;
  seqAt(conversationId: bigint, timeMs: number): Promise<number>;
}
