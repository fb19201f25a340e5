/** Never edited after a release; a change is a new migration. */
export const accountAndMessages = `
CREATE TABLE profile (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  device_id TEXT,
  settings TEXT,
  last_server_url TEXT,
  last_generation INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO profile (id) VALUES (1);

CREATE TABLE account (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  generation INTEGER NOT NULL,
  server_url TEXT NOT NULL,
  user_id TEXT NOT NULL,
  user TEXT NOT NULL,
  device_id TEXT NOT NULL,
  session TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  open_conversation_id TEXT
) STRICT;

CREATE TABLE pending_log_outs (
  session_id TEXT PRIMARY KEY,
  log_out TEXT NOT NULL
) STRICT;

CREATE TABLE conversations (
  conversation_id TEXT PRIMARY KEY,
  state TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
  conversation_id INTEGER NOT NULL,
  conv_seq INTEGER NOT NULL,
  msg_id INTEGER NOT NULL,
  sender_id INTEGER NOT NULL,
  key BLOB NOT NULL,
  kind INTEGER NOT NULL,
  text TEXT NOT NULL,
  body BLOB,
  server_time_ms INTEGER NOT NULL,
  count_no INTEGER NOT NULL,
  PRIMARY KEY (conversation_id, conv_seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
  key TEXT PRIMARY KEY,
  number INTEGER NOT NULL,
  conversation_id TEXT NOT NULL,
  kind INTEGER NOT NULL,
  text TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  failure TEXT,
  refused_since_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_by_number ON outbox (number);
`;
