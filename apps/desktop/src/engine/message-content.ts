import { foldEvent, type Marks, type MessageEvent, noMarks } from '@fastim/core';
import { REACTION_USERS_NAMED } from '@fastim/protocol';
import type { MessageContent, OutgoingContent, StoredMessage } from './store.ts';

export type TextContent = Extract<MessageContent, { type: 'text' }>;
export type EventContent = Extract<MessageContent, { type: 'edit' | 'recall' | 'reaction' }>;

/** Changes another message instead of being shown. */
export function isEventContent(content: MessageContent): content is EventContent {
  return content.type === 'edit' || content.type === 'recall' || content.type === 'reaction';
}

/** A text and nothing else: no mentions, no reply, not forwarded. */
export function plainContent(text: string): TextContent {
  return { type: 'text', text, mentions: [], mentionAll: false, replySeq: 0, forwardedFrom: null };
}

export function mentionsUser(content: MessageContent, userId: string): boolean {
  if (content.type !== 'text' && content.type !== 'edit') return false;
  return content.mentionAll || content.mentions.includes(userId);
}

/** The message after an event about it; the same object when the event changes nothing. */
export function withEvent(message: StoredMessage, event: StoredMessage, me: string): StoredMessage {
  const { content } = event;
  if (!isEventContent(content) || message.content.type !== 'text' || event.convSeq <= message.convSeq) return message;
  const marks = foldEvent(message.marks, asMessageEvent(event, content), me, REACTION_USERS_NAMED);
  if (marks === message.marks) return message;
  return { ...message, marks, content: wordsAfter(message.content, content) };
}

/** The words of a text after an event of any kind. */
export function wordsAfter(words: TextContent, event: EventContent): TextContent {
  if (event.type === 'recall') return plainContent('');
  if (event.type !== 'edit') return words;
  return { ...words, text: event.text, mentions: event.mentions, mentionAll: event.mentionAll };
}

export function asMessageEvent(
  { convSeq, senderId }: { readonly convSeq: number; readonly senderId: string },
  content: EventContent,
): MessageEvent<string> {
  if (content.type !== 'reaction') return { type: content.type, convSeq, senderId };
  return { type: 'reaction', convSeq, senderId, emoji: content.emoji, removed: content.removed };
}

/** What of one's own is on its way, over the message as it is stored: as if the server had taken it. */
export function withPending(
  message: StoredMessage,
  pending: readonly OutgoingContent[],
  me: string,
): { content: MessageContent; marks: Marks<string> } {
  let { content, marks } = message;
  for (const event of pending) {
    if (event.type === 'text' || content.type !== 'text' || marks.recalledSeq > 0) continue;
    if (event.type === 'reaction' && hasReacted(marks, event.emoji) !== event.removed) continue;
    const place = { convSeq: Number.MAX_SAFE_INTEGER, senderId: me };
    // Each is the newest of all until the server says otherwise.
    const open = { ...marks, editedSeq: 0, reactionsSeq: 0 };
    const after = foldEvent(open, asMessageEvent(place, event), me, REACTION_USERS_NAMED);
    marks = { ...after, editedSeq: Math.max(after.editedSeq, marks.editedSeq) };
    content = wordsAfter(content, event);
  }
  return { content, marks };
}

export function hasReacted(marks: Marks<string>, emoji: string): boolean {
  return marks.reactions.some((one) => one.emoji === emoji && one.mine);
}

export function isUnmarked(marks: Marks<string>): boolean {
  return marks === noMarks || (marks.editedSeq === 0 && marks.recalledSeq === 0 && marks.reactionsSeq === 0);
}
