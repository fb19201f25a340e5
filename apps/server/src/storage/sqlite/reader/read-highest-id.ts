import type { Database } from 'better-sqlite3';

/**
 * The highest snowflake in the database. One node gives the ids and stores a conversation's messages in the order of
 * their ids, so the message at each head is enough: one look-up a conversation, at start only.
 */
export function readHighestId(database: Database): bigint {
  const highest = database
    .prepare(
      `SELECT max(
        coalesce((SELECT max(user_id) FROM user), 0),
        coalesce((SELECT max(session_id) FROM session), 0),
        coalesce((SELECT max(conversation_id) FROM conversation), 0),
        coalesce((
          SELECT max(message.msg_id) FROM conversation
          JOIN message ON message.place = (conversation.conversation_no << 32) + conversation.head_seq
        ), 0)
      )`,
    )
    .pluck()
    .safeIntegers();
  return highest.get() as bigint;
}
