/**
 * The first format: what SQLite has in its third, for many nodes.
 *
 * Keys begin with the conversation's or the user's id, so that an engine that spreads tables over machines can take them
 * as they are: `conversation` to `mention` by conversation_id, side by side; `direct_pair` by low_user_id, `group_creation` by creator_id; the rest, which
 * no message touches (users, sessions, node numbers), stays in one place or is copied everywhere. For that reason nothing
 * is unique across conversations but the ids, which are unique by how they are made, and nothing refers to another table
 * by a foreign key; who writes keeps them together, in one transaction under the conversation's row lock.
 *
 * Locks, always in this order, so that nobody waits in a circle: the node number's advisory lock, rows of `conversation`
 * by rising id, rows of `member` by rising (conversation_id, user_id), everything else. head_seq, head_count_no,
 * last_shown_seq, removals_seq, messages, and what events make of them change only under the conversation's row lock.
 *
 * Names that are compared or sorted are COLLATE "C": by bytes, the same on every machine and after every upgrade of it.
 * Text that people write freely is bytea (UTF-8), since text cannot hold U+0000 here.
 *
 * Rows that every message writes (conversation, member) are short, have room on their page (fillfactor), and none of the
 * columns that a message changes is in an index: such an update stays on its page and touches no index.
 */
export const firstFormat = `
CREATE TABLE storage_meta (
  meta_no smallint PRIMARY KEY CHECK (meta_no = 1),
  history_epoch bigint NOT NULL
);
-- 63 random bits, never 0.
INSERT INTO storage_meta (meta_no, history_epoch)
VALUES (1, greatest(1, ('x' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 8)
                            || substr(replace(gen_random_uuid()::text, '-', ''), 1, 8))::bit(64)::bigint
                       & 9223372036854775807));

-- Who holds a snowflake node number. The fence rises with each holder; appends of an older one are refused.
CREATE TABLE node_number (
  number integer PRIMARY KEY,
  fence bigint NOT NULL,
  holder text NOT NULL,
  since_ms bigint NOT NULL
);

-- Written by the readiness check, so that it proves a whole commit; many rows, so that nodes do not wait for each other.
CREATE TABLE write_probe (
  probe_no integer PRIMARY KEY,
  writes bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO write_probe (probe_no, writes) SELECT probe_no, 0 FROM generate_series(0, 15) AS probe_no;

CREATE TABLE chat_user (
  user_id bigint PRIMARY KEY,
  username text NOT NULL,
  username_key text COLLATE "C" NOT NULL,
  display_name text NOT NULL,
  display_key text COLLATE "C" NOT NULL,
  password_hash text NOT NULL,
  created_ms bigint NOT NULL,
  show_online boolean NOT NULL DEFAULT true
);
CREATE UNIQUE INDEX chat_user_by_username_key ON chat_user (username_key);
CREATE INDEX chat_user_by_display_key ON chat_user (display_key, username_key);

CREATE TABLE session (
  session_id bigint PRIMARY KEY,
  user_id bigint NOT NULL,
  device_id text COLLATE "C" NOT NULL,
  device_name text NOT NULL,
  epoch bigint NOT NULL,
  access_hash bytea NOT NULL,
  access_expires_ms bigint NOT NULL,
  refresh_hash bytea NOT NULL,
  refresh_expires_ms bigint NOT NULL,
  refresh_generation bigint NOT NULL DEFAULT 0,
  created_ms bigint NOT NULL,
  last_seen_ms bigint NOT NULL,
  ended_ms bigint
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX session_by_device ON session (user_id, device_id, epoch);
CREATE UNIQUE INDEX session_by_access_hash ON session (access_hash);
CREATE UNIQUE INDEX session_by_refresh_hash ON session (refresh_hash);
CREATE INDEX session_by_end ON session (ended_ms, session_id) WHERE ended_ms IS NOT NULL;

CREATE TABLE spent_refresh (
  refresh_hash bytea PRIMARY KEY,
  session_id bigint NOT NULL,
  spent_ms bigint NOT NULL,
  expires_ms bigint NOT NULL,
  -- The session's generation for which this token may still come back within the grace time.
  successor_generation bigint NOT NULL
);
CREATE INDEX spent_refresh_by_session ON spent_refresh (session_id, expires_ms);

CREATE TABLE direct_pair (
  low_user_id bigint NOT NULL,
  high_user_id bigint NOT NULL,
  conversation_id bigint NOT NULL,
  PRIMARY KEY (low_user_id, high_user_id)
);

CREATE TABLE conversation (
  conversation_id bigint PRIMARY KEY,
  kind smallint NOT NULL,
  head_seq bigint NOT NULL,
  head_count_no bigint NOT NULL,
  last_activity_ms bigint NOT NULL,
  created_ms bigint NOT NULL,
  -- The newest message that is shown: a text or a notice, no event. 0: none.
  last_shown_seq bigint NOT NULL DEFAULT 0,
  -- The newest notice of somebody leaving or being removed. 0: none.
  removals_seq bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- role is 0 in direct conversations and of those who left; so role > 0 means: in this group now.
CREATE TABLE member (
  conversation_id bigint NOT NULL,
  user_id bigint NOT NULL,
  role smallint NOT NULL DEFAULT 0,
  archived boolean NOT NULL DEFAULT false,
  marked_unread boolean NOT NULL DEFAULT false,
  join_seq bigint NOT NULL,
  -- count_no just before join_seq, at read_seq and at own_seq: the three candidates for the base of unread.
  join_count_no bigint NOT NULL,
  read_seq bigint NOT NULL DEFAULT 0,
  read_count_no bigint NOT NULL DEFAULT 0,
  own_seq bigint NOT NULL DEFAULT 0,
  own_count_no bigint NOT NULL DEFAULT 0,
  -- The highest over the member's devices, never below read_seq; in groups 0.
  delivered_seq bigint NOT NULL DEFAULT 0,
  -- When a cursor or the membership changed last.
  changed_ms bigint NOT NULL,
  joined_ms bigint NOT NULL DEFAULT 0,
  muted_until_ms bigint NOT NULL DEFAULT 0,
  -- The notice of leaving, count_no there, and its time. 0: a member.
  leave_seq bigint NOT NULL DEFAULT 0,
  leave_count_no bigint NOT NULL DEFAULT 0,
  left_ms bigint NOT NULL DEFAULT 0,
  -- Rises with every change of this member's own view besides head and read_seq.
  version bigint NOT NULL DEFAULT 0,
  silent_until_ms bigint NOT NULL DEFAULT 0,
  pinned_ms bigint NOT NULL DEFAULT 0,
  hidden_version bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (conversation_id, user_id)
) WITH (fillfactor = 70);
CREATE INDEX member_by_user ON member (user_id, role);
CREATE INDEX member_by_role ON member (conversation_id, role, user_id) WHERE role > 0;

CREATE TABLE device_cursor (
  conversation_id bigint NOT NULL,
  user_id bigint NOT NULL,
  device_id text COLLATE "C" NOT NULL,
  delivered_seq bigint NOT NULL,
  PRIMARY KEY (conversation_id, user_id, device_id)
) WITH (fillfactor = 70);

CREATE TABLE draft (
  conversation_id bigint NOT NULL,
  user_id bigint NOT NULL,
  draft bytea NOT NULL,
  PRIMARY KEY (conversation_id, user_id)
);

-- Messages that a member deleted for himself; each takes the next hidden_version.
CREATE TABLE hidden_message (
  conversation_id bigint NOT NULL,
  user_id bigint NOT NULL,
  hidden_version bigint NOT NULL,
  conv_seq bigint NOT NULL,
  PRIMARY KEY (conversation_id, user_id, hidden_version),
  UNIQUE (conversation_id, user_id, conv_seq)
);

CREATE TABLE chat_group (
  conversation_id bigint PRIMARY KEY,
  name text NOT NULL,
  avatar_color bigint NOT NULL,
  announcement bytea NOT NULL,
  owner_id bigint NOT NULL,
  member_count bigint NOT NULL,
  mute_all boolean NOT NULL,
  join_approval boolean NOT NULL,
  pending_joins bigint NOT NULL
) WITH (fillfactor = 80);

-- Which group was made by whom under which client_msg_id: the same creator and id again give the same group.
CREATE TABLE group_creation (
  creator_id bigint NOT NULL,
  client_msg_id bytea NOT NULL,
  conversation_id bigint NOT NULL,
  PRIMARY KEY (creator_id, client_msg_id)
);

-- What a group said of itself when this member left.
CREATE TABLE former_group (
  conversation_id bigint NOT NULL,
  user_id bigint NOT NULL,
  name text NOT NULL,
  avatar_color bigint NOT NULL,
  announcement bytea NOT NULL,
  owner_id bigint NOT NULL,
  member_count bigint NOT NULL,
  mute_all boolean NOT NULL,
  join_approval boolean NOT NULL,
  PRIMARY KEY (conversation_id, user_id)
);

-- Tokens are random, so no two are the same; links are also looked up by nothing but the token.
CREATE TABLE group_link (
  conversation_id bigint NOT NULL,
  token text COLLATE "C" NOT NULL,
  creator_id bigint NOT NULL,
  client_msg_id bytea NOT NULL,
  created_ms bigint NOT NULL,
  expires_ms bigint NOT NULL,
  max_uses bigint NOT NULL,
  uses bigint NOT NULL,
  revoked boolean NOT NULL,
  PRIMARY KEY (conversation_id, token),
  UNIQUE (conversation_id, creator_id, client_msg_id)
);
CREATE INDEX group_link_by_token ON group_link (token);
CREATE INDEX group_link_by_group ON group_link (conversation_id, revoked, created_ms);

-- Requests to join that wait for a decision.
CREATE TABLE join_request (
  conversation_id bigint NOT NULL,
  user_id bigint NOT NULL,
  requested_ms bigint NOT NULL,
  PRIMARY KEY (conversation_id, user_id)
);
CREATE INDEX join_request_by_age ON join_request (conversation_id, requested_ms, user_id);

CREATE TABLE message (
  conversation_id bigint NOT NULL,
  conv_seq bigint NOT NULL,
  msg_id bigint NOT NULL,
  sender_id bigint NOT NULL,
  kind bigint NOT NULL,
  server_time_ms bigint NOT NULL,
  count_no bigint NOT NULL,
  -- Over everything a reader gets; see messages/message-checksum.ts.
  checksum bigint NOT NULL,
  client_msg_id bytea NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (conversation_id, conv_seq)
);
-- One row for each (conversation, sender, client_msg_id).
CREATE UNIQUE INDEX message_by_client_id ON message (conversation_id, sender_id, client_msg_id);

-- What events made of a message lies beside it: one row for each message that ever met an event.
CREATE TABLE message_state (
  conversation_id bigint NOT NULL,
  conv_seq bigint NOT NULL,
  edited_seq bigint NOT NULL,
  recalled_seq bigint NOT NULL,
  recalled_by bigint NOT NULL,
  reactions_seq bigint NOT NULL,
  PRIMARY KEY (conversation_id, conv_seq)
) WITH (fillfactor = 80);

-- Which events refer to a message.
CREATE TABLE message_event (
  conversation_id bigint NOT NULL,
  target_seq bigint NOT NULL,
  event_seq bigint NOT NULL,
  PRIMARY KEY (conversation_id, target_seq, event_seq)
);

-- The first words of an edited message, for those who left before.
CREATE TABLE message_original (
  conversation_id bigint NOT NULL,
  conv_seq bigint NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (conversation_id, conv_seq)
);

CREATE TABLE reaction (
  conversation_id bigint NOT NULL,
  conv_seq bigint NOT NULL,
  emoji text COLLATE "C" NOT NULL,
  event_seq bigint NOT NULL,
  user_id bigint NOT NULL,
  PRIMARY KEY (conversation_id, conv_seq, emoji, event_seq),
  UNIQUE (conversation_id, conv_seq, user_id, emoji)
);

CREATE TABLE reaction_tally (
  conversation_id bigint NOT NULL,
  conv_seq bigint NOT NULL,
  emoji text COLLATE "C" NOT NULL,
  -- When this emoji came, by conv_seq: the order in which they are shown.
  first_seq bigint NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (conversation_id, conv_seq, emoji)
) WITH (fillfactor = 80);

-- user_id 0: everybody. Only for those named, never one for each member.
CREATE TABLE mention (
  conversation_id bigint NOT NULL,
  user_id bigint NOT NULL,
  conv_seq bigint NOT NULL,
  sender_id bigint NOT NULL,
  PRIMARY KEY (conversation_id, user_id, conv_seq)
);
`;
