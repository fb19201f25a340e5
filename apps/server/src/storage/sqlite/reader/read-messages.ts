import type { Message } from '@fastim/protocol';
import type { Database, Statement } from 'better-sqlite3';
import type { HistoryQuery } from '../../message-store.ts';
import { StorageError } from '../../storage.ts';
import type { WorkerNote } from '../worker/worker-messages.ts';
import { ReadAsOf } from './read-as-of.ts';
import { type MessageState, ReadMarks } from './read-marks.ts';
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
  readonly #marks: ReadMarks;
  readonly #asOf: ReadAsOf;
  readonly #conversation: Statement<[bigint]>;
  readonly #leaveSeq: Statement<[number, bigint]>;
  readonly #range: Statement<[bigint, bigint]>;
  readonly #one: Statement<[bigint]>;
  readonly #timeAt: Statement<[bigint]>;

  constructor(database: Database, note: (note: WorkerNote) => void) {
    this.#note = note;
    this.#marks = new ReadMarks(database);
    this.#asOf = new ReadAsOf(database, this.#stored);
    this.#conversation = database
      .prepare<[bigint]>('SELECT conversation_no, head_seq FROM conversation WHERE conversation_id = ?')
      .raw();
    this.#leaveSeq = database
      .prepare<[number, bigint]>('SELECT leave_seq FROM member WHERE conversation_no = ? AND user_id = ?')
      .pluck();
    const select = `SELECT ${MESSAGE_COLUMNS} FROM message`;
    this.#range = database
      .prepare<[bigint, bigint]>(`${select} WHERE place BETWEEN ? AND ? ORDER BY place`)
      .raw()
      .safeIntegers();
    this.#one = database.prepare<[bigint]>(`${select} WHERE place = ?`).raw().safeIntegers();
    this.#timeAt = database.prepare<[bigint]>('SELECT server_time_ms FROM message WHERE place = ?').pluck();
  }

  history({ conversationId, fromSeq, toSeq, limit, newestFirst, viewerId }: HistoryQuery): Message[] {
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
    const states = this.#marks.states(base + BigInt(from), base + BigInt(to));
    if (states.length > 0) {
      const leaveSeq = Number(this.#leaveSeq.get(conversationNo, viewerId) ?? 0);
      for (const state of states) {
        const index = Number(state.place - base) - from;
        messages[index] = this.#present(messages[index]!, state, viewerId, leaveSeq);
      }
    }
    return messages;
  }

  /**
   * The newest message that is shown, for a conversation's preview. Undefined, and noted, when it is damaged: one bad row
   * must not keep a user from the whole list.
   */
  preview(
    conversationId: bigint,
    conversationNo: number,
    convSeq: number,
    viewer: { readonly userId: bigint; readonly leaveSeq: number },
  ): Message | undefined {
    if (convSeq === 0) return undefined;
    const place = (BigInt(conversationNo) << 32n) + BigInt(convSeq);
    const row = this.#one.get(place) as MessageRow | undefined;
    const message = row && this.#stored.read(conversationId, row);
    if (!message) {
      this.#damaged(conversationId, convSeq);
      return undefined;
    }
    const [state] = this.#marks.states(place, place);
    return state ? this.#present(message, state, viewer.userId, viewer.leaveSeq) : message;
  }

  /** The times of a conversation nearly always rise with conv_seq; where they do not, a neighbour is found. */
  seqAt(conversationId: bigint, timeMs: number): number {
    const found = this.#conversation.get(conversationId) as [number, number] | undefined;
    if (!found) return 1;
    const [conversationNo, headSeq] = found;
    const base = BigInt(conversationNo) << 32n;
    let low = 1;
    let high = headSeq + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const time = this.#timeAt.get(base + BigInt(middle)) as number | undefined;
      if (time === undefined) throw this.#damaged(conversationId, middle);
      if (time >= timeMs) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** As it is now; for who left, as it was then. */
  #present(message: Message, state: MessageState, viewerId: bigint, leaveSeq: number): Message {
    const isLater = (seq: number) => leaveSeq > 0 && seq > leaveSeq;
    if (!isLater(state.editedSeq) && !isLater(state.reactionsSeq)) {
      return { ...message, marks: this.#marks.marks(state, viewerId) };
    }
    const then = this.#asOf.read(message, state, viewerId, leaveSeq);
    if (!then) throw this.#damaged(message.conversationId, message.convSeq);
    return then;
  }

  #damaged(conversationId: bigint, convSeq: number): StorageError {
    this.#note({ note: 'corrupt', conversationId, convSeq });
    return new StorageError('corrupt', `message ${convSeq} of conversation ${conversationId} is not what was written`);
  }
}

function heldTo(most: number, value: number): number {
  return Number.isNaN(value) ? 0 : Math.max(0, Math.min(Math.floor(value), most));
}
