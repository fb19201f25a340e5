/**
 * Appending a batch of posts in one round trip. Functions carry a number: nodes of the version before call theirs, while
 * a newer one brings the next.
 *
 * fastim_require_fence_1: raises FM001 unless each node number is still held under the fence given. Its lock, shared here
 * and taken alone by the one who gives the number to another, keeps that so until the transaction ends.
 *
 * fastim_append_posts_1: what core's refusePost and the rules of MessageStore.append say, for a whole batch at once. First
 * the locks, in the order of 0001; what is read after that is what the transaction decides by. Results by place in the
 * batch: o_code 0 stored, 1 repeated, else why not (2 NOT_A_MEMBER, 3 TARGET_INVALID, 4 MUTED, 5 NOT_ALLOWED); o_seq
 * conv_seq, or of a repeat of a place in the same batch that place, negative; o_msg and o_time only for the repeats of
 * what was there before, in the order of the batch. o_undecided: a message answers one that this batch may only just
 * store; nothing was done, and the batch has to be decided message by message.
 */
export const append = `
CREATE FUNCTION fastim_require_fence_1(p_numbers bigint[], p_fences bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_held bigint;
BEGIN
  FOR v_place IN 1 .. cardinality(p_numbers) LOOP
    PERFORM pg_advisory_xact_lock_shared(1179209009, p_numbers[v_place]::int);
    SELECT fence INTO v_held FROM node_number WHERE number = p_numbers[v_place]::int;
    IF v_held IS DISTINCT FROM p_fences[v_place] THEN
      RAISE EXCEPTION USING ERRCODE = 'FM001', DETAIL = p_numbers[v_place]::text, MESSAGE = format(
        'node number %s is held under fence %s now, not %s', p_numbers[v_place], coalesce(v_held::text, 'none'),
        p_fences[v_place]);
    END IF;
  END LOOP;
END
$$;

CREATE FUNCTION fastim_append_posts_1(
  p_numbers bigint[], p_fences bigint[],
  p_conversation bigint[], p_sender bigint[], p_client bytea[], p_msg bigint[], p_kind bigint[], p_time bigint[],
  p_crc bigint[], p_body bytea[], p_reply bigint[], p_mention_all bigint[], p_mention_from bigint[],
  p_mention_count bigint[], p_mentioned bigint[], p_answers boolean,
  OUT o_undecided boolean, OUT o_code int[], OUT o_seq bigint[], OUT o_count bigint[],
  OUT o_msg bigint[], OUT o_time bigint[],
  OUT o_conversation bigint[], OUT o_kind int[], OUT o_removals bigint[], OUT o_low bigint[], OUT o_high bigint[]
) LANGUAGE plpgsql AS $$
BEGIN
  o_undecided := false;
  PERFORM fastim_require_fence_1(p_numbers, p_fences);
  PERFORM 1 FROM conversation WHERE conversation_id = ANY (p_conversation)
  ORDER BY conversation_id FOR NO KEY UPDATE;
  PERFORM 1
  FROM (SELECT DISTINCT * FROM unnest(p_conversation, p_sender) AS asked (conversation_id, user_id)) AS asked
  JOIN member USING (conversation_id, user_id)
  ORDER BY member.conversation_id, member.user_id FOR NO KEY UPDATE OF member;

  IF p_answers AND EXISTS (
    SELECT 1 FROM unnest(p_conversation, p_reply) AS asked (conversation_id, reply_seq)
    JOIN conversation USING (conversation_id)
    WHERE reply_seq > head_seq AND reply_seq <= head_seq + cardinality(p_conversation)
  ) THEN
    o_undecided := true;
    RETURN;
  END IF;

  WITH request AS MATERIALIZED (
    SELECT * FROM unnest(p_conversation, p_sender, p_client, p_msg, p_kind, p_time, p_crc, p_body, p_reply,
                         p_mention_all, p_mention_from, p_mention_count) WITH ORDINALITY
      AS asked (conversation_id, sender_id, client_msg_id, msg_id, kind, server_time_ms, crc, body, reply_seq,
                mention_all, mention_from, mention_count, place)
  ), judged AS (
    SELECT r.*, c.head_seq, c.head_count_no, e.conv_seq AS earlier_seq, e.count_no AS earlier_count_no,
           e.msg_id AS earlier_msg_id, e.server_time_ms AS earlier_time_ms,
           CASE
             WHEN m.user_id IS NULL OR m.leave_seq > 0 THEN 2
             WHEN r.reply_seq <> 0 AND (r.reply_seq < m.join_seq OR r.reply_seq > c.head_seq) THEN 3
             WHEN g.conversation_id IS NULL OR m.role >= 2 THEN 0
             WHEN g.mute_all OR m.muted_until_ms > r.server_time_ms THEN 4
             WHEN r.mention_all <> 0 THEN 5
             ELSE 0
           END AS refusal
    FROM request r
    LEFT JOIN conversation c ON c.conversation_id = r.conversation_id
    LEFT JOIN member m ON m.conversation_id = r.conversation_id AND m.user_id = r.sender_id
    LEFT JOIN chat_group g ON g.conversation_id = r.conversation_id
    -- LIMIT: looked up by the whole key, whatever the planner believes of a table that it has not looked at yet.
    LEFT JOIN LATERAL (
      SELECT conv_seq, count_no, msg_id, server_time_ms FROM message
      WHERE conversation_id = r.conversation_id AND sender_id = r.sender_id AND client_msg_id = r.client_msg_id LIMIT 1
    ) AS e ON m.user_id IS NOT NULL
  ), firsts AS (
    SELECT *, min(place) FILTER (WHERE refusal = 0)
                OVER (PARTITION BY conversation_id, sender_id, client_msg_id) AS first_place
    FROM judged
  ), numbered AS MATERIALIZED (
    SELECT *, (earlier_seq IS NULL AND refusal = 0 AND place = first_place) AS is_new,
           count(*) FILTER (WHERE earlier_seq IS NULL AND refusal = 0 AND place = first_place)
             OVER (PARTITION BY conversation_id ORDER BY place) AS step
    FROM firsts
  ), inserted AS (
    INSERT INTO message (conversation_id, conv_seq, msg_id, sender_id, kind, server_time_ms, count_no, checksum,
                         client_msg_id, body)
    SELECT conversation_id, head_seq + step, msg_id, sender_id, kind, server_time_ms, head_count_no + step,
           crc # (((head_seq + step) * 506952113) & 4294967295) # (((head_count_no + step) * 99338871) & 4294967295),
           client_msg_id, body
    FROM numbered WHERE is_new
  ), headed AS (
    UPDATE conversation c
    SET head_seq = c.head_seq + risen.steps, head_count_no = c.head_count_no + risen.steps,
        last_shown_seq = c.head_seq + risen.steps, last_activity_ms = greatest(c.last_activity_ms, risen.time_ms)
    FROM (SELECT conversation_id, max(step) AS steps, max(server_time_ms) AS time_ms
          FROM numbered WHERE is_new GROUP BY conversation_id) AS risen
    WHERE c.conversation_id = risen.conversation_id
  ), own AS (
    UPDATE member m
    SET own_seq = sent.seq, own_count_no = sent.count_no
    FROM (SELECT conversation_id, sender_id, max(head_seq + step) AS seq, max(head_count_no + step) AS count_no
          FROM numbered WHERE is_new GROUP BY conversation_id, sender_id) AS sent
    WHERE m.conversation_id = sent.conversation_id AND m.user_id = sent.sender_id
  ), mentioned AS (
    INSERT INTO mention (conversation_id, user_id, conv_seq, sender_id)
    SELECT n.conversation_id, named.user_id, n.head_seq + n.step, n.sender_id
    FROM numbered n
    CROSS JOIN LATERAL (
      SELECT unnest(p_mentioned[n.mention_from : n.mention_from + n.mention_count - 1]) AS user_id
      UNION ALL SELECT NULL WHERE n.mention_all <> 0
    ) AS found
    CROSS JOIN LATERAL (SELECT coalesce(found.user_id, 0) AS user_id) AS named
    WHERE n.is_new AND (n.mention_count > 0 OR n.mention_all <> 0)
      AND (found.user_id IS NULL OR (found.user_id <> n.sender_id AND found.user_id <> 0))
    ON CONFLICT DO NOTHING
  )
  SELECT array_agg(CASE WHEN is_new THEN 0 WHEN earlier_seq IS NOT NULL OR place > first_place THEN 1 ELSE refusal END
                   ORDER BY place),
         array_agg(CASE WHEN is_new THEN head_seq + step WHEN earlier_seq IS NOT NULL THEN earlier_seq
                        WHEN place > first_place THEN -first_place ELSE 0 END ORDER BY place),
         array_agg(CASE WHEN is_new THEN head_count_no + step ELSE coalesce(earlier_count_no, 0) END ORDER BY place),
         coalesce(array_agg(earlier_msg_id ORDER BY place) FILTER (WHERE earlier_seq IS NOT NULL), '{}'),
         coalesce(array_agg(earlier_time_ms ORDER BY place) FILTER (WHERE earlier_seq IS NOT NULL), '{}')
  INTO o_code, o_seq, o_count, o_msg, o_time
  FROM numbered;

  SELECT coalesce(array_agg(c.conversation_id), '{}'), coalesce(array_agg(c.kind), '{}'),
         coalesce(array_agg(c.removals_seq), '{}'), coalesce(array_agg(coalesce(pair.low, 0)), '{}'),
         coalesce(array_agg(coalesce(pair.high, 0)), '{}')
  INTO o_conversation, o_kind, o_removals, o_low, o_high
  FROM conversation c
  LEFT JOIN LATERAL (
    SELECT min(m.user_id) AS low, max(m.user_id) AS high FROM member m
    WHERE c.kind = 1 AND m.conversation_id = c.conversation_id
  ) AS pair ON true
  WHERE c.conversation_id = ANY (p_conversation);
END
$$;
`;
