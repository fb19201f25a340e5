import type { Database } from 'better-sqlite3';

/**
 * The first format.
 *
 * `conversation_no` and `place` are this driver's own: a message's place is conversation_no × 2^32 + conv_seq. One
 * integer key keeps a conversation's messages side by side in reading order (a page of history is a few neighbouring
 * pages) and makes (conversation, conv_seq) unique by construction, with no second index to write.
 *
 * message_by_client_id enforces one row for each (conversation, sender, client_msg_id). The client's id comes first
 * because it rises with time: the rows of one commit, from all conversations, fall on the same page at the index's end.
 */
export function firstFormat(database: Database): void {
  database.exec(`
    CREATE TABLE user (
      user_id INTEGER PRIMARY KEY,
      username TEXT NOT NULL,
      username_key TEXT NOT NULL UNIQUE,
      display_name TEXT NOT NULL,
      display_key TEXT NOT NULL,
      password_hash TEXT NOT NULL,
      created_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX user_by_display_key ON user (display_key, username_key);
    CREATE INDEX user_names ON user (username_key, display_key);

    CREATE TABLE session (
      session_id INTEGER PRIMARY KEY,
      user_id INTEGER NOT NULL,
      device_id TEXT NOT NULL,
      device_name TEXT NOT NULL,
      epoch INTEGER NOT NULL,
      access_hash BLOB NOT NULL UNIQUE,
      access_expires_ms INTEGER NOT NULL,
      refresh_hash BLOB NOT NULL UNIQUE,
      refresh_expires_ms INTEGER NOT NULL,
      refresh_generation INTEGER NOT NULL DEFAULT 0,
      created_ms INTEGER NOT NULL,
      last_seen_ms INTEGER NOT NULL,
      ended_ms INTEGER,
      UNIQUE (user_id, device_id, epoch)
    ) STRICT;

    CREATE TABLE spent_refresh (
      refresh_hash BLOB PRIMARY KEY,
      session_id INTEGER NOT NULL REFERENCES session (session_id),
      spent_ms INTEGER NOT NULL,
      expires_ms INTEGER NOT NULL,
      -- The session's generation for which this token may still come back within the grace time.
      successor_generation INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX spent_refresh_by_session ON spent_refresh (session_id, expires_ms);

    CREATE TABLE conversation (
      conversation_no INTEGER PRIMARY KEY,
      conversation_id INTEGER NOT NULL UNIQUE,
      kind INTEGER NOT NULL,
      head_seq INTEGER NOT NULL,
      head_count_no INTEGER NOT NULL,
      last_activity_ms INTEGER NOT NULL,
      created_ms INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE direct_pair (
      low_user_id INTEGER NOT NULL,
      high_user_id INTEGER NOT NULL,
      conversation_no INTEGER NOT NULL UNIQUE REFERENCES conversation (conversation_no),
      PRIMARY KEY (low_user_id, high_user_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE member (
      conversation_no INTEGER NOT NULL REFERENCES conversation (conversation_no),
      user_id INTEGER NOT NULL,
      join_seq INTEGER NOT NULL,
      -- count_no just before join_seq, at read_seq and at own_seq: the three candidates for the base of unread.
      join_count_no INTEGER NOT NULL,
      read_seq INTEGER NOT NULL,
      read_count_no INTEGER NOT NULL,
      own_seq INTEGER NOT NULL,
      own_count_no INTEGER NOT NULL,
      -- The highest over the member's devices, never below read_seq.
      delivered_seq INTEGER NOT NULL,
      -- When a cursor or the membership changed last.
      changed_ms INTEGER NOT NULL,
      PRIMARY KEY (conversation_no, user_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX member_by_user ON member (user_id);

    CREATE TABLE device_cursor (
      conversation_no INTEGER NOT NULL,
      user_id INTEGER NOT NULL,
      device_id TEXT NOT NULL,
      delivered_seq INTEGER NOT NULL,
      PRIMARY KEY (conversation_no, user_id, device_id),
      FOREIGN KEY (conversation_no, user_id) REFERENCES member (conversation_no, user_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE message (
      place INTEGER PRIMARY KEY,
      msg_id INTEGER NOT NULL,
      sender_id INTEGER NOT NULL,
      client_msg_id BLOB NOT NULL,
      kind INTEGER NOT NULL,
      server_time_ms INTEGER NOT NULL,
      count_no INTEGER NOT NULL,
      -- CRC-32 over everything a reader gets; see packing/message-record.ts.
      checksum INTEGER NOT NULL,
      body BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX message_by_client_id ON message (client_msg_id, sender_id, place >> 32);

    -- Written by the readiness check, so that it proves a whole commit.
    CREATE TABLE write_probe (
      probe_no INTEGER PRIMARY KEY CHECK (probe_no = 1),
      writes INTEGER NOT NULL
    ) STRICT;
    INSERT INTO write_probe (probe_no, writes) VALUES (1, 0);
  `);
}
