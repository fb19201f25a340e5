import type { Database } from 'better-sqlite3';
import { packMessages } from '../packing/message-record.ts';
import { toStorageError } from '../sqlite-faults.ts';
import type { Handlers, ReaderOperations } from '../worker/operations.ts';
import { callHandler, failedReply } from '../worker/worker-loop.ts';
import type { WorkerCall, WorkerNote, WorkerReply } from '../worker/worker-messages.ts';
import { ReadConversations } from './read-conversations.ts';
import { readHighestId } from './read-highest-id.ts';
import { ReadMessages } from './read-messages.ts';
import { ReadSessions } from './read-sessions.ts';
import { ReadUsers } from './read-users.ts';

export interface ReaderEngineOptions {
  database: Database;
  note: (note: WorkerNote) => void;
  slowQueryMs: number;
}

/** Answers reads, each from a snapshot of its own; a failed one does not touch the others. */
export class ReaderEngine {
  readonly #options: ReaderEngineOptions;
  readonly #handlers: Handlers<ReaderOperations>;
  readonly #snapshot: (call: WorkerCall) => unknown;

  constructor(options: ReaderEngineOptions) {
    this.#options = options;
    this.#handlers = handlersOn(options.database, options.note);
    this.#snapshot = options.database.transaction((call: WorkerCall) => callHandler(this.#handlers, call));
  }

  execute(calls: readonly WorkerCall[]): WorkerReply[] {
    return calls.map((call) => this.#answer(call));
  }

  close(): void {
    this.#options.database.close();
  }

  #answer(call: WorkerCall): WorkerReply {
    const started = performance.now();
    try {
      const value = call.name === 'checkpoint' ? callHandler(this.#handlers, call) : this.#snapshot(call);
      return { id: call.id, ok: true, value };
    } catch (error) {
      return failedReply(call.id, toStorageError(error));
    } finally {
      const ms = performance.now() - started;
      if (ms > this.#options.slowQueryMs) {
        this.#options.note({ note: 'slow', name: call.name, ms: Math.round(ms), calls: 1 });
      }
    }
  }
}

function handlersOn(database: Database, note: (note: WorkerNote) => void): Handlers<ReaderOperations> {
  const messages = new ReadMessages(database, note);
  const conversations = new ReadConversations(database, messages);
  const users = new ReadUsers(database);
  const sessions = new ReadSessions(database);
  return {
    history: (query) => packMessages(messages.history(query)),
    membership: ({ conversationId, userId }) => conversations.membership(conversationId, userId),
    memberIds: (conversationId) => conversations.memberIds(conversationId),
    syncPage: (query) => conversations.syncPage(query),
    mark: (userId) => conversations.mark(userId),
    states: ({ userId, conversationIds }) => conversations.states(userId, conversationIds),
    userByKey: (usernameKey) => users.byUsernameKey(usernameKey),
    usersByIds: (userIds) => users.byIds(userIds),
    searchUsers: ({ queryKey, limit }) => users.search(queryKey, limit),
    sessionByAccessHash: (accessHash) => sessions.byAccessHash(accessHash),
    sessionById: (sessionId) => sessions.byId(sessionId),
    sessionsOfUser: (userId) => sessions.ofUser(userId),
    highestId: () => readHighestId(database),
    checkpoint: () => {
      database.pragma('wal_checkpoint(PASSIVE)');
      return undefined;
    },
  };
}
