import { noMarks } from '@fastim/core';
import { MessageKind } from '@fastim/protocol';
import type Database from 'better-sqlite3';
import { emptyRow } from '../../../engine/conversation-rows.ts';
import { isEventContent, plainContent, withEvent } from '../../../engine/message-content.ts';
import { searchWords } from '../../../engine/search-text.ts';
import type { ConversationRow, MessageContent, SettingsPatch, StoredMessage } from '../../../engine/store.ts';
import { contentOf } from '../../../engine/wire-values.ts';
import { fromInteger, toInteger } from '../integers.ts';
import { searchId } from '../search-index.ts';

/**
 * Messages as what they say (content) and what events made of them (marks); full-text search; what is deleted for me;
 * names. What format 1 kept as bytes that it did not know is read now, and events among it change their targets.
 */
export function eventsAndSearch(database: Database.Database): void {
  database.exec(`
ALTER TABLE account ADD COLUMN history_epoch TEXT NOT NULL DEFAULT '';

CREATE TABLE users (
  user_id TEXT PRIMARY KEY,
  username TEXT NOT NULL,
  display_name TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE hidden (
  conversation_id INTEGER NOT NULL,
  conv_seq INTEGER NOT NULL,
  PRIMARY KEY (conversation_id, conv_seq)
) STRICT, WITHOUT ROWID;

-- Words are parted and folded before they come here; every byte over 127 belongs to one.
CREATE VIRTUAL TABLE search USING fts5(words, place, content='', tokenize='ascii');
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);

ALTER TABLE messages RENAME TO messages_1;
CREATE TABLE messages (
  conversation_id INTEGER NOT NULL,
  conv_seq INTEGER NOT NULL,
  msg_id INTEGER NOT NULL,
  sender_id INTEGER NOT NULL,
  key BLOB NOT NULL,
  content TEXT NOT NULL,
  server_time_ms INTEGER NOT NULL,
  count_no INTEGER NOT NULL,
  target_seq INTEGER,                    -- of events
  marks TEXT,                            -- NULL: none
  marks_seq INTEGER NOT NULL DEFAULT 0,  -- the highest conv_seq in marks
  base TEXT,                             -- reactions as the server told them last; NULL: none
  stale INTEGER NOT NULL DEFAULT 0,
  search_id INTEGER,                     -- its row in search; NULL: not to be found
  PRIMARY KEY (conversation_id, conv_seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX messages_by_target ON messages (conversation_id, target_seq) WHERE target_seq IS NOT NULL;
CREATE UNIQUE INDEX messages_by_search_id ON messages (search_id) WHERE search_id IS NOT NULL;

ALTER TABLE outbox RENAME TO outbox_1;
DROP INDEX outbox_by_number;
CREATE TABLE outbox (
  key TEXT PRIMARY KEY,
  number INTEGER NOT NULL,
  conversation_id TEXT NOT NULL,
  content TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  failure TEXT,
  refused_since_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_by_number ON outbox (number);
`);
  const account = database.prepare<[], { user_id: string }>('SELECT user_id FROM account').get();
  moveMessages(database, account?.user_id ?? '');
  moveOutbox(database);
  moveConversations(database);
  database.exec('DROP TABLE messages_1; DROP TABLE outbox_1');
}

interface OldMessage {
  conversation_id: string;
  conv_seq: number;
  msg_id: string;
  sender_id: string;
  key: string;
  kind: number;
  text: string;
  body: Uint8Array | null;
  server_time_ms: number;
  count_no: number;
}

/** One conversation at a time: events and targets meet in memory. */
function moveMessages(database: Database.Database, me: string): void {
  const conversations = database.prepare<[], { id: string }>(
    'SELECT DISTINCT CAST(conversation_id AS TEXT) AS id FROM messages_1',
  );
  const read = database.prepare<[bigint], OldMessage>(
    `SELECT CAST(conversation_id AS TEXT) AS conversation_id, conv_seq, CAST(msg_id AS TEXT) AS msg_id,
            CAST(sender_id AS TEXT) AS sender_id, lower(hex(key)) AS key, kind, text, body, server_time_ms, count_no
     FROM messages_1 WHERE conversation_id = ? ORDER BY conv_seq`,
  );
  const write = database.prepare(
    `INSERT INTO messages (conversation_id, conv_seq, msg_id, sender_id, key, content, server_time_ms, count_no,
       target_seq, marks, marks_seq, search_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const index = database.prepare('INSERT INTO search (rowid, words, place) VALUES (?, ?, ?)');
  const taken = new Set<bigint>();

  const indexed = (message: StoredMessage): bigint | null => {
    const { content, conversationId, senderId } = message;
    const words = content.type === 'text' ? searchWords(content.text) : [];
    if (words.length === 0) return null;
    let id = searchId(message);
    while (taken.has(id)) id += 1n;
    taken.add(id);
    index.run(id, words.join(' '), `c${conversationId} s${senderId}`);
    return id;
  };

  for (const { id } of conversations.all()) {
    const messages = new Map<number, StoredMessage>();
    for (const old of read.all(BigInt(id))) {
      const message = oldMessage(old);
      messages.set(message.convSeq, message);
      if (!isEventContent(message.content)) continue;
      const target = messages.get(message.content.targetSeq);
      if (target) messages.set(target.convSeq, withEvent(target, message, me));
    }
    for (const message of messages.values()) {
      const { marks } = message;
      const content = wordsLeft(message.content, messages);
      const marksSeq = Math.max(marks.editedSeq, marks.recalledSeq, marks.reactionsSeq);
      write.run(
        BigInt(id),
        message.convSeq,
        toInteger(message.msgId),
        toInteger(message.senderId),
        Buffer.from(message.key, 'hex'),
        JSON.stringify(content),
        message.serverTimeMs,
        message.countNo,
        isEventContent(content) ? content.targetSeq : null,
        marksSeq === 0 ? null : JSON.stringify(marks),
        marksSeq,
        indexed(message),
      );
    }
  }
}

/** What was recalled has no words any more, its edits neither. */
function wordsLeft(content: MessageContent, messages: ReadonlyMap<number, StoredMessage>): MessageContent {
  if (content.type !== 'edit' || !messages.get(content.targetSeq)?.marks.recalledSeq) return content;
  return { ...content, text: '', mentions: [], mentionAll: false };
}

function oldMessage(old: OldMessage): StoredMessage {
  return {
    conversationId: fromInteger(old.conversation_id),
    convSeq: old.conv_seq,
    msgId: fromInteger(old.msg_id),
    senderId: fromInteger(old.sender_id),
    key: old.key,
    // A text whose bytes could not be read was kept as bytes.
    content: old.body === null ? plainContent(old.text) : contentOf(old.kind, new Uint8Array(old.body)),
    serverTimeMs: old.server_time_ms,
    countNo: old.count_no,
    marks: noMarks,
  };
}

/** Only texts could be written. */
function moveOutbox(database: Database.Database): void {
  const write = database.prepare(
    `INSERT INTO outbox (key, number, conversation_id, content, created_ms, failure, refused_since_ms)
     SELECT key, number, conversation_id, ?, created_ms, failure, refused_since_ms FROM outbox_1 WHERE key = ?`,
  );
  for (const { key, text } of database
    .prepare<[], { key: string; text: string }>('SELECT key, text FROM outbox_1')
    .all()) {
    write.run(JSON.stringify(plainContent(text)), key);
  }
}

interface OldConversation extends Omit<ConversationRow, 'lastMessage' | 'settingsPending'> {
  readonly lastMessage: (Omit<StoredMessage, 'content' | 'marks'> & { kind: number; text: string; body: null }) | null;
}

/**
 * Rows get what a new one has where format 1 had nothing; the server tells the rest at the next sync. A draft is told to
 * the server now: it follows to other devices.
 */
function moveConversations(database: Database.Database): void {
  const read = database.prepare<[], { conversation_id: string; state: string }>('SELECT * FROM conversations');
  const write = database.prepare('UPDATE conversations SET state = ? WHERE conversation_id = ?');
  const name = database.prepare('INSERT OR REPLACE INTO users (user_id, username, display_name) VALUES (?, ?, ?)');
  const newest = database.prepare<[bigint], NewMessage>(
    `SELECT CAST(conversation_id AS TEXT) AS conversation_id, conv_seq, CAST(msg_id AS TEXT) AS msg_id,
            CAST(sender_id AS TEXT) AS sender_id, lower(hex(key)) AS key, content, marks, server_time_ms, count_no
     FROM messages WHERE conversation_id = ? AND target_seq IS NULL ORDER BY conv_seq DESC LIMIT 1`,
  );
  for (const { conversation_id, state } of read.all()) {
    const { lastMessage: last, ...old } = JSON.parse(state) as OldConversation;
    const settingsPending: SettingsPatch | null = old.draft ? { draft: old.draft } : null;
    const stored = newest.get(toInteger(conversation_id));
    let lastMessage = stored ? newMessage(stored) : null;
    // Of what is not stored here only a text can be shown.
    if (last?.kind === MessageKind.text && last.convSeq > (lastMessage?.convSeq ?? 0)) {
      const { kind: _kind, text, body: _body, ...place } = last;
      lastMessage = { ...place, content: plainContent(text), marks: noMarks };
    }
    const row: ConversationRow = { ...emptyRow(conversation_id), settingsPending, ...old, lastMessage };
    write.run(JSON.stringify(row), conversation_id);
    if (row.peer) name.run(row.peer.userId, row.peer.username, row.peer.displayName);
  }
}

interface NewMessage extends Omit<OldMessage, 'kind' | 'text' | 'body'> {
  content: string;
  marks: string | null;
}

function newMessage(row: NewMessage): StoredMessage {
  return {
    conversationId: fromInteger(row.conversation_id),
    convSeq: row.conv_seq,
    msgId: fromInteger(row.msg_id),
    senderId: fromInteger(row.sender_id),
    key: row.key,
    content: JSON.parse(row.content) as MessageContent,
    serverTimeMs: row.server_time_ms,
    countNo: row.count_no,
    marks: row.marks === null ? noMarks : (JSON.parse(row.marks) as StoredMessage['marks']),
  };
}
