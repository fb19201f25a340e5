import { fastim } from '../generated/fastim.js';
import {
  type Codec,
  codec,
  countFromWire,
  countToWire,
  idFromWire,
  idToWire,
  numberToWire,
  textToWire,
} from './codec.ts';
import { cursorFromWire, cursorToWire, type MemberCursor } from './cursor.ts';
import { limited, type Message, messageFromWire, messageToWire } from './message.ts';
import { type Status, statusFromWire, statusToWire } from './status.ts';

export interface UserProfile {
  userId: bigint;
  username: string;
  displayName: string;
}

/** One conversation as one member's list needs it. */
export interface ConversationState {
  conversationId: bigint;
  kind: number;
  headSeq: number;
  headCountNo: number;
  joinSeq: number;
  readSeq: number;
  unreadBaseCountNo: number;
  lastActivityMs: number;
  /** Direct only. */
  peer: UserProfile | undefined;
  /** Direct only. */
  peerCursor: MemberCursor | undefined;
  /** Undefined while headSeq is 0. */
  lastMessage: Message | undefined;
}

/** What a client knows of its list, in four numbers; equal marks mean equal lists, since heads and cursors only rise. */
export interface SyncMark {
  conversationCount: number;
  headSum: number;
  readSum: number;
  sinceMs: number;
}

export interface SyncRequest {
  sinceMs: number;
  /** The place after the last row of the page before; 0 and 0n: first page. */
  beforeActivityMs: number;
  beforeConversationId: bigint;
  limit: number;
}

export interface SyncResponse {
  status: Status | undefined;
  conversations: ConversationState[];
  more: boolean;
  serverTimeMs: number;
  mark: SyncMark;
}

export interface HistoryRequest {
  conversationId: bigint;
  /** Both ends included. */
  fromSeq: number;
  toSeq: number;
  limit: number;
  newestFirst: boolean;
}

export interface HistoryResponse {
  status: Status | undefined;
  conversationId: bigint;
  /** Rising convSeq. */
  messages: Message[];
  headSeq: number;
}

export function profileToWire(profile: UserProfile): fastim.v1.UserProfile.$Properties {
  return {
    userId: idToWire(profile.userId),
    username: textToWire(profile.username),
    displayName: textToWire(profile.displayName),
  };
}

export function profileFromWire(wire: fastim.v1.UserProfile.$Properties): UserProfile {
  return { userId: idFromWire(wire.userId), username: wire.username ?? '', displayName: wire.displayName ?? '' };
}

export function conversationToWire(state: ConversationState): fastim.v1.ConversationState.$Properties {
  return {
    conversationId: idToWire(state.conversationId),
    kind: numberToWire(state.kind),
    headSeq: countToWire(state.headSeq),
    headCountNo: countToWire(state.headCountNo),
    joinSeq: countToWire(state.joinSeq),
    readSeq: countToWire(state.readSeq),
    unreadBaseCountNo: countToWire(state.unreadBaseCountNo),
    lastActivityMs: countToWire(state.lastActivityMs),
    ...(state.peer && { peer: profileToWire(state.peer) }),
    ...(state.peerCursor && { peerCursor: cursorToWire(state.peerCursor) }),
    ...(state.lastMessage && { lastMessage: messageToWire(state.lastMessage) }),
  };
}

export function conversationFromWire(wire: fastim.v1.ConversationState.$Properties): ConversationState {
  return {
    conversationId: idFromWire(wire.conversationId),
    kind: wire.kind ?? 0,
    headSeq: countFromWire(wire.headSeq),
    headCountNo: countFromWire(wire.headCountNo),
    joinSeq: countFromWire(wire.joinSeq),
    readSeq: countFromWire(wire.readSeq),
    unreadBaseCountNo: countFromWire(wire.unreadBaseCountNo),
    lastActivityMs: countFromWire(wire.lastActivityMs),
    peer: wire.peer ? profileFromWire(wire.peer) : undefined,
    peerCursor: wire.peerCursor ? cursorFromWire(wire.peerCursor) : undefined,
    lastMessage: wire.lastMessage ? messageFromWire(wire.lastMessage) : undefined,
  };
}

export function markToWire(mark: SyncMark): fastim.v1.SyncMark.$Properties {
  return {
    conversationCount: numberToWire(mark.conversationCount),
    headSum: countToWire(mark.headSum),
    readSum: countToWire(mark.readSum),
    sinceMs: countToWire(mark.sinceMs),
  };
}

export function markFromWire(wire: fastim.v1.SyncMark.$Properties | null | undefined): SyncMark {
  return {
    conversationCount: wire?.conversationCount ?? 0,
    headSum: countFromWire(wire?.headSum),
    readSum: countFromWire(wire?.readSum),
    sinceMs: countFromWire(wire?.sinceMs),
  };
}

export const syncRequest: Codec<SyncRequest> = codec(
  fastim.v1.SyncRequest,
  (value) => ({
    sinceMs: countToWire(value.sinceMs),
    beforeActivityMs: countToWire(value.beforeActivityMs),
    beforeConversationId: idToWire(value.beforeConversationId),
    limit: numberToWire(value.limit),
  }),
  (wire) => ({
    sinceMs: countFromWire(wire.sinceMs),
    beforeActivityMs: countFromWire(wire.beforeActivityMs),
    beforeConversationId: idFromWire(wire.beforeConversationId),
    limit: wire.limit ?? 0,
  }),
);

export const syncResponse: Codec<SyncResponse> = codec(
  fastim.v1.SyncResponse,
  (value) => ({
    ...(value.status && { status: statusToWire(value.status) }),
    conversations: value.conversations.map(conversationToWire),
    more: value.more,
    serverTimeMs: countToWire(value.serverTimeMs),
    mark: markToWire(value.mark),
  }),
  (wire) => ({
    status: statusFromWire(wire.status),
    conversations: limited(wire.conversations).map(conversationFromWire),
    more: wire.more ?? false,
    serverTimeMs: countFromWire(wire.serverTimeMs),
    mark: markFromWire(wire.mark),
  }),
);

export const conversationsRequest: Codec<{ conversationIds: bigint[] }> = codec(
  fastim.v1.ConversationsRequest,
  (value) => ({ conversationIds: value.conversationIds.map(idToWire) }),
  (wire) => ({ conversationIds: limited(wire.conversationIds).map(idFromWire) }),
);

export const conversationsResponse: Codec<{ status: Status | undefined; conversations: ConversationState[] }> = codec(
  fastim.v1.ConversationsResponse,
  (value) => ({
    ...(value.status && { status: statusToWire(value.status) }),
    conversations: value.conversations.map(conversationToWire),
  }),
  (wire) => ({
    status: statusFromWire(wire.status),
    conversations: limited(wire.conversations).map(conversationFromWire),
  }),
);

export const historyRequest: Codec<HistoryRequest> = codec(
  fastim.v1.HistoryRequest,
  (value) => ({
    conversationId: idToWire(value.conversationId),
    fromSeq: countToWire(value.fromSeq),
    toSeq: countToWire(value.toSeq),
    limit: numberToWire(value.limit),
    newestFirst: value.newestFirst,
  }),
  (wire) => ({
    conversationId: idFromWire(wire.conversationId),
    fromSeq: countFromWire(wire.fromSeq),
    toSeq: countFromWire(wire.toSeq),
    limit: wire.limit ?? 0,
    newestFirst: wire.newestFirst ?? false,
  }),
);

export const historyResponse: Codec<HistoryResponse> = codec(
  fastim.v1.HistoryResponse,
  (value) => ({
    ...(value.status && { status: statusToWire(value.status) }),
    conversationId: idToWire(value.conversationId),
    messages: value.messages.map(messageToWire),
    headSeq: countToWire(value.headSeq),
  }),
  (wire) => ({
    status: statusFromWire(wire.status),
    conversationId: idFromWire(wire.conversationId),
    messages: limited(wire.messages).map(messageFromWire),
    headSeq: countFromWire(wire.headSeq),
  }),
);
