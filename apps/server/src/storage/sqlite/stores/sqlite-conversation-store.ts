import type { ConversationState, MemberSettings, SettingsRequest, SyncMark } from '@fastim/protocol';
import type {
  ConversationStore,
  CursorRaise,
  Membership,
  RaiseOutcome,
  SyncPageQuery,
} from '../../conversation-store.ts';
import type { ReaderOperations, WriterOperations } from '../worker/operations.ts';
import type { WorkerClient } from '../worker/worker-client.ts';
import { storedId } from './stored-id.ts';

export class SqliteConversationStore implements ConversationStore {
  readonly #writer: WorkerClient<WriterOperations>;
  readonly #reader: WorkerClient<ReaderOperations>;

  constructor(writer: WorkerClient<WriterOperations>, reader: WorkerClient<ReaderOperations>) {
    this.#writer = writer;
    this.#reader = reader;
  }

  openDirect(
    userId: bigint,
    peerId: bigint,
    newId: bigint,
    nowMs: number,
  ): Promise<{ conversationId: bigint; created: boolean }> {
    return this.#writer.call('openDirect', {
      userId: storedId(userId),
      peerId: storedId(peerId),
      newId: storedId(newId),
      nowMs,
    });
  }

  membership(conversationId: bigint, userId: bigint): Promise<Membership | undefined> {
    return this.#reader.call('membership', { conversationId: storedId(conversationId), userId: storedId(userId) });
  }

  directMembers(conversationId: bigint): Promise<bigint[]> {
    return this.#reader.call('directMembers', storedId(conversationId));
  }

  groupIdsOf(userId: bigint): Promise<bigint[]> {
    return this.#reader.call('groupIdsOf', storedId(userId));
  }

  syncPage(query: SyncPageQuery): Promise<{ conversations: ConversationState[]; more: boolean }> {
    return this.#reader.call('syncPage', {
      ...query,
      userId: storedId(query.userId),
      beforeConversationId: storedId(query.beforeConversationId),
    });
  }

  mark(userId: bigint): Promise<SyncMark> {
    return this.#reader.call('mark', storedId(userId));
  }

  states(userId: bigint, conversationIds: readonly bigint[]): Promise<ConversationState[]> {
    return this.#reader.call('states', {
      userId: storedId(userId),
      conversationIds: conversationIds.map(storedId),
    });
  }

  async raiseCursors(batch: readonly CursorRaise[]): Promise<RaiseOutcome> {
    if (batch.length === 0) return { raised: [], unmarked: [], refused: [] };
    const { raised, unmarked, refused } = await this.#writer.call(
      'raiseCursors',
      batch.map((move) => ({
        ...move,
        conversationId: storedId(move.conversationId),
        userId: storedId(move.userId),
      })),
    );
    return { raised, unmarked, refused: refused.map(({ index, reason }) => ({ move: batch[index]!, reason })) };
  }

  changeSettings(
    userId: bigint,
    change: SettingsRequest,
    nowMs: number,
  ): Promise<{ version: number; settings: MemberSettings; changed: boolean } | undefined> {
    return this.#writer.call('changeSettings', {
      userId: storedId(userId),
      change: { ...change, conversationId: storedId(change.conversationId) },
      nowMs,
    });
  }

  hidden(
    userId: bigint,
    conversationId: bigint,
    since: number,
  ): Promise<{ convSeqs: number[]; hiddenVersion: number; more: boolean }> {
    return this.#reader.call('hidden', {
      userId: storedId(userId),
      conversationId: storedId(conversationId),
      since,
    });
  }
}
