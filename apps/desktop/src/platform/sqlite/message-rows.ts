import { type Marks, noMarks } from '@fastim/core';
import type Database from 'better-sqlite3';
import { isEventContent } from '../../engine/message-content.ts';
import { type MessageTable, noReactions, type ReactionBase, type TableRow } from '../../engine/message-table.ts';
import type { MessageContent, MessageQuery, SearchQuery, StoredMessage } from '../../engine/store.ts';
import { fromInteger, toInteger } from './integers.ts';
import { SearchIndex, searchId } from './search-index.ts';

interface Columns {
  conversation_id: string;
  conv_seq: number;
  msg_id: string;
  sender_id: string;
  key: string;
  content: string;
  server_time_ms: number;
  count_no: number;
  marks: string | null;
  base: string | null;
  stale: number;
}

/** Ids as text: they are over 2^53. */
const COLUMNS = `CAST(conversation_id AS TEXT) AS conversation_id, conv_seq, CAST(msg_id AS TEXT) AS msg_id,
  CAST(sender_id AS TEXT) AS sender_id, lower(hex(key)) AS key, content, server_time_ms, count_no, marks, base, stale`;

/**
 * The account's messages and what is found of them by their words. The index is kept in step with every change, inside
 * the caller's transaction: it has each text that is shown, as it is shown now, and nothing else.
 */
export class MessageRows implements MessageTable {
  readonly #index: SearchIndex;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database.Database) {
    this.#index = new SearchIndex(database);
    this.#statements = prepare(database);
  }

  get(conversationId: string, convSeq: number): TableRow | undefined {
    const found = this.#statements.get.get(toInteger(conversationId), convSeq);
    return found && tableRow(found);
  }

  insert({ message, base, stale }: TableRow): void {
    const { content, marks } = message;
    this.#statements.insert.run(
      toInteger(message.conversationId),
      message.convSeq,
      toInteger(message.msgId),
      toInteger(message.senderId),
      Buffer.from(message.key, 'hex'),
      JSON.stringify(content),
      message.serverTimeMs,
      message.countNo,
      isEventContent(content) ? content.targetSeq : null,
      marksText(marks),
      marksSeq(marks),
      baseText(base),
      stale ? 1 : 0,
      this.#addToIndex(message),
    );
  }

  update(before: TableRow, { message, base, stale }: TableRow): void {
    const { content, marks } = message;
    this.#removeFromIndex(before.message);
    this.#statements.update.run(
      toInteger(message.msgId),
      toInteger(message.senderId),
      Buffer.from(message.key, 'hex'),
      JSON.stringify(content),
      message.serverTimeMs,
      message.countNo,
      isEventContent(content) ? content.targetSeq : null,
      marksText(marks),
      marksSeq(marks),
      baseText(base),
      stale ? 1 : 0,
      this.#addToIndex(message),
      toInteger(message.conversationId),
      message.convSeq,
    );
  }

  eventsAbout(conversationId: string, targetSeq: number): StoredMessage[] {
    return this.#statements.eventsAbout
      .all(toInteger(conversationId), targetSeq)
      .map((columns) => tableRow(columns).message)
      .sort((a, b) => a.convSeq - b.convSeq);
  }

  removeFrom(conversationId: string, fromSeq: number): void {
    const id = toInteger(conversationId);
    for (const columns of this.#statements.from.all(id, fromSeq)) this.#removeFromIndex(tableRow(columns).message);
    this.#statements.removeFrom.run(id, fromSeq);
    this.#statements.showFrom.run(id, fromSeq);
  }

  markedFrom(conversationId: string, fromSeq: number): TableRow[] {
    return this.#statements.markedFrom.all(toInteger(conversationId), fromSeq, fromSeq).map(tableRow);
  }

  /** Deleted for me, stored or not. */
  hide(conversationId: string, convSeq: number): void {
    const id = toInteger(conversationId);
    const row = this.get(conversationId, convSeq);
    if (row) this.#removeFromIndex(row.message);
    this.#statements.forgetSearchId.run(id, convSeq);
    this.#statements.hide.run(id, convSeq);
  }

  query(query: MessageQuery): StoredMessage[] {
    const { conversationId, fromSeq, toSeq, limit, newestFirst, senderId, countNoAbove, shownOnly, marksFrom } = query;
    const statement = newestFirst ? this.#statements.newest : this.#statements.oldest;
    const rows = statement.all({
      conversationId: toInteger(conversationId),
      fromSeq,
      toSeq,
      limit,
      senderId: senderId === undefined ? null : toInteger(senderId),
      countNoAbove: countNoAbove ?? null,
      shownOnly: shownOnly ? 1 : 0,
      marksFrom: marksFrom ?? 0,
    });
    const messages = rows.map((columns) => tableRow(columns).message);
    return newestFirst ? messages.reverse() : messages;
  }

  search(query: SearchQuery): StoredMessage[] {
    return this.#index.find(query).flatMap((id) => {
      const found = this.#statements.bySearchId.get(id);
      return found ? [tableRow(found).message] : [];
    });
  }

  /** Every message of the account. */
  clear(): void {
    this.#index.clear();
    this.#statements.clear.run();
    this.#statements.clearHidden.run();
  }

  /** Its new search id; null: it is not to be found. */
  #addToIndex(message: StoredMessage): bigint | null {
    const { content, conversationId, convSeq, senderId, marks } = message;
    if (content.type !== 'text' || marks.recalledSeq > 0) return null;
    if (this.#statements.isHidden.get(toInteger(conversationId), convSeq)) return null;
    let id = searchId(message);
    while (this.#statements.bySearchId.get(id)) id += 1n;
    return this.#index.add(id, { conversationId, senderId, text: content.text }) ? id : null;
  }

  #removeFromIndex({ conversationId, convSeq, senderId, content }: StoredMessage): void {
    const found = this.#statements.searchIdOf.get(toInteger(conversationId), convSeq);
    if (found?.id == null || content.type !== 'text') return;
    this.#index.remove(BigInt(found.id), { conversationId, senderId, text: content.text });
    this.#statements.forgetSearchId.run(toInteger(conversationId), convSeq);
  }
}

function prepare(database: Database.Database) {
  const rows = (where: string) =>
    database.prepare<unknown[], Columns>(`SELECT ${COLUMNS} FROM messages WHERE ${where}`);
  const query = (direction: 'ASC' | 'DESC') =>
    rows(
      `conversation_id = @conversationId AND conv_seq BETWEEN @fromSeq AND @toSeq AND marks_seq >= @marksFrom
       AND (@senderId IS NULL OR sender_id = @senderId) AND (@countNoAbove IS NULL OR count_no > @countNoAbove)
       AND (@shownOnly = 0 OR (target_seq IS NULL AND NOT EXISTS (
         SELECT 1 FROM hidden WHERE hidden.conversation_id = @conversationId AND hidden.conv_seq = messages.conv_seq)))
       ORDER BY conv_seq ${direction} LIMIT @limit`,
    );
  return {
    get: rows('conversation_id = ? AND conv_seq = ?'),
    from: rows('conversation_id = ? AND conv_seq >= ? AND search_id IS NOT NULL'),
    markedFrom: rows('conversation_id = ? AND conv_seq < ? AND marks_seq >= ?'),
    // Named, since the planner takes the primary key for as good, and reads the whole conversation.
    eventsAbout: database.prepare<unknown[], Columns>(
      `SELECT ${COLUMNS} FROM messages INDEXED BY messages_by_target
       WHERE conversation_id = ? AND target_seq = ?`,
    ),
    bySearchId: rows('search_id = ?'),
    oldest: query('ASC'),
    newest: query('DESC'),
    insert: database.prepare(
      `INSERT INTO messages (conversation_id, conv_seq, msg_id, sender_id, key, content, server_time_ms, count_no,
         target_seq, marks, marks_seq, base, stale, search_id)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    update: database.prepare(
      `UPDATE messages SET msg_id = ?, sender_id = ?, key = ?, content = ?, server_time_ms = ?, count_no = ?,
         target_seq = ?, marks = ?, marks_seq = ?, base = ?, stale = ?, search_id = ?
       WHERE conversation_id = ? AND conv_seq = ?`,
    ),
    searchIdOf: database.prepare<unknown[], { id: string | null }>(
      'SELECT CAST(search_id AS TEXT) AS id FROM messages WHERE conversation_id = ? AND conv_seq = ?',
    ),
    forgetSearchId: database.prepare('UPDATE messages SET search_id = NULL WHERE conversation_id = ? AND conv_seq = ?'),
    removeFrom: database.prepare('DELETE FROM messages WHERE conversation_id = ? AND conv_seq >= ?'),
    showFrom: database.prepare('DELETE FROM hidden WHERE conversation_id = ? AND conv_seq >= ?'),
    hide: database.prepare('INSERT OR IGNORE INTO hidden (conversation_id, conv_seq) VALUES (?, ?)'),
    isHidden: database.prepare('SELECT 1 FROM hidden WHERE conversation_id = ? AND conv_seq = ?'),
    clear: database.prepare('DELETE FROM messages'),
    clearHidden: database.prepare('DELETE FROM hidden'),
  };
}

function tableRow(columns: Columns): TableRow {
  return {
    message: {
      conversationId: fromInteger(columns.conversation_id),
      convSeq: columns.conv_seq,
      msgId: fromInteger(columns.msg_id),
      senderId: fromInteger(columns.sender_id),
      key: columns.key,
      content: JSON.parse(columns.content) as MessageContent,
      serverTimeMs: columns.server_time_ms,
      countNo: columns.count_no,
      marks: columns.marks === null ? noMarks : (JSON.parse(columns.marks) as Marks<string>),
    },
    base: columns.base === null ? noReactions : (JSON.parse(columns.base) as ReactionBase),
    stale: columns.stale === 1,
  };
}

function marksSeq({ editedSeq, recalledSeq, reactionsSeq }: Marks<string>): number {
  return Math.max(editedSeq, recalledSeq, reactionsSeq);
}

function marksText(marks: Marks<string>): string | null {
  return marksSeq(marks) === 0 ? null : JSON.stringify(marks);
}

function baseText(base: ReactionBase): string | null {
  return base.seq === 0 ? null : JSON.stringify(base);
}
