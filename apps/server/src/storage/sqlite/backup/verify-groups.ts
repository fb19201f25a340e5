import { OWNER } from '@fastim/core';
import { ConversationKind, MessageKind } from '@fastim/protocol';
import type { Database } from 'better-sqlite3';

/** Each finds rows that break a promise; the first column names the conversation. */
const checks: ReadonlyArray<{ readonly says: string; readonly sql: string }> = [
  {
    says: 'does not have as many members as its group says',
    sql: `SELECT conversation_no FROM chat_group g
          WHERE member_count <> (SELECT count(*) FROM member m
                                 WHERE m.conversation_no = g.conversation_no AND m.role > 0)`,
  },
  {
    says: 'has members and not exactly the one owner that its group says',
    sql: `SELECT conversation_no FROM chat_group g
          WHERE member_count > 0
            AND coalesce((SELECT group_concat(user_id) FROM member m
                          WHERE m.conversation_no = g.conversation_no AND m.role = ${OWNER}), '') <> '' || owner_id`,
  },
  {
    says: 'does not have as many requests to join as its group says',
    sql: `SELECT conversation_no FROM chat_group g
          WHERE pending_joins <> (SELECT count(*) FROM join_request r WHERE r.conversation_no = g.conversation_no)`,
  },
  {
    says: 'is a group by its kind or by its rows, but not by both',
    sql: `SELECT conversation_no FROM conversation LEFT JOIN chat_group g USING (conversation_no)
          WHERE (kind = ${ConversationKind.group}) <> (g.name IS NOT NULL)`,
  },
  {
    says: 'shows another last message than its head says',
    sql: `SELECT conversation_no FROM conversation c
          WHERE last_shown_seq <> coalesce((
            SELECT max(place & 0xffffffff) FROM message
            WHERE place BETWEEN (conversation_no << 32) + last_shown_seq AND (conversation_no << 32) + head_seq
              AND kind NOT IN (${MessageKind.edit}, ${MessageKind.recall}, ${MessageKind.reaction})), 0)`,
  },
  {
    says: 'has a member whose cursors or places are behind its head',
    sql: `SELECT conversation_no FROM member m JOIN conversation c USING (conversation_no)
          WHERE max(m.read_seq, m.own_seq, m.delivered_seq, m.leave_seq, c.removals_seq) > c.head_seq
             OR (m.leave_seq > 0 AND (m.leave_seq <= m.join_seq OR m.role > 0))`,
  },
  {
    says: 'has a mark on a message that is not there, or by an event that is not there',
    sql: `SELECT s.place >> 32 FROM message_state s LEFT JOIN message t ON t.place = s.place
          WHERE t.place IS NULL
             OR EXISTS (SELECT 1 FROM (SELECT s.edited_seq AS seq UNION SELECT s.recalled_seq UNION SELECT s.reactions_seq)
                        WHERE seq > 0 AND NOT EXISTS (
                          SELECT 1 FROM message_event e WHERE e.target_place = s.place
                            AND e.event_place = ((s.place >> 32) << 32) + seq))`,
  },
  {
    says: 'has a recalled message that still says something',
    sql: `SELECT s.place >> 32 FROM message_state s JOIN message t ON t.place = s.place
          WHERE s.recalled_seq > 0
            AND (length(t.body) > 0
                 OR EXISTS (SELECT 1 FROM message_original o WHERE o.place = s.place)
                 OR EXISTS (SELECT 1 FROM reaction r WHERE r.place = s.place))`,
  },
  {
    says: 'counts reactions that are not there',
    sql: `SELECT place >> 32 FROM reaction_tally t
          WHERE count <> (SELECT count(*) FROM reaction r WHERE r.place = t.place AND r.emoji = t.emoji)`,
  },
];

/** What the second format promises besides the messages; a database of the first one has none of it. */
export function verifyGroups(database: Database, report: (problem: string) => void): void {
  if (!database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'chat_group'").get()) return;
  for (const { says, sql } of checks) {
    const rows = database
      .prepare(
        `WITH wrong (conversation_no) AS (${sql})
         SELECT DISTINCT coalesce(conversation_id, 0) FROM wrong LEFT JOIN conversation USING (conversation_no)`,
      )
      .pluck()
      .safeIntegers()
      .all() as bigint[];
    for (const conversationId of rows) report(`conversation ${conversationId} ${says}`);
  }
}
