import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { changeMessages } from '../../engine/message-table.ts';
import {
  type AccountRow,
  type ApplyResult,
  type ConversationRow,
  type MessageQuery,
  type OutboxRow,
  type PendingLogOut,
  type ProfileRow,
  type SearchQuery,
  type StoreBatch,
  type StoreContents,
  type StoredMessage,
  StoreError,
} from '../../engine/store.ts';
import type { UserView } from '../../engine/views.ts';
import { MessageRows } from './message-rows.ts';
import { migrations } from './migrations/index.ts';

/** The database file of a profile folder. */
export const DATABASE_FILE = 'client.db';
/** Who has the profile open, for the message to whoever comes second. The lock itself is SQLite's. */
const OWNER_FILE = 'client.owner';

/**
 * The Store's calls, synchronous, on one SQLite file; lives in the store's worker.
 *
 * One connection in exclusive locking mode: the operating system holds the lock and lets go of it when the process dies,
 * however it dies. WAL; `synchronous` is FULL for what a power loss must not take (outbox, account, tokens), else
 * NORMAL: received history can be pulled again. `secure_delete` and a truncated log leave nothing of a removed account
 * in the file.
 */
export class SqliteDatabase {
  readonly #database: Database.Database;
  readonly #statements: Statements;
  readonly #messages: MessageRows;
  #synchronous: 'FULL' | 'NORMAL' | undefined;

  /** Throws StoreError: in-use, newer-version, corrupt, io, full. */
  constructor(folder: string) {
    const path = join(folder, DATABASE_FILE);
    let database: Database.Database | undefined;
    try {
      // Made here, so that it (and with it the WAL) is never readable by others, not even for a moment.
      closeSync(openSync(path, 'a', 0o600));
      database = new Database(path, { timeout: 0 });
      database.pragma('locking_mode = EXCLUSIVE');
      database.pragma('journal_mode = WAL');
      // Takes the lock for good.
      database.exec('BEGIN IMMEDIATE; COMMIT');
      migrate(database);
      database.pragma('secure_delete = ON');
      database.pragma('foreign_keys = ON');
      database.pragma('cache_size = -16000');
      writeFileSync(join(folder, OWNER_FILE), `process ${process.pid}\n`, { mode: 0o600 });
      this.#database = database;
      this.#statements = prepare(database);
      this.#messages = new MessageRows(database);
    } catch (error) {
      database?.close();
      throw openingError(error, folder);
    }
  }

  contents(): StoreContents {
    const { profile, account, pendingLogOuts } = this.#statements;
    const found = account.get();
    return {
      profile: profileRow(profile.get()!),
      account: found ? { generation: found.generation, row: accountRow(found) } : null,
      pendingLogOuts: pendingLogOuts.all().map((row) => JSON.parse(row.log_out) as PendingLogOut),
    };
  }

  close(): void {
    this.#database.close();
  }

  saveProfile(patch: Partial<ProfileRow>): void {
    this.#transact(false, () => {
      const row = { ...profileRow(this.#statements.profile.get()!), ...patch };
      this.#statements.saveProfile.run(
        row.deviceId,
        row.settings === null ? null : JSON.stringify(row.settings),
        row.lastServerUrl,
      );
    });
  }

  beginAccount(account: AccountRow, logOutFirst: PendingLogOut | null): number {
    return this.#transact(true, () => {
      const old = this.#statements.account.get();
      const isSame = old !== undefined && old.server_url === account.serverUrl && old.user_id === account.user.userId;
      if (!isSame) this.#removeAccount();
      const generation = this.#statements.nextGeneration.get()!.generation;
      this.#statements.putAccount.run(
        generation,
        account.serverUrl,
        account.user.userId,
        JSON.stringify(account.user),
        account.deviceId,
        JSON.stringify(account.session),
        isSame ? old.since_ms : account.sinceMs,
        isSame ? old.open_conversation_id : account.openConversationId,
        isSame ? old.history_epoch : account.historyEpoch,
      );
      if (logOutFirst) this.#putPendingLogOut(logOutFirst);
      return generation;
    });
  }

  endAccount(generation: number, pending: PendingLogOut | null): void {
    this.#transact(true, () => {
      this.#checkAccount(generation);
      this.#removeAccount();
      if (pending) this.#putPendingLogOut(pending);
    });
    // The log still holds the old pages until it is cut.
    this.#database.pragma('wal_checkpoint(TRUNCATE)');
  }

  putPendingLogOut(pending: PendingLogOut): void {
    this.#transact(true, () => this.#putPendingLogOut(pending));
  }

  removePendingLogOut(sessionId: string): void {
    this.#transact(false, () => this.#statements.removePendingLogOut.run(sessionId));
  }

  load(generation: number): {
    account: AccountRow;
    conversations: ConversationRow[];
    outbox: OutboxRow[];
    users: UserView[];
  } {
    const found = this.#checkAccount(generation);
    return {
      account: accountRow(found),
      conversations: this.#statements.conversations.all().map((row) => JSON.parse(row.state) as ConversationRow),
      outbox: this.#statements.outbox.all().map(outboxRow),
      users: this.#statements.users.all(),
    };
  }

  apply(generation: number, batch: StoreBatch): ApplyResult {
    const statements = this.#statements;
    return this.#transact(batch.durable, () => {
      const found = this.#checkAccount(generation);
      if (batch.account) {
        const { session, sinceMs, openConversationId, historyEpoch } = { ...accountRow(found), ...batch.account };
        statements.patchAccount.run(JSON.stringify(session), sinceMs, openConversationId, historyEpoch);
      }
      for (const row of batch.conversations) statements.putConversation.run(row.conversationId, JSON.stringify(row));
      const changed = changeMessages(this.#messages, batch.messagesCut, batch.messages, found.user_id);
      for (const { conversationId, convSeqs } of batch.hide) {
        for (const convSeq of convSeqs) this.#messages.hide(conversationId, convSeq);
      }
      for (const { userId, username, displayName } of batch.users)
        statements.putUser.run(userId, username, displayName);
      for (const row of batch.outboxPut) {
        statements.putOutbox.run(
          row.key,
          row.number,
          row.conversationId,
          JSON.stringify(row.content),
          row.createdMs,
          row.failure,
          row.refusedSinceMs,
        );
      }
      for (const key of batch.outboxRemove) statements.removeOutbox.run(key);
      return { changed };
    });
  }

  messages(generation: number, query: MessageQuery): StoredMessage[] {
    this.#checkAccount(generation);
    return this.#messages.query(query);
  }

  search(generation: number, query: SearchQuery): StoredMessage[] {
    this.#checkAccount(generation);
    return this.#messages.search(query);
  }

  #transact<T>(durable: boolean, work: () => T): T {
    const synchronous = durable ? 'FULL' : 'NORMAL';
    if (this.#synchronous !== synchronous) {
      this.#database.pragma(`synchronous = ${synchronous}`);
      this.#synchronous = synchronous;
    }
    return this.#database.transaction(work).immediate();
  }

  #checkAccount(generation: number): AccountColumns {
    const found = this.#statements.account.get();
    if (found?.generation !== generation) throw new StoreError('stale', 'the account is gone from this device');
    return found;
  }

  #removeAccount(): void {
    this.#messages.clear();
    for (const statement of this.#statements.removeAccount) statement.run();
  }

  #putPendingLogOut(pending: PendingLogOut): void {
    this.#statements.putPendingLogOut.run(pending.sessionId, JSON.stringify(pending));
  }
}

interface ProfileColumns {
  device_id: string | null;
  settings: string | null;
  last_server_url: string | null;
}

interface AccountColumns {
  generation: number;
  server_url: string;
  user_id: string;
  user: string;
  device_id: string;
  session: string;
  since_ms: number;
  open_conversation_id: string | null;
  history_epoch: string;
}

interface OutboxColumns extends Omit<OutboxRow, 'content'> {
  content: string;
}

type Statements = ReturnType<typeof prepare>;

function prepare(database: Database.Database) {
  return {
    profile: database.prepare<[], ProfileColumns>('SELECT device_id, settings, last_server_url FROM profile'),
    saveProfile: database.prepare('UPDATE profile SET device_id = ?, settings = ?, last_server_url = ?'),
    nextGeneration: database.prepare<[], { generation: number }>(
      'UPDATE profile SET last_generation = last_generation + 1 RETURNING last_generation AS generation',
    ),
    account: database.prepare<[], AccountColumns>('SELECT * FROM account'),
    putAccount: database.prepare(
      `INSERT OR REPLACE INTO account
         (id, generation, server_url, user_id, user, device_id, session, since_ms, open_conversation_id, history_epoch)
       VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    patchAccount: database.prepare(
      'UPDATE account SET session = ?, since_ms = ?, open_conversation_id = ?, history_epoch = ?',
    ),
    removeAccount: ['account', 'conversations', 'users', 'outbox'].map((table) =>
      database.prepare(`DELETE FROM ${table}`),
    ),
    pendingLogOuts: database.prepare<[], { log_out: string }>('SELECT log_out FROM pending_log_outs'),
    putPendingLogOut: database.prepare('INSERT OR REPLACE INTO pending_log_outs (session_id, log_out) VALUES (?, ?)'),
    removePendingLogOut: database.prepare('DELETE FROM pending_log_outs WHERE session_id = ?'),
    conversations: database.prepare<[], { state: string }>('SELECT state FROM conversations'),
    putConversation: database.prepare('INSERT OR REPLACE INTO conversations (conversation_id, state) VALUES (?, ?)'),
    users: database.prepare<[], UserView>('SELECT user_id AS userId, username, display_name AS displayName FROM users'),
    putUser: database.prepare('INSERT OR REPLACE INTO users (user_id, username, display_name) VALUES (?, ?, ?)'),
    outbox: database.prepare<[], OutboxColumns>(
      `SELECT key, conversation_id AS conversationId, number, content, created_ms AS createdMs, failure,
              refused_since_ms AS refusedSinceMs
       FROM outbox ORDER BY number`,
    ),
    putOutbox: database.prepare(
      `INSERT OR REPLACE INTO outbox
         (key, number, conversation_id, content, created_ms, failure, refused_since_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    removeOutbox: database.prepare('DELETE FROM outbox WHERE key = ?'),
  };
}

function migrate(database: Database.Database): void {
  const version = database.pragma('user_version', { simple: true }) as number;
  if (version > migrations.length) {
    throw new StoreError(
      'newer-version',
      `this profile was written by a newer version of the app (format ${version}, this one knows ${migrations.length})`,
    );
  }
  for (const [index, migration] of migrations.entries()) {
    if (index < version) continue;
    database
      .transaction(() => {
        if (typeof migration === 'string') database.exec(migration);
        else migration(database);
        database.pragma(`user_version = ${index + 1}`);
      })
      .immediate();
  }
}

function profileRow(row: ProfileColumns): ProfileRow {
  return {
    deviceId: row.device_id,
    settings: row.settings === null ? null : (JSON.parse(row.settings) as ProfileRow['settings']),
    lastServerUrl: row.last_server_url,
  };
}

function accountRow(row: AccountColumns): AccountRow {
  return {
    serverUrl: row.server_url,
    user: JSON.parse(row.user) as AccountRow['user'],
    deviceId: row.device_id,
    session: JSON.parse(row.session) as AccountRow['session'],
    sinceMs: row.since_ms,
    openConversationId: row.open_conversation_id,
    historyEpoch: row.history_epoch,
  };
}

function outboxRow(row: OutboxColumns): OutboxRow {
  return { ...row, content: JSON.parse(row.content) as OutboxRow['content'] };
}

/** What went wrong in a call, in the store's words. */
export function asStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const code = errorCode(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code === 'SQLITE_FULL' || code === 'ENOSPC')
    return new StoreError('full', 'no space left for the local store', error);
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') return new StoreError('corrupt', message, error);
  if (code.startsWith('SQLITE_IOERR') || code === 'SQLITE_READONLY' || code === 'SQLITE_CANTOPEN') {
    return new StoreError('io', message, error);
  }
  return new StoreError('other', message, error);
}

function openingError(error: unknown, folder: string): StoreError {
  if (!errorCode(error).startsWith('SQLITE_BUSY')) return asStoreError(error);
  return new StoreError('in-use', `the profile is in use by ${owner(folder)} (${folder})`, error);
}

function owner(folder: string): string {
  try {
    return readFileSync(join(folder, OWNER_FILE), 'utf8').trim() || 'another process';
  } catch {
    // Only the name is lost; that the profile is in use is known.
    return 'another process';
  }
}

function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}
