import type { Database } from 'better-sqlite3';
import { packHistory } from '../packing/pack-history.ts';
import { toStorageError } from '../sqlite-faults.ts';
import type { Handlers, ReaderOperations } from '../worker/operations.ts';
import { callHandler, failedReply } from '../worker/worker-loop.ts';
import type { WorkerCall, WorkerNote, WorkerReply } from '../worker/worker-messages.ts';
import { ReadConversations } from './read-conversations.ts';
import { ReadGroups } from './read-groups.ts';
import { readHighestId } from './read-highest-id.ts';
import { readHistoryEpoch } from './read-history-epoch.ts';
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
  const groups = new ReadGroups(database);
  const users = new ReadUsers(database);
  const sessions = new ReadSessions(database);
  return {
    history: (query) => packHistory(messages.history(query)),
    seqAt: ({ conversationId, timeMs }) => messages.seqAt(conversationId, timeMs),
    membership: ({ conversationId, userId }) => conversations.membership(conversationId, userId),
    directMembers: (conversationId) => conversations.directMembers(conversationId),
    groupIdsOf: (userId) => conversations.groupIdsOf(userId),
    syncPage: (query) => conversations.syncPage(query),
    mark: (userId) => conversations.mark(userId),
    states: ({ userId, conversationIds }) => conversations.states(userId, conversationIds),
    hidden: ({ userId, conversationId, since }) => conversations.hidden(userId, conversationId, since),
    members: (query) => groups.members(query),
    readers: (query) => groups.readers(query),
    readCounts: ({ conversationId, convSeqs }) => groups.readCounts(conversationId, convSeqs),
    links: ({ conversationId, userId, nowMs }) => groups.links(conversationId, userId, nowMs),
    lookAtLink: ({ token, userId, nowMs }) => groups.lookAtLink(token, userId, nowMs),
    pendingJoins: ({ conversationId, userId }) => groups.pendingJoins(conversationId, userId),
    userByKey: (usernameKey) => users.byUsernameKey(usernameKey),
    usersByIds: (userIds) => users.byIds(userIds),
    searchUsers: ({ queryKey, limit }) => users.search(queryKey, limit),
    sessionByAccessHash: (accessHash) => sessions.byAccessHash(accessHash),
    sessionById: (sessionId) => sessions.byId(sessionId),
    sessionsOfUser: (userId) => sessions.ofUser(userId),
    sessionsEndedSince: ({ sinceMs, limit, afterId }) => sessions.endedSince(sinceMs, limit, afterId),
    historyEpoch: () => readHistoryEpoch(database),
    highestId: () => readHighestId(database),
    checkpoint: () => {
      database.pragma('wal_checkpoint(PASSIVE)');
      return undefined;
    },
  };
}
