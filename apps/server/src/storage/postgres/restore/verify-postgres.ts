import { OWNER } from '@fastim/core';
import { ConversationKind, MessageKind } from '@fastim/protocol';
import type { Queries } from '../connection/queries.ts';
import { LOWEST_ID } from '../connection/stored-values.ts';
import { MESSAGE_COLUMNS, type MessageRow, StoredMessages } from '../messages/stored-message.ts';

export interface DatabaseReport {
  readonly conversations: number;
  readonly messages: number;
  /** What is wrong, in words; empty: nothing. At most MOST_PROBLEMS are listed. */
  readonly problems: readonly string[];
}

const MOST_PROBLEMS = 20;
const PAGE = 2_000;

/** Each finds conversations whose rows break a promise. */
const checks: ReadonlyArray<{ readonly says: string; readonly sql: string }> = [
  {
    says: 'has messages, members or a group, and is not there itself',
    sql: ['message', 'member', 'chat_group', 'direct_pair', 'message_state', 'reaction', 'mention', 'group_link']
      .map(
        (table) => `SELECT conversation_id FROM ${table} t
        WHERE NOT EXISTS (SELECT 1 FROM conversation c WHERE c.conversation_id = t.conversation_id)`,
      )
      .join(' UNION '),
  },
  {
    says: 'does not have the two members of its pair',
    sql: `SELECT conversation_id FROM direct_pair p
          WHERE (SELECT count(*) FROM member m WHERE m.conversation_id = p.conversation_id
                 AND m.user_id IN (p.low_user_id, p.high_user_id)) <> 2`,
  },
  {
    says: 'does not have as many members as its group says',
    sql: `SELECT conversation_id FROM chat_group g
          WHERE member_count <> (SELECT count(*) FROM member m
                                 WHERE m.conversation_id = g.conversation_id AND m.role > 0)`,
  },
  {
    says: 'has members and not exactly the one owner that its group says',
    sql: `SELECT conversation_id FROM chat_group g
          WHERE member_count > 0
            AND ARRAY[owner_id] <> ARRAY(SELECT user_id FROM member m
                                         WHERE m.conversation_id = g.conversation_id AND m.role = ${OWNER})`,
  },
  {
    says: 'does not have as many requests to join as its group says',
    sql: `SELECT conversation_id FROM chat_group g
          WHERE pending_joins <> (SELECT count(*) FROM join_request r WHERE r.conversation_id = g.conversation_id)`,
  },
  {
    says: 'is a group by its kind or by its rows, but not by both',
    sql: `SELECT c.conversation_id FROM conversation c LEFT JOIN chat_group g USING (conversation_id)
          WHERE (c.kind = ${ConversationKind.group}) <> (g.name IS NOT NULL)`,
  },
  {
    says: 'cannot be found by who made it',
    sql: `SELECT m.conversation_id FROM message m JOIN chat_group g USING (conversation_id)
          WHERE m.conv_seq = 1 AND NOT EXISTS (
            SELECT 1 FROM group_creation n WHERE n.creator_id = m.sender_id AND n.client_msg_id = m.client_msg_id
              AND n.conversation_id = m.conversation_id)`,
  },
  {
    says: 'shows another last message than its head says',
    sql: `SELECT conversation_id FROM conversation c
          WHERE last_shown_seq <> coalesce((
            SELECT max(conv_seq) FROM message m
            WHERE m.conversation_id = c.conversation_id AND m.conv_seq >= c.last_shown_seq
              AND m.kind NOT IN (${MessageKind.edit}, ${MessageKind.recall}, ${MessageKind.reaction})), 0)`,
  },
  {
    says: 'has a member whose cursors or places are behind its head',
    sql: `SELECT conversation_id FROM member m JOIN conversation c USING (conversation_id)
          WHERE greatest(m.read_seq, m.own_seq, m.delivered_seq, m.leave_seq, c.removals_seq) > c.head_seq
             OR (m.leave_seq > 0 AND (m.leave_seq <= m.join_seq OR m.role > 0))`,
  },
  {
    says: 'has a mark on a message that is not there, or by an event that is not there',
    sql: `SELECT s.conversation_id FROM message_state s
          LEFT JOIN message t USING (conversation_id, conv_seq)
          WHERE t.conversation_id IS NULL
             OR EXISTS (SELECT 1 FROM unnest(ARRAY[s.edited_seq, s.recalled_seq, s.reactions_seq]) AS seq
                        WHERE seq > 0 AND NOT EXISTS (
                          SELECT 1 FROM message_event e WHERE e.conversation_id = s.conversation_id
                            AND e.target_seq = s.conv_seq AND e.event_seq = seq))`,
  },
  {
    says: 'has a recalled message that still says something',
    sql: `SELECT s.conversation_id FROM message_state s JOIN message t USING (conversation_id, conv_seq)
          WHERE s.recalled_seq > 0
            AND (length(t.body) > 0
                 OR EXISTS (SELECT 1 FROM message_original o
                            WHERE o.conversation_id = s.conversation_id AND o.conv_seq = s.conv_seq)
                 OR EXISTS (SELECT 1 FROM reaction r
                            WHERE r.conversation_id = s.conversation_id AND r.conv_seq = s.conv_seq))`,
  },
  {
    says: 'counts reactions that are not there',
    sql: `SELECT conversation_id FROM reaction_tally t
          WHERE count <> (SELECT count(*) FROM reaction r WHERE r.conversation_id = t.conversation_id
                          AND r.conv_seq = t.conv_seq AND r.emoji = t.emoji)`,
  },
];

/**
 * Reads the whole database: every message's checksum, conv_seq 1 to head without a hole, and what rows promise about each
 * other. No server may be at work on it.
 */
export async function verifyPostgres(queries: Queries): Promise<DatabaseReport> {
  const problems: string[] = [];
  const report = (problem: string) => {
    if (problems.length < MOST_PROBLEMS) problems.push(problem);
  };
  const { conversations, messages } = await verifyMessages(queries, report);
  for (const { says, sql } of checks) {
    const rows = await queries.arrays<readonly [conversationId: bigint]>(
      `SELECT DISTINCT conversation_id FROM (${sql}) AS wrong ORDER BY conversation_id LIMIT ${MOST_PROBLEMS}`,
    );
    for (const [conversationId] of rows) report(`conversation ${conversationId} ${says}`);
  }
  return { conversations, messages, problems };
}

async function verifyMessages(
  queries: Queries,
  report: (problem: string) => void,
): Promise<{ conversations: number; messages: number }> {
  const stored = new StoredMessages();
  const heads = new Map<bigint, readonly [headSeq: number, headCountNo: number]>();
  for (let after = LOWEST_ID, isMore = true; isMore; ) {
    const rows = await queries.arrays<readonly [bigint, bigint, bigint]>(
      `SELECT conversation_id, head_seq, head_count_no FROM conversation WHERE conversation_id > $1
       ORDER BY conversation_id LIMIT ${PAGE}`,
      [after],
    );
    for (const [id, headSeq, headCountNo] of rows) heads.set(id, [Number(headSeq), Number(headCountNo)]);
    isMore = rows.length === PAGE;
    after = rows.at(-1)?.[0] ?? after;
  }
  const conversations = heads.size;
  let messages = 0;
  let [conversationId, convSeq, countNo] = [LOWEST_ID, 0, 0];
  const closeConversation = () => {
    const head = heads.get(conversationId);
    if (!head) return;
    heads.delete(conversationId);
    if (head[0] !== convSeq || head[1] !== countNo) {
      report(`conversation ${conversationId} ends at ${convSeq}, its head says ${head[0]}`);
    }
  };
  for (let isMore = true; isMore; ) {
    const rows = await queries.arrays<readonly [bigint, ...MessageRow]>(
      `SELECT m.conversation_id, ${MESSAGE_COLUMNS} FROM message m WHERE (m.conversation_id, m.conv_seq) > ($1, $2)
       ORDER BY m.conversation_id, m.conv_seq LIMIT ${PAGE}`,
      [conversationId, convSeq],
    );
    for (const [id, ...row] of rows) {
      if (id !== conversationId) {
        closeConversation();
        [conversationId, convSeq, countNo] = [id, 0, 0];
      }
      const found = Number(row[0]);
      if (found !== convSeq + 1) report(`conversation ${id} has no message ${convSeq + 1}`);
      if (!stored.read(id, row)) report(`message ${found} of conversation ${id} is not what was written`);
      convSeq = found;
      countNo = Number(row[6]);
      messages += 1;
    }
    isMore = rows.length === PAGE;
  }
  closeConversation();
  for (const [id, [headSeq]] of heads) {
    if (headSeq > 0) report(`conversation ${id} ends at 0, its head says ${headSeq}`);
  }
  return { conversations, messages };
}
