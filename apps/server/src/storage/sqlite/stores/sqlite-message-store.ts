import type { Message } from '@fastim/protocol';
import type { AppendOutcome, AppendRequest, HistoryQuery, MessageStore } from '../../message-store.ts';
import { packAppendBatch, unpackOutcomes } from '../packing/append-batch.ts';
import { unpackHistory } from '../packing/pack-history.ts';
import type { ReaderOperations, WriterOperations } from '../worker/operations.ts';
import type { WorkerClient } from '../worker/worker-client.ts';
import { storedId } from './stored-id.ts';

export class SqliteMessageStore implements MessageStore {
  readonly #writer: WorkerClient<WriterOperations>;
  readonly #reader: WorkerClient<ReaderOperations>;

  constructor(writer: WorkerClient<WriterOperations>, reader: WorkerClient<ReaderOperations>) {
    this.#writer = writer;
    this.#reader = reader;
  }

  async append(batch: readonly AppendRequest[]): Promise<AppendOutcome[]> {
    if (batch.length === 0) return [];
    return unpackOutcomes(await this.#writer.call('append', packAppendBatch(batch)));
  }

  async history(query: HistoryQuery): Promise<Message[]> {
    const reply = await this.#reader.call('history', {
      ...query,
      conversationId: storedId(query.conversationId),
      viewerId: storedId(query.viewerId),
    });
    return unpackHistory(reply);
  }

  seqAt(conversationId: bigint, timeMs: number): Promise<number> {
    return this.#reader.call('seqAt', { conversationId: storedId(conversationId), timeMs });
  }
}
