import type { Queries } from './connection/queries.ts';

/** How far a message may be stored behind one whose id was given later: nodes' batches overtake each other. */
const NEAR_HEAD = 1_024;
/** The clocks of nodes differ by seconds; a message with the highest id is in a conversation that was active lately. */
const LATELY_MS = 60 * 60_000;

const HIGHEST = `SELECT greatest(
    coalesce((SELECT max(user_id) FROM chat_user), 0),
    coalesce((SELECT max(session_id) FROM session), 0),
    coalesce((SELECT max(conversation_id) FROM conversation), 0),
    coalesce((
      SELECT max(m.msg_id)
      FROM conversation c
      JOIN message m ON m.conversation_id = c.conversation_id AND m.conv_seq > c.head_seq - ${NEAR_HEAD}
      WHERE c.last_activity_ms >= (SELECT max(last_activity_ms) FROM conversation) - ${LATELY_MS}
    ), 0)
  )`;

/**
 * The highest snowflake in the database: no index holds it, so the messages at the heads of what was active lately are
 * looked at; at a start only.
 */
export async function readHighestId(queries: Queries): Promise<bigint> {
  const [row] = await queries.arrays<readonly [bigint]>(HIGHEST);
  return row![0];
}
