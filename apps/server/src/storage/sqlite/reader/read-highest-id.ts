import type { Database } from 'better-sqlite3';

/** How far a message may be stored behind one whose id was given later: a notice does not wait for a batch. */
const NEAR_HEAD = 32;

/**
 * The highest snowflake in the database. One node gives the ids and stores a conversation's messages nearly in the order
 * of their ids, so the messages at each head are enough: one look-up a conversation, at start only.
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
          JOIN message ON message.place
            BETWEEN (conversation.conversation_no << 32) + max(1, conversation.head_seq - ${NEAR_HEAD})
                AND (conversation.conversation_no << 32) + conversation.head_seq
        ), 0)
      )`,
    )
    .pluck()
    .safeIntegers();
  return highest.get() as bigint;
}
