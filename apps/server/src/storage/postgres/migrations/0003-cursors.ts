/**
 * Raising cursors in one round trip: what ConversationStore.raiseCursors promises, for a whole batch at once. Results:
 * o_refused_at, o_refused_code: places in the batch (from 1) and why not (2 NOT_A_MEMBER, 3 CURSOR_INVALID); then the
 * members whose cursors rose, with their values after, and whose mark as unread went by it.
 */
export const cursors = `
CREATE FUNCTION fastim_raise_cursors_1(
  p_conversation bigint[], p_user bigint[], p_device text[], p_delivered bigint[], p_read bigint[], p_now bigint[],
  OUT o_refused_at bigint[], OUT o_refused_code int[],
  OUT o_conversation bigint[], OUT o_user bigint[], OUT o_delivered bigint[], OUT o_read bigint[], OUT o_count bigint[],
  OUT o_unmarked boolean[]
) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1
  FROM (SELECT DISTINCT * FROM unnest(p_conversation, p_user) AS asked (conversation_id, user_id)) AS asked
  JOIN member USING (conversation_id, user_id)
  ORDER BY member.conversation_id, member.user_id FOR NO KEY UPDATE OF member;

  WITH request AS MATERIALIZED (
    SELECT * FROM unnest(p_conversation, p_user, p_device, p_delivered, p_read, p_now) WITH ORDINALITY
      AS asked (conversation_id, user_id, device_id, delivered, read, now_ms, place)
  ), judged AS MATERIALIZED (
    SELECT r.*, c.kind, c.head_seq, c.head_count_no,
           CASE WHEN c.kind = 1 THEN greatest(r.delivered, r.read) ELSE 0 END AS delivers,
           CASE
             WHEN m.user_id IS NULL THEN 2
             WHEN r.read < 0 OR r.delivered < 0
               OR greatest(r.read, r.delivered) > CASE WHEN m.leave_seq > 0 THEN m.leave_seq ELSE c.head_seq END THEN 3
             ELSE 0
           END AS refusal
    FROM request r
    LEFT JOIN conversation c ON c.conversation_id = r.conversation_id
    LEFT JOIN member m ON m.conversation_id = r.conversation_id AND m.user_id = r.user_id
  ), devices AS (
    INSERT INTO device_cursor (conversation_id, user_id, device_id, delivered_seq)
    SELECT conversation_id, user_id, device_id, max(delivers)
    FROM judged WHERE refusal = 0 AND delivers > 0 GROUP BY conversation_id, user_id, device_id
    ON CONFLICT (conversation_id, user_id, device_id) DO UPDATE SET delivered_seq = excluded.delivered_seq
    WHERE excluded.delivered_seq > device_cursor.delivered_seq
  ), highest AS (
    SELECT conversation_id, user_id, max(read) AS read, max(delivers) AS delivers, max(now_ms) AS now_ms,
           max(head_seq) AS head_seq, max(head_count_no) AS head_count_no
    FROM judged WHERE refusal = 0 GROUP BY conversation_id, user_id
  ), risen AS (
    SELECT h.*, h.read > m.read_seq AS reads, h.read > m.read_seq AND m.marked_unread AS unmarks,
           CASE WHEN h.read = h.head_seq THEN h.head_count_no ELSE coalesce((
             SELECT count_no FROM message WHERE message.conversation_id = h.conversation_id AND conv_seq = h.read), 0)
           END AS read_count_no
    FROM highest h JOIN member m ON m.conversation_id = h.conversation_id AND m.user_id = h.user_id
    WHERE h.read > m.read_seq OR h.delivers > m.delivered_seq
  ), raised AS (
    UPDATE member m
    SET read_seq = greatest(m.read_seq, r.read),
        read_count_no = CASE WHEN r.reads THEN r.read_count_no ELSE m.read_count_no END,
        delivered_seq = greatest(m.delivered_seq, r.delivers),
        changed_ms = greatest(m.changed_ms, r.now_ms),
        marked_unread = m.marked_unread AND NOT r.reads,
        version = m.version + CASE WHEN r.unmarks THEN 1 ELSE 0 END
    FROM risen r WHERE m.conversation_id = r.conversation_id AND m.user_id = r.user_id
    RETURNING m.conversation_id, m.user_id, m.delivered_seq, m.read_seq, m.read_count_no, r.unmarks
  )
  SELECT refused.places, refused.codes, raised.conversations, raised.users, raised.delivered, raised.read, raised.counts,
         raised.unmarked
  INTO o_refused_at, o_refused_code, o_conversation, o_user, o_delivered, o_read, o_count, o_unmarked
  FROM (
    SELECT coalesce(array_agg(place ORDER BY place), '{}') AS places,
           coalesce(array_agg(refusal ORDER BY place), '{}') AS codes
    FROM judged WHERE refusal <> 0
  ) AS refused, (
    SELECT coalesce(array_agg(conversation_id), '{}') AS conversations, coalesce(array_agg(user_id), '{}') AS users,
           coalesce(array_agg(delivered_seq), '{}') AS delivered, coalesce(array_agg(read_seq), '{}') AS read,
           coalesce(array_agg(read_count_no), '{}') AS counts, coalesce(array_agg(unmarks), '{}') AS unmarked
    FROM raised
  ) AS raised;
END
$$;
`;
