import { ConversationKind } from '@fastim/protocol';
import type { Queries } from '../connection/queries.ts';

const FIND = 'SELECT conversation_id FROM direct_pair WHERE low_user_id = $1 AND high_user_id = $2';
const ADD_PAIR = `INSERT INTO direct_pair (low_user_id, high_user_id, conversation_id) VALUES ($1, $2, $3)
  ON CONFLICT DO NOTHING`;
const ADD_CONVERSATION = `INSERT INTO conversation
    (conversation_id, kind, head_seq, head_count_no, last_activity_ms, created_ms)
  VALUES ($1, ${ConversationKind.direct}, 0, 0, $2::bigint, $2::bigint)`;
const ADD_MEMBERS = `INSERT INTO member (conversation_id, user_id, join_seq, join_count_no, changed_ms)
  SELECT DISTINCT $1::bigint, user_id, 1, 0, $3::bigint FROM unnest($2::bigint[]) AS pair (user_id)`;

/**
 * Finds or makes the one direct conversation of two users, inside the caller's transaction. Of two that make it at once
 * one waits at the pair's key, and finds it.
 */
export async function openDirect(
  queries: Queries,
  userId: bigint,
  peerId: bigint,
  newId: bigint,
  nowMs: number,
): Promise<{ conversationId: bigint; created: boolean }> {
  const pair = userId < peerId ? [userId, peerId] : [peerId, userId];
  const [found] = await queries.arrays<readonly [bigint]>(FIND, pair);
  if (found) return { conversationId: found[0], created: false };
  if ((await queries.run(ADD_PAIR, [...pair, newId])) === 0) {
    const [made] = await queries.arrays<readonly [bigint]>(FIND, pair);
    return { conversationId: made![0], created: false };
  }
  await Promise.all([queries.run(ADD_CONVERSATION, [newId, nowMs]), queries.run(ADD_MEMBERS, [newId, pair, nowMs])]);
  return { conversationId: newId, created: true };
}
