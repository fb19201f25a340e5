import type { AppendOutcome, AppendRequest } from '../../message-store.ts';
import { StorageError } from '../../storage.ts';
import { CLIENT_MSG_ID_LENGTH, RECORD_HEADER_LENGTH, RecordOffset, recordLength } from './message-record.ts';

/**
 * A batch on its way to the writer: u32 count, one byte for each request (1: it counts), padded to 8; then message
 * records (message-record.ts) whose conv_seq and count_no the writer fills in. One transferable buffer: a structured
 * clone of a Uint8Array would copy whatever large buffer it is a view of.
 */
export function packAppendBatch(batch: readonly AppendRequest[]): ArrayBuffer {
  const recordsStart = appendRecordsStart(batch.length);
  let length = recordsStart;
  for (const request of batch) {
    if (request.clientMsgId.length !== CLIENT_MSG_ID_LENGTH) {
      throw new StorageError('other', `a client_msg_id has ${CLIENT_MSG_ID_LENGTH} bytes`);
    }
    length += recordLength(request.body.length);
  }
  const buffer = new ArrayBuffer(length);
  const view = new DataView(buffer);
  const bytes = new Uint8Array(buffer);
  view.setUint32(0, batch.length, true);
  let offset = recordsStart;
  for (let index = 0; index < batch.length; index += 1) {
    const request = batch[index]!;
    const { body } = request;
    bytes[APPEND_FLAGS_START + index] = request.counts ? 1 : 0;
    view.setBigInt64(offset, request.conversationId, true);
    view.setBigInt64(offset + RecordOffset.senderId, request.senderId, true);
    view.setBigInt64(offset + RecordOffset.msgId, request.msgId, true);
    view.setFloat64(offset + RecordOffset.serverTimeMs, request.serverTimeMs, true);
    view.setUint32(offset + RecordOffset.kind, request.kind, true);
    view.setUint32(offset + RecordOffset.bodyLength, body.length, true);
    bytes.set(request.clientMsgId, offset + RecordOffset.clientMsgId);
    bytes.set(body, offset + RecordOffset.body);
    offset += RECORD_HEADER_LENGTH + body.length;
  }
  return buffer;
}

export const APPEND_FLAGS_START = 4;

export function appendRecordsStart(count: number): number {
  return (APPEND_FLAGS_START + count + 7) & ~7;
}

const OUTCOME_LENGTH = 40;
const OutcomeCode = { notAMember: 0, stored: 1, repeated: 2 } as const;

/**
 * The outcomes on their way back: u32 count, u32 number of member lists, the outcomes (msg_id i64, server_time_ms f64,
 * conv_seq f64, count_no f64, code u32, member list u32), then the member lists (u32 length, u32 0, ids i64): one list
 * for each conversation, however many of its messages are in the batch.
 */
export class OutcomeWriter {
  readonly #outcomes: DataView;
  readonly #lists: (readonly bigint[])[] = [];
  readonly #listIndex = new Map<readonly bigint[], number>();
  #listBytes = 0;
  #count = 0;

  /** `capacity`: at least the number of outcomes. */
  constructor(capacity: number) {
    this.#outcomes = new DataView(new ArrayBuffer(capacity * OUTCOME_LENGTH));
  }

  notAMember(): void {
    this.#outcomes.setUint32(this.#count * OUTCOME_LENGTH + 32, OutcomeCode.notAMember, true);
    this.#count += 1;
  }

  /** `memberIds` must stay the same array, unchanged, for as long as the membership is the same. */
  stored(
    repeated: boolean,
    msgId: bigint,
    serverTimeMs: number,
    convSeq: number,
    countNo: number,
    memberIds: readonly bigint[],
  ): void {
    const offset = this.#count * OUTCOME_LENGTH;
    const view = this.#outcomes;
    view.setBigInt64(offset, msgId, true);
    view.setFloat64(offset + 8, serverTimeMs, true);
    view.setFloat64(offset + 16, convSeq, true);
    view.setFloat64(offset + 24, countNo, true);
    view.setUint32(offset + 32, repeated ? OutcomeCode.repeated : OutcomeCode.stored, true);
    view.setUint32(offset + 36, this.#list(memberIds), true);
    this.#count += 1;
  }

  #list(memberIds: readonly bigint[]): number {
    let index = this.#listIndex.get(memberIds);
    if (index === undefined) {
      index = this.#lists.length;
      this.#lists.push(memberIds);
      this.#listIndex.set(memberIds, index);
      this.#listBytes += 8 + memberIds.length * 8;
    }
    return index;
  }

  finish(): ArrayBuffer {
    const outcomeBytes = this.#count * OUTCOME_LENGTH;
    const buffer = new ArrayBuffer(8 + outcomeBytes + this.#listBytes);
    const view = new DataView(buffer);
    view.setUint32(0, this.#count, true);
    view.setUint32(4, this.#lists.length, true);
    new Uint8Array(buffer).set(new Uint8Array(this.#outcomes.buffer, 0, outcomeBytes), 8);
    let offset = 8 + outcomeBytes;
    for (const list of this.#lists) {
      view.setUint32(offset, list.length, true);
      offset += 8;
      for (const userId of list) {
        view.setBigInt64(offset, userId, true);
        offset += 8;
      }
    }
    return buffer;
  }
}

export function unpackOutcomes(buffer: ArrayBuffer): AppendOutcome[] {
  const view = new DataView(buffer);
  const count = view.getUint32(0, true);
  const listCount = view.getUint32(4, true);
  const lists: bigint[][] = [];
  let offset = 8 + count * OUTCOME_LENGTH;
  for (let index = 0; index < listCount; index += 1) {
    const length = view.getUint32(offset, true);
    offset += 8;
    const list: bigint[] = new Array(length);
    for (let place = 0; place < length; place += 1) {
      list[place] = view.getBigInt64(offset, true);
      offset += 8;
    }
    lists.push(list);
  }
  const outcomes: AppendOutcome[] = new Array(count);
  for (let index = 0; index < count; index += 1) {
    const at = 8 + index * OUTCOME_LENGTH;
    const code = view.getUint32(at + 32, true);
    outcomes[index] =
      code === OutcomeCode.notAMember
        ? { outcome: 'not-a-member' }
        : {
            outcome: code === OutcomeCode.stored ? 'stored' : 'repeated',
            msgId: view.getBigInt64(at, true),
            serverTimeMs: view.getFloat64(at + 8, true),
            convSeq: view.getFloat64(at + 16, true),
            countNo: view.getFloat64(at + 24, true),
            memberIds: lists[view.getUint32(at + 36, true)]!,
          };
  }
  return outcomes;
}
