import { RemoteProtocolError } from '../errors.ts';
import { fastim } from '../generated/fastim.js';
import { CLIENT_MSG_ID_LENGTH, MAX_REPEATED } from '../limits.ts';
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
}

export interface SendRequest {
  clientMsgId: Uint8Array;
  conversationId: bigint;
  kind: number;
  body: Uint8Array;
}

/** `status` set: nothing was stored, and of the rest only clientMsgId and conversationId have a meaning. */
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
  };
}

export function messageFromWire(wire: fastim.v1.Message.$Properties): Message {
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
  };
}

/** Throws for a list over the limit: a small frame must not become a large amount of work. */
export function limited<T>(list: readonly T[] | null | undefined): readonly T[] {
  if (list && list.length > MAX_REPEATED) throw new RemoteProtocolError('BAD_REQUEST', 'too many repeated values');
  return list ?? [];
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

/** Body of a message of kind text. */
export const textBody: Codec<{ text: string }> = codec(
  fastim.v1.TextBody,
  (value) => ({ text: textToWire(value.text) }),
  (wire) => ({ text: wire.text ?? '' }),
);
