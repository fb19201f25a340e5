import { fastim } from '../generated/fastim.js';
import type { Codec } from './codec.ts';
import { cursorFromWire, cursorToWire, type MemberCursor } from './cursor.ts';
import {
  count,
  type Field,
  type Fields,
  fieldsCodec,
  flag,
  id,
  list,
  message,
  number,
  optional,
  status,
} from './fields.ts';
import { type GroupProfile, groupProfileFields } from './group-profile.ts';
import { type Message, messageFromWire, messageToWire } from './message.ts';
import { profileFields, type UserProfile } from './profile.ts';
import { defaultSettings, type MemberSettings, settingsFields } from './settings.ts';
import type { Status } from './status.ts';

/** One conversation as one member's list needs it. */
export interface ConversationState {
  conversationId: bigint;
  kind: number;
  /** Of a member who left: leaveSeq. */
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
  /** The newest message that is shown (no edit, recall or reaction); undefined while there is none. */
  lastMessage: Message | undefined;
  /** 0: a member. Else the notice of leaving, the last conv_seq that this user may see. */
  leaveSeq: number;
  /** The newest conv_seq over readSeq that mentions me; 0: none. */
  mentionSeq: number;
  /** Rises when something of my own here changes besides head and readSeq. */
  version: number;
  settings: MemberSettings;
  /** Groups only. */
  group: GroupProfile | undefined;
  /** GroupRole; 0 in direct conversations. */
  role: number;
  mutedUntilMs: number;
  /** Requests to join that wait, for owner and admins. */
  pendingJoins: number;
}

/** The fields of a state that are the same in every direct conversation nothing was set in. */
export const plainState = {
  leaveSeq: 0,
  mentionSeq: 0,
  version: 0,
  settings: defaultSettings,
  group: undefined,
  role: 0,
  mutedUntilMs: 0,
  pendingJoins: 0,
} as const;

/**
 * What a client knows of its list, in a few numbers; equal marks mean equal lists, since heads, cursors and versions only
 * rise.
 */
export interface SyncMark {
  conversationCount: number;
  headSum: number;
  readSum: number;
  sinceMs: number;
  versionSum: number;
  /** Of deliveredSeq and readSeq of the peers in direct conversations. */
  peerSum: number;
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
  /** At the time of the read: the marks of the messages are as of it. */
  headSeq: number;
}

const cursor: Field<MemberCursor> = { toWire: cursorToWire, fromWire: (wire) => cursorFromWire(wire ?? {}) };
const wholeMessage: Field<Message> = { toWire: messageToWire, fromWire: (wire) => messageFromWire(wire ?? {}) };

export const conversationField: Field<ConversationState> = message<ConversationState>({
  conversationId: id,
  kind: number,
  headSeq: count,
  headCountNo: count,
  joinSeq: count,
  readSeq: count,
  unreadBaseCountNo: count,
  lastActivityMs: count,
  peer: optional(message(profileFields)),
  peerCursor: optional(cursor),
  lastMessage: optional(wholeMessage),
  leaveSeq: count,
  mentionSeq: count,
  version: count,
  settings: message(settingsFields),
  group: optional(message(groupProfileFields)),
  role: number,
  mutedUntilMs: count,
  pendingJoins: number,
});

const markFields: Fields<SyncMark> = {
  conversationCount: number,
  headSum: count,
  readSum: count,
  sinceMs: count,
  versionSum: count,
  peerSum: count,
};

export const markField: Field<SyncMark> = message(markFields);

export const syncRequest: Codec<SyncRequest> = fieldsCodec(fastim.v1.SyncRequest, {
  sinceMs: count,
  beforeActivityMs: count,
  beforeConversationId: id,
  limit: number,
});

export const syncResponse: Codec<SyncResponse> = fieldsCodec(fastim.v1.SyncResponse, {
  status,
  conversations: list(conversationField),
  more: flag,
  serverTimeMs: count,
  mark: markField,
});

export const conversationsRequest: Codec<{ conversationIds: bigint[] }> = fieldsCodec(fastim.v1.ConversationsRequest, {
  conversationIds: list(id),
});

export const conversationsResponse: Codec<{ status: Status | undefined; conversations: ConversationState[] }> =
  fieldsCodec(fastim.v1.ConversationsResponse, { status, conversations: list(conversationField) });

export const historyRequest: Codec<HistoryRequest> = fieldsCodec(fastim.v1.HistoryRequest, {
  conversationId: id,
  fromSeq: count,
  toSeq: count,
  limit: number,
  newestFirst: flag,
});

export const historyResponse: Codec<HistoryResponse> = fieldsCodec(fastim.v1.HistoryResponse, {
  status,
  conversationId: id,
  messages: list(wholeMessage),
  headSeq: count,
});

/** The first message at or after a time; head + 1 when there is none. */
export const seekRequest: Codec<{ conversationId: bigint; timeMs: number }> = fieldsCodec(fastim.v1.SeekRequest, {
  conversationId: id,
  timeMs: count,
});

export const seekResponse: Codec<{ status: Status | undefined; convSeq: number }> = fieldsCodec(
  fastim.v1.SeekResponse,
  { status, convSeq: count },
);
