import type { ConversationState, MemberSettings, SettingsRequest, SyncMark } from '@fastim/protocol';
import type {
  ConversationStore,
  CursorRaise,
  Membership,
  RaiseOutcome,
  SyncPageQuery,
} from '../../conversation-store.ts';
import type { Database } from '../connection/database.ts';
import { InTurn } from '../connection/in-turn.ts';
import { storedId } from '../connection/stored-values.ts';
import type { ReadMessages } from '../messages/read-messages.ts';
import { changeSettings } from './change-settings.ts';
import { openDirect } from './open-direct.ts';
import { raiseCursors } from './raise-cursors.ts';
import { ReadConversations } from './read-conversations.ts';

export class PostgresConversationStore implements ConversationStore {
  readonly #database: Database;
  readonly #reader: ReadConversations;
  readonly #settings = new InTurn();

  constructor(database: Database, messages: ReadMessages) {
    this.#database = database;
    this.#reader = new ReadConversations(database, messages);
  }

  openDirect(
    userId: bigint,
    peerId: bigint,
    newId: bigint,
    nowMs: number,
  ): Promise<{ conversationId: bigint; created: boolean }> {
    const ids = [storedId(userId), storedId(peerId), storedId(newId)] as const;
    return this.#database.transaction((queries) => openDirect(queries, ...ids, nowMs));
  }

  membership(conversationId: bigint, userId: bigint): Promise<Membership | undefined> {
    return this.#reader.membership(conversationId, userId);
  }

  directMembers(conversationId: bigint): Promise<bigint[]> {
    return this.#reader.directMembers(conversationId);
  }

  groupIdsOf(userId: bigint): Promise<bigint[]> {
    return this.#reader.groupIdsOf(userId);
  }

  syncPage(query: SyncPageQuery): Promise<{ conversations: ConversationState[]; more: boolean }> {
    return this.#reader.syncPage(query);
  }

  mark(userId: bigint): Promise<SyncMark> {
    return this.#reader.mark(userId);
  }

  states(userId: bigint, conversationIds: readonly bigint[]): Promise<ConversationState[]> {
    return this.#reader.states(userId, conversationIds);
  }

  raiseCursors(batch: readonly CursorRaise[]): Promise<RaiseOutcome> {
    return raiseCursors(this.#database, batch);
  }

  changeSettings(
    userId: bigint,
    change: SettingsRequest,
    nowMs: number,
  ): Promise<{ version: number; settings: MemberSettings; changed: boolean } | undefined> {
    // On several connections two of one user could overtake each other, and the older value would stay.
    return this.#settings.run(`${userId} ${change.conversationId}`, () =>
      this.#database.transaction((queries) => changeSettings(queries, userId, change, nowMs)),
    );
  }

  hidden(
    userId: bigint,
    conversationId: bigint,
    since: number,
  ): Promise<{ convSeqs: number[]; hiddenVersion: number; more: boolean }> {
    return this.#reader.hidden(userId, conversationId, since);
  }
}
