import type { ConversationState, MemberCursor, SyncMark } from '@fastim/protocol';
import type { ConversationStore, CursorRaise, SyncPageQuery } from '../../conversation-store.ts';
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

  membership(conversationId: bigint, userId: bigint): Promise<{ joinSeq: number; headSeq: number } | undefined> {
    return this.#reader.call('membership', { conversationId: storedId(conversationId), userId: storedId(userId) });
  }

  memberIds(conversationId: bigint): Promise<bigint[]> {
    return this.#reader.call('memberIds', storedId(conversationId));
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

  async raiseCursors(batch: readonly CursorRaise[]): Promise<MemberCursor[]> {
    if (batch.length === 0) return [];
    return this.#writer.call(
      'raiseCursors',
      batch.map((move) => ({
        ...move,
        conversationId: storedId(move.conversationId),
        userId: storedId(move.userId),
      })),
    );
  }
}
