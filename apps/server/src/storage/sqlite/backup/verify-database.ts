import type { Database } from 'better-sqlite3';
import { MESSAGE_COLUMNS, type MessageRow, StoredMessages, seqOfPlace } from '../reader/stored-message.ts';
import { verifyGroups } from './verify-groups.ts';

export interface DatabaseReport {
  conversations: number;
  messages: number;
  /** What is wrong, in words; empty: nothing. At most MOST_PROBLEMS are listed. */
  problems: string[];
}

const MOST_PROBLEMS = 20;

/**
 * Reads the whole database: structure, references, every message's checksum, conv_seq 1..head without a hole, and what the
 * rows of groups and of events promise (verify-groups.ts).
 */
export function verifyDatabase(database: Database): DatabaseReport {
  const problems: string[] = [];
  const report = (problem: string) => {
    if (problems.length < MOST_PROBLEMS) problems.push(problem);
  };
  const integrity = database.pragma('integrity_check', { simple: true });
  if (integrity !== 'ok') report(`integrity check: ${String(integrity)}`);
  const references = database.pragma('foreign_key_check') as { table: string }[];
  for (const { table } of references) report(`a row of ${table} refers to nothing`);

  const stored = new StoredMessages();
  const rows = database
    .prepare<[bigint, bigint]>(`SELECT ${MESSAGE_COLUMNS} FROM message WHERE place BETWEEN ? AND ? ORDER BY place`)
    .raw()
    .safeIntegers();
  const conversationRows = database
    .prepare('SELECT conversation_no, conversation_id, head_seq, head_count_no FROM conversation')
    .raw()
    .safeIntegers()
    .all() as [bigint, bigint, bigint, bigint][];
  let messages = 0;
  for (const [conversationNo, conversationId, headSeq, headCountNo] of conversationRows) {
    let expected = 1;
    let countNo = 0;
    const base = conversationNo << 32n;
    for (const row of rows.iterate(base + 1n, base + 0xffff_ffffn) as Iterable<MessageRow>) {
      const convSeq = seqOfPlace(row[0]);
      const message = stored.read(conversationId, row);
      if (!message) report(`message ${convSeq} of conversation ${conversationId} is not what was written`);
      if (convSeq !== expected) report(`conversation ${conversationId} has no message ${expected}`);
      expected = convSeq + 1;
      countNo = Number(row[6]);
      messages += 1;
    }
    if (expected !== Number(headSeq) + 1 || countNo !== Number(headCountNo)) {
      report(`conversation ${conversationId} ends at ${expected - 1}, its head says ${headSeq}`);
    }
  }
  const total = database.prepare('SELECT count(*) FROM message').pluck().get();
  if (total !== messages) report(`${Number(total) - messages} messages belong to no conversation`);
  verifyGroups(database, report);
  return { conversations: conversationRows.length, messages, problems };
}
