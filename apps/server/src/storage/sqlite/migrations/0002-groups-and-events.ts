import type { Database } from 'better-sqlite3';

/**
 * The second format: groups, events on messages, a member's own settings, mentions, the epoch of the history.
 *
 * `member.role` is 0 in direct conversations and of those who left; so `role > 0` means: in this group now. Rows that
 * every message writes (conversation, member) hold small numbers only; what can be long has a table of its own.
 *
 * What events made of a message lies beside it, by its place: message_state (one row for each message that ever met an
 * event), reaction and reaction_tally, message_event (which events refer to it), message_original (its first words, for
 * those who left before they were changed).
 */
export function groupsAndEvents(database: Database): void {
  database.exec(`
    CREATE TABLE storage_meta (
      meta_no INTEGER PRIMARY KEY CHECK (meta_no = 1),
      history_epoch INTEGER NOT NULL
    ) STRICT;
    INSERT INTO storage_meta (meta_no, history_epoch) VALUES (1, max(1, random() & 0x7fffffffffffffff));

    ALTER TABLE user ADD COLUMN show_online INTEGER NOT NULL DEFAULT 1;

    -- The newest message that is shown: a text or a notice, no event. 0: none.
    ALTER TABLE conversation ADD COLUMN last_shown_seq INTEGER NOT NULL DEFAULT 0;
    -- The newest notice of somebody leaving or being removed. 0: none.
    ALTER TABLE conversation ADD COLUMN removals_seq INTEGER NOT NULL DEFAULT 0;
    UPDATE conversation SET last_shown_seq = head_seq;

    ALTER TABLE member ADD COLUMN role INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE member ADD COLUMN joined_ms INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE member ADD COLUMN muted_until_ms INTEGER NOT NULL DEFAULT 0;
    -- The notice of leaving, count_no there, and its time. 0: a member.
    ALTER TABLE member ADD COLUMN leave_seq INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE member ADD COLUMN leave_count_no INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE member ADD COLUMN left_ms INTEGER NOT NULL DEFAULT 0;
    -- Rises with every change of this member's own view besides head and read_seq.
    ALTER TABLE member ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE member ADD COLUMN marked_unread INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE member ADD COLUMN silent_until_ms INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE member ADD COLUMN pinned_ms INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE member ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE member ADD COLUMN hidden_version INTEGER NOT NULL DEFAULT 0;
    DROP INDEX member_by_user;
    CREATE INDEX member_by_user ON member (user_id, role);
    CREATE INDEX member_by_role ON member (conversation_no, role, user_id) WHERE role > 0;

    CREATE TABLE draft (
      conversation_no INTEGER NOT NULL,
      user_id INTEGER NOT NULL,
      draft TEXT NOT NULL,
      PRIMARY KEY (conversation_no, user_id),
      FOREIGN KEY (conversation_no, user_id) REFERENCES member (conversation_no, user_id)
    ) STRICT, WITHOUT ROWID;

    -- Messages that a member deleted for himself; each takes the next hidden_version.
    CREATE TABLE hidden_message (
      conversation_no INTEGER NOT NULL,
      user_id INTEGER NOT NULL,
      hidden_version INTEGER NOT NULL,
      conv_seq INTEGER NOT NULL,
      PRIMARY KEY (conversation_no, user_id, hidden_version),
      UNIQUE (conversation_no, user_id, conv_seq),
      FOREIGN KEY (conversation_no, user_id) REFERENCES member (conversation_no, user_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE chat_group (
      conversation_no INTEGER PRIMARY KEY REFERENCES conversation (conversation_no),
      name TEXT NOT NULL,
      avatar_color INTEGER NOT NULL,
      announcement TEXT NOT NULL,
      owner_id INTEGER NOT NULL,
      member_count INTEGER NOT NULL,
      mute_all INTEGER NOT NULL,
      join_approval INTEGER NOT NULL,
      pending_joins INTEGER NOT NULL
    ) STRICT;

    -- What a group said of itself when this member left.
    CREATE TABLE former_group (
      conversation_no INTEGER NOT NULL,
      user_id INTEGER NOT NULL,
      name TEXT NOT NULL,
      avatar_color INTEGER NOT NULL,
      announcement TEXT NOT NULL,
      owner_id INTEGER NOT NULL,
      member_count INTEGER NOT NULL,
      mute_all INTEGER NOT NULL,
      join_approval INTEGER NOT NULL,
      PRIMARY KEY (conversation_no, user_id),
      FOREIGN KEY (conversation_no, user_id) REFERENCES member (conversation_no, user_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE group_link (
      token TEXT PRIMARY KEY,
      conversation_no INTEGER NOT NULL REFERENCES chat_group (conversation_no),
      creator_id INTEGER NOT NULL,
      client_msg_id BLOB NOT NULL,
      created_ms INTEGER NOT NULL,
      expires_ms INTEGER NOT NULL,
      max_uses INTEGER NOT NULL,
      uses INTEGER NOT NULL,
      revoked INTEGER NOT NULL,
      UNIQUE (client_msg_id, creator_id, conversation_no)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX group_link_by_group ON group_link (conversation_no, revoked, created_ms);

    -- Requests to join that wait for a decision.
    CREATE TABLE join_request (
      conversation_no INTEGER NOT NULL REFERENCES chat_group (conversation_no),
      user_id INTEGER NOT NULL,
      requested_ms INTEGER NOT NULL,
      PRIMARY KEY (conversation_no, user_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX join_request_by_age ON join_request (conversation_no, requested_ms, user_id);

    -- user_id 0: everybody. Only for those named, never one for each member.
    CREATE TABLE mention (
      conversation_no INTEGER NOT NULL,
      user_id INTEGER NOT NULL,
      conv_seq INTEGER NOT NULL,
      sender_id INTEGER NOT NULL,
      PRIMARY KEY (conversation_no, user_id, conv_seq)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE message_state (
      place INTEGER PRIMARY KEY,
      edited_seq INTEGER NOT NULL,
      recalled_seq INTEGER NOT NULL,
      recalled_by INTEGER NOT NULL,
      reactions_seq INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE message_event (
      target_place INTEGER NOT NULL,
      event_place INTEGER NOT NULL,
      PRIMARY KEY (target_place, event_place)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE message_original (
      place INTEGER PRIMARY KEY,
      body BLOB NOT NULL
    ) STRICT;

    CREATE TABLE reaction (
      place INTEGER NOT NULL,
      emoji TEXT NOT NULL,
      event_seq INTEGER NOT NULL,
      user_id INTEGER NOT NULL,
      PRIMARY KEY (place, emoji, event_seq),
      UNIQUE (place, user_id, emoji)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE reaction_tally (
      place INTEGER NOT NULL,
      emoji TEXT NOT NULL,
      -- When this emoji came, by conv_seq: the order in which they are shown.
      first_seq INTEGER NOT NULL,
      count INTEGER NOT NULL,
      PRIMARY KEY (place, emoji)
    ) STRICT, WITHOUT ROWID;
  `);
}
