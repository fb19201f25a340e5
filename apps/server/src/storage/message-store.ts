import type { Message } from '@fastim/protocol';

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
  /** Whether it raises count_no. */
  counts: boolean;
}

export type AppendOutcome =
  /** Stored now, or earlier under the same (conversation, sender, client_msg_id): the same values each time. */
  | {
      outcome: 'stored' | 'repeated';
      msgId: bigint;
      convSeq: number;
      countNo: number;
      serverTimeMs: number;
      /** All members at that moment, the sender included; for fan-out. Direct conversations only have two. */
      memberIds: readonly bigint[];
    }
  /** The conversation does not exist, or the sender is not in it; the two look the same. */
  | { outcome: 'not-a-member' };

export interface HistoryQuery {
  conversationId: bigint;
  /** Both ends included. */
  fromSeq: number;
  toSeq: number;
  limit: number;
  newestFirst: boolean;
}

/**
 * Stored messages.
 *
 * append: one transaction for the whole batch, in the given order: look up the client_msg_id, head_seq + 1, insert, bump
 * the head. conv_seq has no hole and no double, whatever nodes call it at once. Each request gets its own outcome; one
 * that is refused does not touch the others. When the promise resolves, everything in it is on disk (fsynced). When it
 * rejects (StorageError), nothing of the batch is stored.
 * history: everything an append resolved with before the call. A row that is not what was written, or a hole, is
 * StorageError 'corrupt'.
 */
export interface MessageStore {
  append(batch: readonly AppendRequest[]): Promise<AppendOutcome[]>;
  /** Rising conv_seq; with newestFirst the `limit` highest of the range. Membership is the caller's to check. */
  history(query: HistoryQuery): Promise<Message[]>;
}
