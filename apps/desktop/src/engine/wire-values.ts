import { fromHex, type Marks, noMarks, toHex } from '@fastim/core';
import {
  ConversationKind,
  editBody,
  FastimError,
  type GroupProfile,
  type Message,
  MessageKind,
  type MessageMarks,
  noticeBody,
  reactionBody,
  recallBody,
  textBody,
  type UserProfile,
} from '@fastim/protocol';
import { toBase64 } from './base64.ts';
import type { GroupRow, MessageContent, OutgoingContent, StoredMessage } from './store.ts';
import type { UserView } from './views.ts';

/** A message from the wire as it is stored. */
export function storedMessage(message: Message): StoredMessage {
  return {
    conversationId: message.conversationId.toString(),
    convSeq: message.convSeq,
    msgId: message.msgId.toString(),
    senderId: message.senderId.toString(),
    key: toHex(message.clientMsgId),
    content: contentOf(message.kind, message.body),
    serverTimeMs: message.serverTimeMs,
    countNo: message.countNo,
    marks: message.marks ? marksOf(message.marks) : noMarks,
  };
}

/** What a body says. One that cannot be read is kept like an unknown kind: the sender's fault must not cost us the message. */
export function contentOf(kind: number, body: Uint8Array): MessageContent {
  try {
    return readContent(kind, body);
  } catch {
    return { type: 'unknown', kind, body: toBase64(body) };
  }
}

function readContent(kind: number, body: Uint8Array): MessageContent {
  switch (kind) {
    case MessageKind.text: {
      const { text, mentions, mentionAll, replySeq, forwardedFrom } = textBody.decode(body);
      return {
        type: 'text',
        text,
        mentions: mentions.map(String),
        mentionAll,
        replySeq,
        forwardedFrom: forwardedFrom === 0n ? null : forwardedFrom.toString(),
      };
    }
    case MessageKind.edit: {
      const { targetSeq, text, mentions, mentionAll } = editBody.decode(body);
      return { type: 'edit', targetSeq, text, mentions: mentions.map(String), mentionAll };
    }
    case MessageKind.recall:
      return { type: 'recall', targetSeq: recallBody.decode(body).targetSeq };
    case MessageKind.reaction: {
      const { targetSeq, emoji, removed } = reactionBody.decode(body);
      return { type: 'reaction', targetSeq, emoji, removed };
    }
    case MessageKind.notice: {
      const { action, userIds, text, number } = noticeBody.decode(body);
      return { type: 'notice', action, userIds: userIds.map(String), text, number };
    }
    default:
      return { type: 'unknown', kind, body: toBase64(body) };
  }
}

/** Kind and body of a message of mine on its way out. */
export function wireBody(content: OutgoingContent): { kind: number; body: Uint8Array } {
  switch (content.type) {
    case 'text': {
      const { text, mentions, mentionAll, replySeq, forwardedFrom } = content;
      const value = { text, mentions: mentions.map(BigInt), mentionAll, replySeq };
      const body = textBody.encode({ ...value, forwardedFrom: forwardedFrom === null ? 0n : BigInt(forwardedFrom) });
      return { kind: MessageKind.text, body };
    }
    case 'edit': {
      const { targetSeq, text, mentions, mentionAll } = content;
      const body = editBody.encode({ targetSeq, text, mentions: mentions.map(BigInt), mentionAll });
      return { kind: MessageKind.edit, body };
    }
    case 'recall':
      return { kind: MessageKind.recall, body: recallBody.encode({ targetSeq: content.targetSeq }) };
    case 'reaction': {
      const { targetSeq, emoji, removed } = content;
      return { kind: MessageKind.reaction, body: reactionBody.encode({ targetSeq, emoji, removed }) };
    }
  }
}

function marksOf(marks: MessageMarks): Marks<string> {
  return {
    editedSeq: marks.editedSeq,
    recalledSeq: marks.recalledSeq,
    recalledBy: marks.recalledSeq > 0 ? marks.recalledBy.toString() : null,
    reactionsSeq: marks.reactionsSeq,
    reactions: marks.reactions.map(({ emoji, count, mine, userIds }) => ({
      emoji,
      count,
      mine,
      userIds: userIds.map(String),
    })),
  };
}

export function userView(profile: UserProfile): UserView {
  return { userId: profile.userId.toString(), username: profile.username, displayName: profile.displayName };
}

export function groupRow(group: GroupProfile): GroupRow {
  const { name, avatarColor, announcement, ownerId, memberCount, muteAll, joinApproval } = group;
  return { name, avatarColor, announcement, ownerId: ownerId.toString(), memberCount, muteAll, joinApproval };
}

export function conversationKind(kind: number): 'direct' | 'group' {
  return kind === ConversationKind.group ? 'group' : 'direct';
}

/** A decimal id from outside the engine. Throws NOT_FOUND for anything that cannot be one. */
export function wireId(id: string): bigint {
  if (!/^[1-9][0-9]{0,19}$/.test(id)) throw new FastimError('NOT_FOUND', 'not an id');
  return BigInt(id);
}

/** A client_msg_id from outside the engine. Throws BAD_REQUEST for anything that cannot be one. */
export function wireKey(key: string): Uint8Array {
  if (!/^[0-9a-f]{32}$/.test(key)) throw new FastimError('BAD_REQUEST', 'not a client_msg_id');
  return fromHex(key);
}
