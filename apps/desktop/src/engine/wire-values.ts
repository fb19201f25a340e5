import { toHex } from '@fastim/core';
import { FastimError, type Message, MessageKind, textBody, type UserProfile } from '@fastim/protocol';
import type { StoredMessage } from './store.ts';
import type { UserView } from './views.ts';

/** A message from the wire as it is stored. A text body that cannot be read is kept like an unknown kind. */
export function storedMessage(message: Message): StoredMessage {
  let text = '';
  let body: Uint8Array | null = null;
  if (message.kind === MessageKind.text) {
    try {
      text = textBody.decode(message.body).text;
    } catch {
      // Kept as bytes and shown as unsupported; the sender's fault must not cost us the message.
      body = message.body.slice();
    }
  } else {
    body = message.body.slice();
  }
  return {
    conversationId: message.conversationId.toString(),
    convSeq: message.convSeq,
    msgId: message.msgId.toString(),
    senderId: message.senderId.toString(),
    key: toHex(message.clientMsgId),
    kind: message.kind,
    text,
    body,
    serverTimeMs: message.serverTimeMs,
    countNo: message.countNo,
  };
}

export function userView(profile: UserProfile): UserView {
  return { userId: profile.userId.toString(), username: profile.username, displayName: profile.displayName };
}

/** A decimal id from outside the engine. Throws NOT_FOUND for anything that cannot be one. */
export function wireId(id: string): bigint {
  if (!/^[1-9][0-9]{0,19}$/.test(id)) throw new FastimError('NOT_FOUND', 'not an id');
  return BigInt(id);
}
