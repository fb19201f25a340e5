import { refusePost } from '@fastim/core';
import type { ErrorName } from '@fastim/protocol';
import type { Database, Statement } from 'better-sqlite3';
import type { AppendAction } from '../../message-store.ts';
import { StorageError } from '../../storage.ts';
import { ActionCode, readAction } from '../packing/append-action.ts';
import { APPEND_CODES_START, appendRecordsStart, OutcomeWriter } from '../packing/append-batch.ts';
import { CLIENT_MSG_ID_LENGTH, RECORD_HEADER_LENGTH, RecordOffset, recordChecksum } from '../packing/message-record.ts';
import { ApplyEvents } from './apply-events.ts';
import type { CachedConversation, CachedMember, ConversationCache } from './conversation-cache.ts';

/** A conversation's messages have places of 32 bits. */
export const MOST_MESSAGES = 2 ** 32 - 1;
/** In `mention`: everybody. */
const EVERYBODY = 0n;

type InsertColumns = [bigint, bigint, bigint, Uint8Array, number, number, number, number, Uint8Array];
type PostAction = Extract<AppendAction, { type: 'post' }>;

/** One request in its batch. What the writer fills in may be filled in again: a call can be run a second time. */
interface PackedRequest {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly end: number;
  readonly clientMsgId: Uint8Array;
  readonly kind: number;
  readonly serverTimeMs: number;
}

const plainPost: PostAction = { type: 'post', mentions: [], mentionAll: false, replySeq: 0 };

/**
 * Stores batches of packed message records inside the caller's transaction. Whether each may be stored is decided here,
 * by core's rules and the rows as they are; but a request that was stored before gets its first answer, whatever the
 * rules say now. For a post that costs one insert, which the unique index on the client's id turns into nothing for a
 * repeat. Heads and own sends are left to the cache's flush.
 */
export class AppendMessages {
  readonly #cache: ConversationCache;
  readonly #events: ApplyEvents;
  readonly #insert: Statement<InsertColumns>;
  readonly #findEarlier: Statement<[Uint8Array, bigint, number]>;
  readonly #addMention: Statement<[number, bigint, number, bigint]>;

  constructor(database: Database, cache: ConversationCache) {
    this.#cache = cache;
    this.#events = new ApplyEvents(database);
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
    this.#addMention = database.prepare(
      `INSERT INTO mention (conversation_no, user_id, conv_seq, sender_id) VALUES (?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    );
  }

  /** packAppendBatch → OutcomeWriter. Throws only for what fails the whole transaction. */
  append(batch: ArrayBuffer): ArrayBuffer {
    const view = new DataView(batch);
    const bytes = new Uint8Array(batch);
    const count = view.getUint32(0, true);
    const outcomes = new OutcomeWriter(count);
    let offset = appendRecordsStart(count);
    for (let index = 0; index < count; index += 1) {
      const code = bytes[APPEND_CODES_START + index]!;
      const end = offset + RECORD_HEADER_LENGTH + view.getUint32(offset + RecordOffset.bodyLength, true);
      let next = end;
      let action: AppendAction = plainPost;
      if (code !== ActionCode.plainPost) ({ action, end: next } = readAction(view, bytes, end, code));
      const entry = this.#cache.get(view.getBigInt64(offset, true));
      const member = entry && this.#cache.member(entry, view.getBigInt64(offset + RecordOffset.senderId, true));
      if (entry && member) {
        const idOffset = offset + RecordOffset.clientMsgId;
        const request: PackedRequest = {
          view,
          bytes,
          offset,
          end,
          clientMsgId: bytes.subarray(idOffset, idOffset + CLIENT_MSG_ID_LENGTH),
          kind: view.getUint32(offset + RecordOffset.kind, true),
          serverTimeMs: view.getFloat64(offset + RecordOffset.serverTimeMs, true),
        };
        if (action.type === 'post') this.#post(request, action, entry, member, outcomes);
        else this.#event(request, action, entry, member, outcomes);
      } else outcomes.refused('NOT_A_MEMBER');
      offset = next;
    }
    return outcomes.finish();
  }

  #post(
    request: PackedRequest,
    action: PostAction,
    entry: CachedConversation,
    member: CachedMember,
    outcomes: OutcomeWriter,
  ): void {
    const refusal = refuse(entry, member, action, request.serverTimeMs);
    if (refusal) {
      if (!this.#repeat(request, entry, member, outcomes)) outcomes.refused(refusal);
    } else if (this.#store(request, entry, member, 1, outcomes)) {
      this.#mention(action, entry, member);
    } else if (!this.#repeat(request, entry, member, outcomes)) {
      throw new StorageError('corrupt', 'the index of client message ids names a message that is not there');
    }
  }

  #event(
    request: PackedRequest,
    action: Exclude<AppendAction, PostAction>,
    entry: CachedConversation,
    member: CachedMember,
    outcomes: OutcomeWriter,
  ): void {
    if (this.#repeat(request, entry, member, outcomes)) return;
    if (member.leaveSeq > 0) {
      outcomes.refused('NOT_A_MEMBER');
      return;
    }
    const body = request.bytes.subarray(request.offset + RecordOffset.body, request.end);
    const decision = this.#events.decide(entry, member, action, body, request.serverTimeMs);
    if (decision === 'unchanged') outcomes.unchanged();
    else if (typeof decision === 'object') outcomes.refused(decision.refused);
    else {
      if (!this.#store(request, entry, member, 0, outcomes)) {
        throw new StorageError('corrupt', 'the index of client message ids misses a message');
      }
      decision(entry.headSeq);
      if (action.type === 'edit') this.#mention(action, entry, member);
    }
  }

  /** `counts`: 1 for a post, which counts as unread and is shown. False: stored before, and nothing was done. */
  #store(
    { view, bytes, offset, end, clientMsgId, kind, serverTimeMs }: PackedRequest,
    entry: CachedConversation,
    member: CachedMember,
    counts: 0 | 1,
    outcomes: OutcomeWriter,
  ): boolean {
    const convSeq = entry.headSeq + 1;
    if (convSeq > MOST_MESSAGES) throw new StorageError('other', `conversation ${entry.conversationId} is full`);
    const countNo = entry.headCountNo + counts;
    const msgId = view.getBigInt64(offset + RecordOffset.msgId, true);
    view.setFloat64(offset + RecordOffset.convSeq, convSeq, true);
    view.setFloat64(offset + RecordOffset.countNo, countNo, true);
    const { changes } = this.#insert.run(
      entry.placeBase + BigInt(convSeq),
      msgId,
      member.userId,
      clientMsgId,
      kind,
      serverTimeMs,
      countNo,
      recordChecksum(bytes, offset, end - offset),
      bytes.subarray(offset + RecordOffset.body, end),
    );
    if (changes === 0) return false;
    this.#cache.touchHead(entry);
    this.#cache.touchOwn(entry, member);
    entry.headSeq = convSeq;
    entry.headCountNo = countNo;
    if (counts === 1) entry.lastShownSeq = convSeq;
    if (serverTimeMs > entry.lastActivityMs) entry.lastActivityMs = serverTimeMs;
    member.ownSeq = convSeq;
    member.ownCountNo = countNo;
    outcomes.stored(false, msgId, serverTimeMs, convSeq, countNo, entry);
    return true;
  }

  /** Answers a request that was stored before as it was answered then. False: it was not. */
  #repeat(
    { clientMsgId }: PackedRequest,
    entry: CachedConversation,
    member: CachedMember,
    outcomes: OutcomeWriter,
  ): boolean {
    const row = this.#findEarlier.get(clientMsgId, member.userId, entry.conversationNo) as
      | [bigint, bigint, bigint, bigint]
      | undefined;
    if (!row) return false;
    const [msgId, convSeq, countNo, serverTimeMs] = row;
    outcomes.stored(true, msgId, Number(serverTimeMs), Number(convSeq), Number(countNo), entry);
    return true;
  }

  /** At the head, which is the message just stored. Nobody mentions himself. */
  #mention(
    { mentions, mentionAll }: { readonly mentions: readonly bigint[]; readonly mentionAll: boolean },
    { conversationNo, headSeq }: CachedConversation,
    { userId: senderId }: CachedMember,
  ): void {
    for (const userId of mentions) {
      const isNamed = userId !== senderId && userId !== EVERYBODY;
      if (isNamed) this.#addMention.run(conversationNo, userId, headSeq, senderId);
    }
    if (mentionAll) this.#addMention.run(conversationNo, EVERYBODY, headSeq, senderId);
  }
}

function refuse(
  entry: CachedConversation,
  member: CachedMember,
  { replySeq, mentionAll }: PostAction,
  nowMs: number,
): ErrorName | undefined {
  if (member.leaveSeq > 0) return 'NOT_A_MEMBER';
  if (replySeq !== 0 && !(replySeq >= member.joinSeq && replySeq <= entry.headSeq)) return 'TARGET_INVALID';
  return entry.group && refusePost(member, entry.group, { mentionAll, nowMs });
}
