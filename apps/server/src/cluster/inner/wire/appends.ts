/** What logic nodes say to each other: "append these for me", and what became of it. */
import { CLIENT_MSG_ID_LENGTH, ConversationKind, type ErrorName, errorCatalogue } from '@fastim/protocol';
import type { AppendAction, AppendOutcome, AppendRequest, NodeNumber } from '../../../storage/message-store.ts';
import { MAX_PACKET } from './limits.ts';
import { MalformedPacket, type PacketReader } from './packet-reader.ts';
import { PacketType } from './packet-type.ts';
import { idsLength, type PacketWriter, textLength } from './packet-writer.ts';

/** A batch on its way to the owner of its conversations. */
export interface ForwardedBatch {
  readonly requestId: number;
  /** By the clock of who sends it. */
  readonly sentAtMs: number;
  /** Under which node number all their ids were made. */
  readonly issuer: NodeNumber | undefined;
  readonly requests: readonly AppendRequest[];
}

export interface ForwardRejection {
  readonly requestId: number;
  /** Whether the batch may be stored all the same. */
  readonly unsure: boolean;
  readonly message: string;
}

const actionTypes = ['post', 'edit', 'recall', 'reaction'] as const;
const outcomes = ['stored', 'repeated', 'unchanged', 'refused'] as const;

const REQUEST_BYTES = 8 + 8 + CLIENT_MSG_ID_LENGTH + 8 + 4 + 8 + 4;
/** Number and fence; fence 0: none. */
const ISSUER_BYTES = 2 + 8;
const STORED_BYTES = 8 + 6 + 6 + 8 + 1 + 6;

/** What `writeAppend` takes; undefined: more than one packet holds. */
export function appendLength(requests: readonly AppendRequest[]): number | undefined {
  let length = 4 + 8 + ISSUER_BYTES + 4;
  for (const { body, action, clientMsgId } of requests) {
    if (clientMsgId.length !== CLIENT_MSG_ID_LENGTH) return undefined;
    length += REQUEST_BYTES + body.length + actionLength(action);
  }
  return length < MAX_PACKET ? length : undefined;
}

export function writeAppend(to: PacketWriter, length: number, batch: ForwardedBatch): void {
  const { requestId, sentAtMs, issuer, requests } = batch;
  to.begin(PacketType.append, length);
  to.u32(requestId);
  to.f64(sentAtMs);
  to.u16(issuer?.number ?? 0);
  to.id(issuer?.fence ?? 0n);
  to.u32(requests.length);
  for (const request of requests) {
    to.id(request.conversationId);
    to.id(request.senderId);
    to.raw(request.clientMsgId);
    to.id(request.msgId);
    to.u32(request.kind);
    to.f64(request.serverTimeMs);
    writeAction(to, request.action);
    to.blob(request.body);
  }
}

export function readAppend(from: PacketReader): ForwardedBatch {
  const requestId = from.u32();
  const sentAtMs = from.f64();
  const number = from.u16();
  const fence = from.id();
  const issuer = fence === 0n ? undefined : { number, fence };
  const requests: AppendRequest[] = [];
  for (let left = from.count(REQUEST_BYTES); left > 0; left -= 1) {
    const conversationId = from.id();
    const senderId = from.id();
    const clientMsgId = from.raw(CLIENT_MSG_ID_LENGTH);
    const msgId = from.id();
    const kind = from.u32();
    const serverTimeMs = from.f64();
    const action = readAction(from);
    const body = from.blob();
    const request = { conversationId, senderId, clientMsgId, msgId, kind, serverTimeMs, action, body };
    requests.push(issuer ? { ...request, issuer } : request);
  }
  from.end();
  return { requestId, sentAtMs, issuer, requests };
}

export function writeAppended(to: PacketWriter, requestId: number, list: readonly AppendOutcome[]): void {
  let length = 4 + 4;
  for (const outcome of list) length += outcomeLength(outcome);
  to.begin(PacketType.appended, length);
  to.u32(requestId);
  to.u32(list.length);
  for (const outcome of list) {
    to.u8(outcomes.indexOf(outcome.outcome));
    if (outcome.outcome === 'unchanged') continue;
    if (outcome.outcome === 'refused') {
      to.text(outcome.reason);
      continue;
    }
    to.id(outcome.msgId);
    to.u48(outcome.convSeq);
    to.u48(outcome.countNo);
    to.f64(outcome.serverTimeMs);
    to.u8(outcome.kind);
    to.u48(outcome.removalsSeq);
    to.ids(outcome.memberIds);
  }
}

export function readAppended(from: PacketReader): { requestId: number; outcomes: AppendOutcome[] } {
  const requestId = from.u32();
  const list: AppendOutcome[] = [];
  for (let left = from.count(1); left > 0; left -= 1) list.push(readOutcome(from));
  from.end();
  return { requestId, outcomes: list };
}

export function writeRejected(to: PacketWriter, { requestId, unsure, message }: ForwardRejection): void {
  const short = message.slice(0, 1_000);
  to.begin(PacketType.rejected, 4 + 1 + textLength(short));
  to.u32(requestId);
  to.u8(unsure ? 1 : 0);
  to.text(short);
}

export function readRejected(from: PacketReader): ForwardRejection {
  const requestId = from.u32();
  const unsure = from.flag();
  const message = from.text();
  from.end();
  return { requestId, unsure, message };
}

function actionLength(action: AppendAction): number {
  switch (action.type) {
    case 'post':
      return 1 + idsLength(action.mentions) + 1 + 6;
    case 'edit':
      return 1 + 6 + 8 + idsLength(action.mentions) + 1;
    case 'recall':
      return 1 + 6 + 8;
    case 'reaction':
      return 1 + 6 + textLength(action.emoji) + 1;
  }
}

function writeAction(to: PacketWriter, action: AppendAction): void {
  to.u8(actionTypes.indexOf(action.type));
  if (action.type === 'post') {
    to.ids(action.mentions);
    to.u8(action.mentionAll ? 1 : 0);
    to.u48(action.replySeq);
    return;
  }
  to.u48(action.targetSeq);
  if (action.type === 'reaction') {
    to.text(action.emoji);
    to.u8(action.removed ? 1 : 0);
    return;
  }
  to.f64(action.notBeforeMs);
  if (action.type === 'recall') return;
  to.ids(action.mentions);
  to.u8(action.mentionAll ? 1 : 0);
}

function readAction(from: PacketReader): AppendAction {
  const type = actionTypes[from.u8()];
  if (type === undefined) throw new MalformedPacket('no such action');
  if (type === 'post') {
    const mentions = from.ids();
    const mentionAll = from.flag();
    return { type, mentions, mentionAll, replySeq: from.u48() };
  }
  const targetSeq = from.u48();
  if (type === 'reaction') {
    const emoji = from.text();
    return { type, targetSeq, emoji, removed: from.flag() };
  }
  const notBeforeMs = from.f64();
  if (type === 'recall') return { type, targetSeq, notBeforeMs };
  const mentions = from.ids();
  return { type, targetSeq, notBeforeMs, mentions, mentionAll: from.flag() };
}

function outcomeLength(outcome: AppendOutcome): number {
  if (outcome.outcome === 'unchanged') return 1;
  if (outcome.outcome === 'refused') return 1 + textLength(outcome.reason);
  return 1 + STORED_BYTES + idsLength(outcome.memberIds);
}

function readOutcome(from: PacketReader): AppendOutcome {
  const outcome = outcomes[from.u8()];
  if (outcome === undefined) throw new MalformedPacket('no such outcome');
  if (outcome === 'unchanged') return { outcome };
  if (outcome === 'refused') {
    const reason = from.text();
    if (!isErrorName(reason)) throw new MalformedPacket('no such refusal');
    return { outcome, reason };
  }
  const msgId = from.id();
  const convSeq = from.u48();
  const countNo = from.u48();
  const serverTimeMs = from.f64();
  const kind = from.u8();
  if (kind !== ConversationKind.direct && kind !== ConversationKind.group) {
    throw new MalformedPacket('no such kind of conversation');
  }
  const removalsSeq = from.u48();
  return { outcome, msgId, convSeq, countNo, serverTimeMs, kind, removalsSeq, memberIds: from.ids() };
}

function isErrorName(name: string): name is ErrorName {
  return Object.hasOwn(errorCatalogue, name);
}
