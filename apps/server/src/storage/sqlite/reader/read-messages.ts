import type { Message } from '@fastim/protocol';
import type { Database, Statement } from 'better-sqlite3';
import type { HistoryQuery } from '../../message-store.ts';
import { StorageError } from '../../storage.ts';
import type { WorkerNote } from '../worker/worker-messages.ts';
import { MESSAGE_COLUMNS, type MessageRow, StoredMessages } from './stored-message.ts';

/** Bound of one answer, whatever is asked for. */
const MOST_ROWS = 1_000;

/**
 * Reads stored messages and compares each with its checksum. A message that is not what was written is never given
 * out, nor is a range with a message missing: it is noted for the log, and the read fails with StorageError('corrupt').
 */
export class ReadMessages {
  readonly #note: (note: WorkerNote) => void;
  readonly #stored = new StoredMessages();
  readonly #conversation: Statement<[bigint]>;
  readonly #range: Statement<[bigint, bigint]>;
  readonly #one: Statement<[bigint]>;

  constructor(database: Database, note: (note: WorkerNote) => void) {
    this.#note = note;
    this.#conversation = database
      .prepare<[bigint]>('SELECT conversation_no, head_seq FROM conversation WHERE conversation_id = ?')
      .raw();
    const select = `SELECT ${MESSAGE_COLUMNS} FROM message`;
    this.#range = database
      .prepare<[bigint, bigint]>(`${select} WHERE place BETWEEN ? AND ? ORDER BY place`)
      .raw()
      .safeIntegers();
    this.#one = database.prepare<[bigint]>(`${select} WHERE place = ?`).raw().safeIntegers();
  }

  history({ conversationId, fromSeq, toSeq, limit, newestFirst }: HistoryQuery): Message[] {
    const found = this.#conversation.get(conversationId) as [number, number] | undefined;
    if (!found) return [];
    const [conversationNo, headSeq] = found;
    // conv_seq has no hole, so the rows of the answer are known before it is read.
    let from = Math.max(1, heldTo(headSeq + 1, fromSeq));
    let to = heldTo(headSeq, toSeq);
    const rows = heldTo(MOST_ROWS, limit);
    if (newestFirst) from = Math.max(from, to - rows + 1);
    else to = Math.min(to, from + rows - 1);
    if (from > to) return [];
    const base = BigInt(conversationNo) << 32n;
    let expected = from;
    const messages = (this.#range.all(base + BigInt(from), base + BigInt(to)) as MessageRow[]).map((row) => {
      const message = this.#stored.read(conversationId, row);
      if (message?.convSeq !== expected) throw this.#damaged(conversationId, expected);
      expected += 1;
      return message;
    });
    if (expected !== to + 1) throw this.#damaged(conversationId, expected);
    return messages;
  }

  /**
   * The message at the head, for a conversation's preview. Undefined, and noted, when it is damaged: one bad row must
   * not keep a user from the whole list.
   */
  preview(conversationId: bigint, conversationNo: number, convSeq: number): Message | undefined {
    if (convSeq === 0) return undefined;
    const row = this.#one.get((BigInt(conversationNo) << 32n) + BigInt(convSeq)) as MessageRow | undefined;
    const message = row && this.#stored.read(conversationId, row);
    if (!message) this.#damaged(conversationId, convSeq);
    return message;
  }

  #damaged(conversationId: bigint, convSeq: number): StorageError {
    this.#note({ note: 'corrupt', conversationId, convSeq });
    return new StorageError('corrupt', `message ${convSeq} of conversation ${conversationId} is not what was written`);
  }
}

function heldTo(most: number, value: number): number {
  return Number.isNaN(value) ? 0 : Math.max(0, Math.min(Math.floor(value), most));
}
