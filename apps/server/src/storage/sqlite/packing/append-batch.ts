import { ConversationKind, type ErrorName, errorCatalogue, errorName } from '@fastim/protocol';
import type { AppendOutcome, AppendRequest } from '../../message-store.ts';
import { StorageError } from '../../storage.ts';
import { ActionCode, actionCode, actionLength, writeAction } from './append-action.ts';
import { CLIENT_MSG_ID_LENGTH, RECORD_HEADER_LENGTH, RecordOffset, recordLength } from './message-record.ts';

/**
 * A batch on its way to the writer: u32 count, one byte for each request (ActionCode), padded to 8; then message records
 * (message-record.ts) whose conv_seq and count_no the writer fills in, each followed by its action unless it is a plain
 * post. One transferable buffer: a structured clone of a Uint8Array would copy whatever large buffer it is a view of.
 */
export function packAppendBatch(batch: readonly AppendRequest[]): ArrayBuffer {
  const recordsStart = appendRecordsStart(batch.length);
  const codes = new Uint8Array(batch.length);
  let length = recordsStart;
  for (let index = 0; index < batch.length; index += 1) {
    const { action, body, clientMsgId } = batch[index]!;
    if (clientMsgId.length !== CLIENT_MSG_ID_LENGTH) {
      throw new StorageError('other', `a client_msg_id has ${CLIENT_MSG_ID_LENGTH} bytes`);
    }
    const code = actionCode(action);
    codes[index] = code;
    length += recordLength(body.length);
    if (code !== ActionCode.plainPost) length += actionLength(action);
  }
  const buffer = new ArrayBuffer(length);
  const view = new DataView(buffer);
  const bytes = new Uint8Array(buffer);
  view.setUint32(0, batch.length, true);
  bytes.set(codes, APPEND_CODES_START);
  let offset = recordsStart;
  for (let index = 0; index < batch.length; index += 1) {
    const request = batch[index]!;
    const { body } = request;
    view.setBigInt64(offset, request.conversationId, true);
    view.setBigInt64(offset + RecordOffset.senderId, request.senderId, true);
    view.setBigInt64(offset + RecordOffset.msgId, request.msgId, true);
    view.setFloat64(offset + RecordOffset.serverTimeMs, request.serverTimeMs, true);
    view.setUint32(offset + RecordOffset.kind, request.kind, true);
    view.setUint32(offset + RecordOffset.bodyLength, body.length, true);
    bytes.set(request.clientMsgId, offset + RecordOffset.clientMsgId);
    bytes.set(body, offset + RecordOffset.body);
    offset += RECORD_HEADER_LENGTH + body.length;
    if (codes[index] !== ActionCode.plainPost) offset = writeAction(view, bytes, offset, request.action);
  }
  return buffer;
}

export const APPEND_CODES_START = 4;

export function appendRecordsStart(count: number): number {
  return (APPEND_CODES_START + count + 7) & ~7;
}

const OUTCOME_LENGTH = 48;
const OutcomeCode = { unchanged: 0, stored: 1, repeated: 2, refused: 3 } as const;
/** Instead of a member list: a group's. */
const NO_LIST = 0xffff_ffff;

/** What an outcome says of the conversation; `memberIds` is the same array for as long as the membership is the same. */
export interface OutcomeConversation {
  readonly kind: ConversationKind;
  readonly memberIds: readonly bigint[];
  readonly removalsSeq: number;
}

/**
 * The outcomes on their way back: u32 count, u32 number of member lists, the outcomes (msg_id i64, server_time_ms f64,
 * conv_seq f64, count_no f64, removals_seq f64, code u32, member list or reason u32), then the member lists (u32 length,
 * u32 0, ids i64): one list for each direct conversation, however many of its messages are in the batch.
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

  unchanged(): void {
    this.#outcomes.setUint32(this.#count * OUTCOME_LENGTH + 40, OutcomeCode.unchanged, true);
    this.#count += 1;
  }

  refused(reason: ErrorName): void {
    const offset = this.#count * OUTCOME_LENGTH;
    this.#outcomes.setUint32(offset + 40, OutcomeCode.refused, true);
    this.#outcomes.setUint32(offset + 44, errorCatalogue[reason].code, true);
    this.#count += 1;
  }

  stored(
    repeated: boolean,
    msgId: bigint,
    serverTimeMs: number,
    convSeq: number,
    countNo: number,
    conversation: OutcomeConversation,
  ): void {
    const offset = this.#count * OUTCOME_LENGTH;
    const view = this.#outcomes;
    view.setBigInt64(offset, msgId, true);
    view.setFloat64(offset + 8, serverTimeMs, true);
    view.setFloat64(offset + 16, convSeq, true);
    view.setFloat64(offset + 24, countNo, true);
    view.setUint32(offset + 40, repeated ? OutcomeCode.repeated : OutcomeCode.stored, true);
    if (conversation.kind === ConversationKind.direct) {
      view.setUint32(offset + 44, this.#list(conversation.memberIds), true);
    } else {
      view.setFloat64(offset + 32, removalsUpTo(conversation.removalsSeq, convSeq), true);
      view.setUint32(offset + 44, NO_LIST, true);
    }
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

/**
 * The newest removal at or below convSeq. When there was one behind it (an old message that is repeated), convSeq itself:
 * too high makes a gate ask once more, too low would let it give something to who is out.
 */
export function removalsUpTo(removalsSeq: number, convSeq: number): number {
  return Math.min(removalsSeq, convSeq);
}

export function unpackOutcomes(buffer: ArrayBuffer): AppendOutcome[] {
  const view = new DataView(buffer);
  const count = view.getUint32(0, true);
  const lists = unpackLists(view, 8 + count * OUTCOME_LENGTH, view.getUint32(4, true));
  const outcomes: AppendOutcome[] = new Array(count);
  for (let index = 0; index < count; index += 1) {
    const at = 8 + index * OUTCOME_LENGTH;
    const code = view.getUint32(at + 40, true);
    const detail = view.getUint32(at + 44, true);
    if (code === OutcomeCode.unchanged) outcomes[index] = { outcome: 'unchanged' };
    else if (code === OutcomeCode.refused) outcomes[index] = { outcome: 'refused', reason: errorName(detail) };
    else {
      const isGroup = detail === NO_LIST;
      outcomes[index] = {
        outcome: code === OutcomeCode.stored ? 'stored' : 'repeated',
        msgId: view.getBigInt64(at, true),
        serverTimeMs: view.getFloat64(at + 8, true),
        convSeq: view.getFloat64(at + 16, true),
        countNo: view.getFloat64(at + 24, true),
        removalsSeq: view.getFloat64(at + 32, true),
        kind: isGroup ? ConversationKind.group : ConversationKind.direct,
        memberIds: isGroup ? NOBODY : lists[detail]!,
      };
    }
  }
  return outcomes;
}

const NOBODY: readonly bigint[] = [];

function unpackLists(view: DataView, start: number, listCount: number): bigint[][] {
  const lists: bigint[][] = [];
  let offset = start;
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
  return lists;
}
