import type { Database } from 'better-sqlite3';
import { StorageError } from '../../storage.ts';
import { toStorageError } from '../sqlite-faults.ts';
import type { Handlers, WriterOperations } from '../worker/operations.ts';
import { callHandler, failedReply } from '../worker/worker-loop.ts';
import type { WorkerCall, WorkerNote, WorkerReply } from '../worker/worker-messages.ts';
import { AppendMessages } from './append-messages.ts';
import { ChangeSettings } from './change-settings.ts';
import { ConversationCache } from './conversation-cache.ts';
import { ChangeGroup } from './groups/change-group.ts';
import { CreateGroup } from './groups/create-group.ts';
import { GroupLinks } from './groups/group-links.ts';
import { GroupRows } from './groups/group-rows.ts';
import { LogKeeper } from './log-keeper.ts';
import { OpenDirect } from './open-direct.ts';
import { RaiseCursors } from './raise-cursors.ts';
import { WriteSessions } from './write-sessions.ts';
import { WriteUsers } from './write-users.ts';

export interface WriterEngineOptions {
  open: () => Database;
  note: (note: WorkerNote) => void;
  /** A commit that takes longer is logged with the names of its calls. */
  slowQueryMs: number;
}

interface OpenWriter {
  database: Database;
  cache: ConversationCache;
  handlers: Handlers<WriterOperations>;
  log: LogKeeper;
  begin: () => void;
  commit: () => void;
}

/**
 * The one writer. Calls that wait together share a transaction and its flush; a reply is given only after the commit
 * returned, and a rejection means that nothing of the call is stored:
 *
 * - No space: rolled back; the next call tries again.
 * - The disk failed: the connection is given up, since after a failed flush the operating system may call pages clean
 *   that are not on the disk. A new one is opened and the log emptied into the database, so that no half-written commit
 *   can come back at the next start. As long as that fails, every call is rejected and tries it again.
 * - A bug in one call: the calls are run again, each in a transaction of its own, so that the others do not suffer.
 */
export class WriterEngine {
  readonly #options: WriterEngineOptions;
  #writer: OpenWriter | undefined;
  #failure = '';

  constructor(options: WriterEngineOptions) {
    this.#options = options;
    this.#writer = this.#openWriter(options.open());
  }

  execute(calls: readonly WorkerCall[]): WorkerReply[] {
    const started = performance.now();
    const replies = this.#together(calls);
    const ms = performance.now() - started;
    if (ms > this.#options.slowQueryMs) {
      const name = [...new Set(calls.map((call) => call.name))].join('+');
      this.#options.note({ note: 'slow', name, ms: Math.round(ms), calls: calls.length });
    }
    return replies;
  }

  /** Empties the log into the database, so that the folder holds one whole file. */
  close(): void {
    const database = this.#writer?.database;
    this.#writer = undefined;
    if (!database) return;
    try {
      database.pragma('wal_checkpoint(TRUNCATE)');
    } finally {
      database.close();
    }
  }

  #together(calls: readonly WorkerCall[]): WorkerReply[] {
    let writer: OpenWriter;
    try {
      writer = this.#writer ?? this.#reopen();
    } catch (error) {
      const failure = toStorageError(error);
      const reason = new StorageError('io', `the database cannot be opened again: ${failure.message}`);
      return calls.map(({ id }) => failedReply(id, reason));
    }
    try {
      const values: unknown[] = [];
      writer.begin();
      for (const call of calls) values.push(callHandler(writer.handlers, call));
      writer.cache.flush();
      writer.commit();
      writer.log.afterCommit();
      return calls.map(({ id }, index) => ({ id, ok: true, value: values[index] }));
    } catch (error) {
      const failure = toStorageError(error);
      this.#undo(writer, failure);
      if (failure.kind === 'other' && calls.length > 1) return calls.flatMap((call) => this.#together([call]));
      return calls.map(({ id }) => failedReply(id, failure));
    }
  }

  #undo(writer: OpenWriter, failure: StorageError): void {
    writer.cache.clear();
    let whole = failure.kind !== 'io';
    if (whole && writer.database.inTransaction) {
      try {
        writer.database.exec('ROLLBACK');
      } catch {
        // A connection that cannot even roll back is given up; closing it does.
        whole = false;
      }
    }
    if (whole) return;
    this.#failure = failure.message;
    this.#writer = undefined;
    try {
      writer.database.close();
      this.#reopen();
    } catch {
      // Tried again before the next call; that call says so if it fails again.
    }
  }

  #reopen(): OpenWriter {
    const database = this.#options.open();
    try {
      const [row] = database.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
      if (row?.busy !== 0) throw new StorageError('io', 'the log cannot be emptied');
      const writer = this.#openWriter(database);
      this.#writer = writer;
      this.#options.note({ note: 'reopened', reason: this.#failure });
      return writer;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  #openWriter(database: Database): OpenWriter {
    const cache = new ConversationCache(database);
    const begin = database.prepare('BEGIN IMMEDIATE');
    const commit = database.prepare('COMMIT');
    return {
      database,
      cache,
      handlers: handlersOn(database, cache),
      log: new LogKeeper(database, () => this.#options.note({ note: 'long-log' })),
      begin: () => void begin.run(),
      commit: () => void commit.run(),
    };
  }
}

function handlersOn(database: Database, cache: ConversationCache): Handlers<WriterOperations> {
  const messages = new AppendMessages(database, cache);
  const cursors = new RaiseCursors(database, cache);
  const settings = new ChangeSettings(database, cache);
  const direct = new OpenDirect(database);
  const groupRows = new GroupRows(database);
  const newGroups = new CreateGroup(database, groupRows);
  const groups = new ChangeGroup(database, cache, groupRows);
  const links = new GroupLinks(database, cache, groupRows);
  const users = new WriteUsers(database);
  const sessions = new WriteSessions(database);
  const probe = database.prepare('UPDATE write_probe SET writes = writes + 1');
  return {
    append: (batch) => messages.append(batch),
    openDirect: ({ userId, peerId, newId, nowMs }) => direct.open(userId, peerId, newId, nowMs),
    raiseCursors: (batch) => cursors.raise(batch),
    changeSettings: ({ userId, change, nowMs }) => settings.change(userId, change, nowMs),
    createGroup: (group) => newGroups.create(group),
    changeGroup: (request) => groups.change(request),
    joinByLink: (request) => links.join(request),
    makeLink: (link) => links.make(link),
    revokeLink: ({ conversationId, userId, token }) => links.revoke(conversationId, userId, token),
    createUser: (user) => users.create(user),
    setPasswordHash: ({ userId, passwordHash }) => {
      users.setPasswordHash(userId, passwordHash);
      return undefined;
    },
    setShowOnline: ({ userId, showOnline }) => {
      users.setShowOnline(userId, showOnline);
      return undefined;
    },
    createSession: (session) => sessions.create(session),
    rotateSession: (rotation) => sessions.rotate(rotation),
    endSession: ({ sessionId, nowMs }) => sessions.end(sessionId, nowMs),
    touchSession: ({ sessionId, nowMs }) => {
      sessions.touch(sessionId, nowMs);
      return undefined;
    },
    probeWrite: () => {
      probe.run();
      return undefined;
    },
  };
}
