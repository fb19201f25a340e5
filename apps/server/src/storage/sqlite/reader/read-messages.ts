import type { Message } from '@fastim/protocol';
import type { Database, Statement } from 'better-sqlite3';
import type { HistoryQuery } from '../../message-store.ts';
import { StorageError } from '../../storage.ts';
import { RECORD_HEADER_LENGTH, recordChecksum, recordLength, writeRecord } from '../packing/message-record.ts';
import type { WorkerNote } from '../worker/worker-messages.ts';

const COLUMNS = 'place, msg_id, sender_id, client_msg_id, kind, server_time_ms, count_no, checksum, body';
type MessageRow = [bigint, bigint, bigint, Uint8Array, bigint, bigint, bigint, bigint, Uint8Array];

const LAST_SEQ = 2 ** 32 - 1;
/** Bound of one answer, whatever is asked for. */
const MOST_ROWS = 1_000;

/**
 * Reads stored messages and compares each with its checksum. A message that is not what was written is never given
 * out: it is noted for the log, and the read fails with StorageError('corrupt').
 */
export class ReadMessages {
  readonly #note: (note: WorkerNote) => void;
  readonly #conversationNo: Statement<[bigint]>;
  readonly #oldestFirst: Statement<[bigint, bigint, number]>;
  readonly #newestFirst: Statement<[bigint, bigint, number]>;
  readonly #one: Statement<[bigint]>;
  #scratch = new Uint8Array(recordLength(16 * 1024));

  constructor(database: Database, note: (note: WorkerNote) => void) {
    this.#note = note;
    this.#conversationNo = database
      .prepare<[bigint]>('SELECT conversation_no FROM conversation WHERE conversation_id = ?')
      .pluck();
    const range = `SELECT ${COLUMNS} FROM message WHERE place BETWEEN ? AND ? ORDER BY place`;
    this.#oldestFirst = database.prepare<[bigint, bigint, number]>(`${range} LIMIT ?`).raw().safeIntegers();
    this.#newestFirst = database.prepare<[bigint, bigint, number]>(`${range} DESC LIMIT ?`).raw().safeIntegers();
    this.#one = database.prepare<[bigint]>(`SELECT ${COLUMNS} FROM message WHERE place = ?`).raw().safeIntegers();
  }

  history({ conversationId, fromSeq, toSeq, limit, newestFirst }: HistoryQuery): Message[] {
    const from = Math.max(1, heldTo(LAST_SEQ + 1, fromSeq));
    const to = heldTo(LAST_SEQ, toSeq);
    const rows = heldTo(MOST_ROWS, limit);
    if (from > to || rows === 0) return [];
    const conversationNo = this.#conversationNo.get(conversationId) as number | undefined;
    if (conversationNo === undefined) return [];
    const base = BigInt(conversationNo) << 32n;
    const statement = newestFirst ? this.#newestFirst : this.#oldestFirst;
    const found = statement.all(base + BigInt(from), base + BigInt(to), rows) as MessageRow[];
    if (newestFirst) found.reverse();
    return found.map((row) => this.#checked(conversationId, row));
  }

  /**
   * The message at the head, for a conversation's preview. Undefined, and noted, when it is damaged: one bad row must
   * not keep a user from the whole list.
   */
  preview(conversationId: bigint, conversationNo: number, convSeq: number): Message | undefined {
    if (convSeq === 0) return undefined;
    const row = this.#one.get((BigInt(conversationNo) << 32n) + BigInt(convSeq)) as MessageRow | undefined;
    try {
      if (row) return this.#checked(conversationId, row);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      return undefined;
    }
    this.#note({ note: 'corrupt', conversationId, convSeq });
    return undefined;
  }

  #checked(conversationId: bigint, row: MessageRow): Message {
    const [place, msgId, senderId, clientMsgId, kind, serverTimeMs, countNo, checksum, body] = row;
    const message: Message = {
      msgId,
      conversationId,
      convSeq: Number(place & 0xffff_ffffn),
      senderId,
      clientMsgId: new Uint8Array(clientMsgId),
      kind: Number(kind),
      body: new Uint8Array(body),
      serverTimeMs: Number(serverTimeMs),
      countNo: Number(countNo),
    };
    if (clientMsgId.length !== 16 || this.#checksum(message) !== Number(checksum)) {
      this.#note({ note: 'corrupt', conversationId, convSeq: message.convSeq });
      throw new StorageError(
        'corrupt',
        `message ${message.convSeq} of conversation ${conversationId} is not what was written`,
      );
    }
    return message;
  }

  #checksum(message: Message): number {
    const length = RECORD_HEADER_LENGTH + message.body.length;
    if (this.#scratch.length < length) this.#scratch = new Uint8Array(length);
    writeRecord(new DataView(this.#scratch.buffer), this.#scratch, 0, message);
    return recordChecksum(this.#scratch, 0, length);
  }
}

function heldTo(most: number, value: number): number {
  return Number.isNaN(value) ? 0 : Math.max(0, Math.min(Math.floor(value), most));
}
