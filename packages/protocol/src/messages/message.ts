import { RemoteProtocolError } from '../errors.ts';
import { fastim } from '../generated/fastim.js';
import { CLIENT_MSG_ID_LENGTH } from '../limits.ts';
import {
  type Codec,
  codec,
  countFromWire,
  countToWire,
  emptyBytes,
  idFromWire,
  idToWire,
  numberToWire,
  textToWire,
} from './codec.ts';
import { limited } from './limited.ts';
import { type Status, statusFromWire, statusToWire } from './status.ts';

/** A stored message as it travels. Times in ms since the Unix epoch. */
export interface Message {
  msgId: bigint;
  conversationId: bigint;
  convSeq: number;
  senderId: bigint;
  /** 16 bytes, the sender's own id for it. */
  clientMsgId: Uint8Array;
  kind: number;
  body: Uint8Array;
  serverTimeMs: number;
  countNo: number;
  /** What later events made of it; undefined: nothing ever did, or it is not known (a push). */
  marks?: MessageMarks | undefined;
}

/**
 * The sum of the edits, the recall and the reactions that a message has met, as of some head_seq. Applying an event whose
 * conv_seq is at or below the one given here changes nothing.
 */
export interface MessageMarks {
  /** 0: never edited. `body` of the message is the edited one. */
  editedSeq: number;
  /** 0: not recalled. `body` of a recalled message is empty. */
  recalledSeq: number;
  recalledBy: bigint;
  reactionsSeq: number;
  reactions: ReactionCount[];
}

export interface ReactionCount {
  emoji: string;
  count: number;
  mine: boolean;
  /** The first of them, by time; at most REACTION_USERS_NAMED. */
  userIds: bigint[];
}

export interface SendRequest {
  clientMsgId: Uint8Array;
  conversationId: bigint;
  kind: number;
  body: Uint8Array;
}

/**
 * `status` set: nothing was stored, and of the rest only clientMsgId and conversationId have a meaning. `msgId` 0n without
 * a status: it was accepted and changed nothing, so it has no conv_seq.
 */
export interface SendResponse {
  status: Status | undefined;
  clientMsgId: Uint8Array;
  conversationId: bigint;
  msgId: bigint;
  convSeq: number;
  serverTimeMs: number;
  countNo: number;
}

export interface MessagePush {
  messages: Message[];
}

export function messageToWire(message: Message): fastim.v1.Message.$Properties {
  return {
    msgId: idToWire(message.msgId),
    conversationId: idToWire(message.conversationId),
    convSeq: countToWire(message.convSeq),
    senderId: idToWire(message.senderId),
    clientMsgId: message.clientMsgId,
    kind: numberToWire(message.kind),
    body: message.body,
    serverTimeMs: countToWire(message.serverTimeMs),
    countNo: countToWire(message.countNo),
    ...(message.marks && marksToWire(message.marks)),
  };
}

function marksToWire(marks: MessageMarks): fastim.v1.Message.$Properties {
  return {
    editedSeq: countToWire(marks.editedSeq),
    recalledSeq: countToWire(marks.recalledSeq),
    recalledBy: idToWire(marks.recalledBy),
    reactionsSeq: countToWire(marks.reactionsSeq),
    reactions: marks.reactions.map(({ emoji, count, mine, userIds }) => ({
      emoji: textToWire(emoji),
      count: numberToWire(count),
      mine,
      userIds: userIds.map(idToWire),
    })),
  };
}

function marksFromWire(wire: fastim.v1.Message.$Properties): MessageMarks | undefined {
  const editedSeq = countFromWire(wire.editedSeq);
  const recalledSeq = countFromWire(wire.recalledSeq);
  const reactionsSeq = countFromWire(wire.reactionsSeq);
  if (editedSeq === 0 && recalledSeq === 0 && reactionsSeq === 0) return undefined;
  return {
    editedSeq,
    recalledSeq,
    recalledBy: idFromWire(wire.recalledBy),
    reactionsSeq,
    reactions: limited(wire.reactions).map((one) => ({
      emoji: one.emoji ?? '',
      count: one.count ?? 0,
      mine: one.mine ?? false,
      userIds: limited(one.userIds).map(idFromWire),
    })),
  };
}

export function messageFromWire(wire: fastim.v1.Message.$Properties): Message {
  const marks = marksFromWire(wire);
  return {
    msgId: idFromWire(wire.msgId),
    conversationId: idFromWire(wire.conversationId),
    convSeq: countFromWire(wire.convSeq),
    senderId: idFromWire(wire.senderId),
    clientMsgId: wire.clientMsgId ?? emptyBytes,
    kind: wire.kind ?? 0,
    body: wire.body ?? emptyBytes,
    serverTimeMs: countFromWire(wire.serverTimeMs),
    countNo: countFromWire(wire.countNo),
    ...(marks && { marks }),
  };
}

export const sendRequest: Codec<SendRequest> = codec(
  fastim.v1.SendRequest,
  (value) => ({
    clientMsgId: value.clientMsgId,
    conversationId: idToWire(value.conversationId),
    kind: numberToWire(value.kind),
    body: value.body,
  }),
  (wire) => {
    const clientMsgId = wire.clientMsgId ?? emptyBytes;
    if (clientMsgId.length !== CLIENT_MSG_ID_LENGTH) {
      throw new RemoteProtocolError('BAD_REQUEST', 'client_msg_id is not 16 bytes');
    }
    return {
      clientMsgId,
      conversationId: idFromWire(wire.conversationId),
      kind: wire.kind ?? 0,
      body: wire.body ?? emptyBytes,
    };
  },
);

export const sendResponse: Codec<SendResponse> = codec(
  fastim.v1.SendResponse,
  (value) => ({
    ...(value.status && { status: statusToWire(value.status) }),
    clientMsgId: value.clientMsgId,
    conversationId: idToWire(value.conversationId),
    msgId: idToWire(value.msgId),
    convSeq: countToWire(value.convSeq),
    serverTimeMs: countToWire(value.serverTimeMs),
    countNo: countToWire(value.countNo),
  }),
  (wire) => ({
    status: statusFromWire(wire.status),
    clientMsgId: wire.clientMsgId ?? emptyBytes,
    conversationId: idFromWire(wire.conversationId),
    msgId: idFromWire(wire.msgId),
    convSeq: countFromWire(wire.convSeq),
    serverTimeMs: countFromWire(wire.serverTimeMs),
    countNo: countFromWire(wire.countNo),
  }),
);

export const messagePush: Codec<MessagePush> = codec(
  fastim.v1.MessagePush,
  (value) => ({ messages: value.messages.map(messageToWire) }),
  (wire) => ({ messages: limited(wire.messages).map(messageFromWire) }),
);
