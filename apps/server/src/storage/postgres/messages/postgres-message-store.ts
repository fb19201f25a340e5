import { CLIENT_MSG_ID_LENGTH, type Message } from '@fastim/protocol';
import type { AppendOutcome, AppendRequest, HistoryQuery, MessageStore, NodeNumber } from '../../message-store.ts';
import { StorageError } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import type { Fence } from '../fence.ts';
import { AppendLane } from './append-lane.ts';
import { appendPosts, isPosts } from './append-posts.ts';
import { decideBatch } from './decide-batch.ts';
import { loadBatch } from './load-batch.ts';
import { MessageChecksum } from './message-checksum.ts';
import type { ReadMessages } from './read-messages.ts';
import { StoredMessages } from './stored-message.ts';
import { writeBatch } from './write-batch.ts';

export interface MessageStoreOptions {
  /** For appending alone, so that it never waits behind reads. */
  readonly writer: Database;
  readonly reader: ReadMessages;
  readonly fence: Fence | undefined;
}

export class PostgresMessageStore implements MessageStore {
  readonly #writer: Database;
  readonly #reader: ReadMessages;
  readonly #fence: Fence | undefined;
  readonly #lane: AppendLane;
  readonly #checksums = new MessageChecksum();
  readonly #stored = new StoredMessages();

  constructor({ writer, reader, fence }: MessageStoreOptions) {
    this.#writer = writer;
    this.#reader = reader;
    this.#fence = fence;
    this.#lane = new AppendLane((batch) => this.#store(batch));
  }

  async append(batch: readonly AppendRequest[]): Promise<AppendOutcome[]> {
    for (const { clientMsgId, serverTimeMs, kind } of batch) {
      if (clientMsgId.length !== CLIENT_MSG_ID_LENGTH) {
        throw new StorageError('other', `a client_msg_id has ${CLIENT_MSG_ID_LENGTH} bytes, not ${clientMsgId.length}`);
      }
      if (!Number.isSafeInteger(serverTimeMs) || !Number.isSafeInteger(kind)) {
        throw new StorageError('other', 'times and kinds of messages are whole numbers');
      }
    }
    return batch.length === 0 ? [] : this.#lane.append(batch);
  }

  history(query: HistoryQuery): Promise<Message[]> {
    return this.#reader.history(query);
  }

  seqAt(conversationId: bigint, timeMs: number): Promise<number> {
    return this.#reader.seqAt(conversationId, timeMs);
  }

  /** Waits for what was appended before. Idempotent. */
  close(): Promise<void> {
    return this.#lane.close();
  }

  async #store(batch: readonly AppendRequest[]): Promise<AppendOutcome[]> {
    const { numbers, own } = this.#numbersOf(batch);
    try {
      const outcomes = isPosts(batch) ? await appendPosts(this.#writer, this.#checksums, batch, numbers) : undefined;
      return outcomes ?? (await this.#decide(batch, numbers));
    } catch (error) {
      if (error instanceof StorageError && error.kind === 'fenced' && own && refusedNumber(error) === own.number) {
        this.#fence?.refused(own.fence);
      }
      throw error;
    }
  }

  #decide(batch: readonly AppendRequest[], numbers: readonly NodeNumber[]): Promise<AppendOutcome[]> {
    return this.#writer.transaction(async (queries) => {
      const rows = await loadBatch(queries, this.#stored, batch, numbers);
      const outcomes = decideBatch(rows, batch);
      await writeBatch(queries, this.#stored, rows);
      return outcomes;
    });
  }

  /** Under which node numbers the ids of the batch were made, each once. */
  #numbersOf(batch: readonly AppendRequest[]): { numbers: NodeNumber[]; own: NodeNumber | undefined } {
    const found = new Map<string, NodeNumber>();
    let own: NodeNumber | undefined;
    for (const { issuer } of batch) {
      if (!issuer && !this.#fence) continue;
      const number = issuer ?? own ?? this.#fence?.current();
      if (!number) throw new StorageError('fenced', 'this process holds no node number');
      if (!issuer) own = number;
      found.set(`${number.number}/${number.fence}`, number);
    }
    return { numbers: [...found.values()].toSorted((one, other) => one.number - other.number), own };
  }
}

/** Which number the database did not take; see fastim_require_fence_1. */
function refusedNumber({ cause }: StorageError): number | undefined {
  return cause instanceof Error && 'detail' in cause ? Number(cause.detail) : undefined;
}
