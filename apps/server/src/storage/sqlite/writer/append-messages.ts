import type { Database, Statement } from 'better-sqlite3';
import { StorageError } from '../../storage.ts';
import { APPEND_FLAGS_START, appendRecordsStart, OutcomeWriter } from '../packing/append-batch.ts';
import { CLIENT_MSG_ID_LENGTH, RECORD_HEADER_LENGTH, RecordOffset, recordChecksum } from '../packing/message-record.ts';
import { type CachedConversation, type CachedMember, type ConversationCache, memberOf } from './conversation-cache.ts';

/** A conversation's messages have places of 32 bits. */
const MOST_MESSAGES = 2 ** 32 - 1;

type InsertColumns = [bigint, bigint, bigint, Uint8Array, number, number, number, number, Uint8Array];

/** One request in its batch. What the writer fills in may be filled in again: a call can be run a second time. */
interface PackedRequest {
  view: DataView;
  bytes: Uint8Array;
  offset: number;
  end: number;
  counts: number;
}

/**
 * Stores batches of packed message records inside the caller's transaction: one insert a message, which the unique
 * index on the client's id turns into nothing for a repeat. Heads and own sends are left to the cache's flush.
 */
export class AppendMessages {
  readonly #cache: ConversationCache;
  readonly #insert: Statement<InsertColumns>;
  readonly #findEarlier: Statement<[Uint8Array, bigint, number]>;

  constructor(database: Database, cache: ConversationCache) {
    this.#cache = cache;
    this.#insert = database.prepare<InsertColumns>(
      `INSERT INTO message (place, msg_id, sender_id, client_msg_id, kind, server_time_ms, count_no, checksum, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (client_msg_id, sender_id, place >> 32) DO NOTHING`,
    );
    this.#findEarlier = database
      .prepare<[Uint8Array, bigint, number]>(
        `SELECT msg_id, place & 0xffffffff, count_no, server_time_ms FROM message
         WHERE client_msg_id = ? AND sender_id = ? AND place >> 32 = ?`,
      )
      .raw()
      .safeIntegers();
  }

  /** packAppendBatch → OutcomeWriter. Throws only for what fails the whole transaction. */
  append(batch: ArrayBuffer): ArrayBuffer {
    const view = new DataView(batch);
    const bytes = new Uint8Array(batch);
    const count = view.getUint32(0, true);
    const outcomes = new OutcomeWriter(count);
    let offset = appendRecordsStart(count);
    for (let index = 0; index < count; index += 1) {
      const counts = bytes[APPEND_FLAGS_START + index]!;
      const end = offset + RECORD_HEADER_LENGTH + view.getUint32(offset + RecordOffset.bodyLength, true);
      const entry = this.#cache.get(view.getBigInt64(offset, true));
      const member = entry && memberOf(entry, view.getBigInt64(offset + RecordOffset.senderId, true));
      if (entry && member) this.#store({ view, bytes, offset, end, counts }, entry, member, outcomes);
      else outcomes.notAMember();
      offset = end;
    }
    return outcomes.finish();
  }

  #store(
    { view, bytes, offset, end, counts }: PackedRequest,
    entry: CachedConversation,
    member: CachedMember,
    outcomes: OutcomeWriter,
  ): void {
    const convSeq = entry.headSeq + 1;
    if (convSeq > MOST_MESSAGES) throw new StorageError('other', `conversation ${entry.conversationId} is full`);
    const countNo = entry.headCountNo + counts;
    const msgId = view.getBigInt64(offset + RecordOffset.msgId, true);
    const serverTimeMs = view.getFloat64(offset + RecordOffset.serverTimeMs, true);
    const idOffset = offset + RecordOffset.clientMsgId;
    const clientMsgId = bytes.subarray(idOffset, idOffset + CLIENT_MSG_ID_LENGTH);
    view.setFloat64(offset + RecordOffset.convSeq, convSeq, true);
    view.setFloat64(offset + RecordOffset.countNo, countNo, true);
    const { changes } = this.#insert.run(
      entry.placeBase + BigInt(convSeq),
      msgId,
      member.userId,
      clientMsgId,
      view.getUint32(offset + RecordOffset.kind, true),
      serverTimeMs,
      countNo,
      recordChecksum(bytes, offset, end - offset),
      bytes.subarray(offset + RecordOffset.body, end),
    );
    if (changes === 0) {
      this.#repeat(clientMsgId, entry, member, outcomes);
      return;
    }
    this.#cache.touchHead(entry);
    this.#cache.touchMember(entry, member);
    entry.headSeq = convSeq;
    entry.headCountNo = countNo;
    if (serverTimeMs > entry.lastActivityMs) entry.lastActivityMs = serverTimeMs;
    member.ownSeq = convSeq;
    member.ownCountNo = countNo;
    outcomes.stored(false, msgId, serverTimeMs, convSeq, countNo, entry.memberIds);
  }

  #repeat(clientMsgId: Uint8Array, entry: CachedConversation, member: CachedMember, outcomes: OutcomeWriter): void {
    const row = this.#findEarlier.get(clientMsgId, member.userId, entry.conversationNo) as
      | [bigint, bigint, bigint, bigint]
      | undefined;
    if (!row) throw new StorageError('corrupt', 'the index of client message ids names a message that is not there');
    const [msgId, convSeq, countNo, serverTimeMs] = row;
    outcomes.stored(true, msgId, Number(serverTimeMs), Number(convSeq), Number(countNo), entry.memberIds);
  }
}
