import { deliveryState, type Marks } from '@fastim/core';
import { isEventContent, mentionsUser, withPending } from './message-content.ts';
import { noticeView } from './notice-views.ts';
import { editableUntil, recallableUntil, type Windows } from './rights.ts';
import type { ConversationRow, MessageContent, OutboxRow, OutgoingContent, StoredMessage } from './store.ts';
import type { MessageView, NameView, ReactionView, ReplyView } from './views.ts';

/** Where the `order` of my unstored messages begins: after every conv_seq there can be, and still exact as a number. */
export const OUTBOX_ORDER = 2 ** 52;
/** UTF-16 units of a quoted message. */
const MAX_QUOTE = 300;

/** The words of a message that I took back, for "edit again". */
export interface TakenBack {
  readonly text: string;
  readonly untilMs: number;
}

/** Everything that a view of a message shows and that is not in the message itself. */
export interface ViewContext {
  readonly me: string;
  readonly row: ConversationRow | undefined;
  readonly nowMs: number;
  readonly windows: Windows;
  /** Empty while it is not known. */
  nameOf(userId: string): string;
  /** The message at that place, as far as it is here and shown. */
  quoted(convSeq: number): StoredMessage | undefined;
  /** What is on its way about the message at that place, oldest first. */
  pendingFor(convSeq: number): readonly OutgoingContent[];
  takenBack(key: string): TakenBack | undefined;
  /** Why the last change of that message was refused; null: it was not. */
  refusal(convSeq: number): string | null;
}

export function storedView(message: StoredMessage, context: ViewContext): MessageView {
  const { row, me } = context;
  const pending = context.pendingFor(message.convSeq);
  const { content, marks } = pending.length > 0 ? withPending(message, pending, me) : message;
  const mine = message.senderId === me;
  const peer = { deliveredSeq: row?.peerDeliveredSeq ?? 0, readSeq: row?.peerReadSeq ?? 0 };
  const isPlain = pending.length === 0 && marks.recalledSeq === 0;
  return {
    ...wordsOf(content, mine, context),
    key: message.key,
    conversationId: message.conversationId,
    msgId: message.msgId,
    convSeq: message.convSeq,
    senderId: message.senderId,
    senderName: context.nameOf(message.senderId),
    mine,
    edited: marks.editedSeq > 0 && marks.recalledSeq === 0,
    recalled: marks.recalledSeq > 0 ? recalledView(message, marks, context) : null,
    reactions: marks.reactions.map((one) => reactionView(one, context)),
    notice: content.type === 'notice' ? noticeView(message.senderId, content, context) : null,
    editableUntilMs: isPlain && row ? editableUntil(message, row, context) : 0,
    recallableUntilMs: isPlain && row ? recallableUntil(message, row, context) : 0,
    changing: pending.length > 0,
    timeMs: message.serverTimeMs,
    status: mine ? deliveryState(message.convSeq, peer) : 'stored',
    failure: context.refusal(message.convSeq),
    order: message.convSeq,
  };
}

/** A text of mine that the server has not stored. */
export function outboxView(row: OutboxRow, context: ViewContext): MessageView {
  return {
    ...wordsOf(row.content, true, context),
    key: row.key,
    conversationId: row.conversationId,
    msgId: null,
    convSeq: null,
    senderId: context.me,
    senderName: context.nameOf(context.me),
    mine: true,
    edited: false,
    recalled: null,
    reactions: [],
    notice: null,
    editableUntilMs: 0,
    recallableUntilMs: 0,
    changing: false,
    timeMs: row.createdMs,
    status: row.failure === null ? 'sending' : 'failed',
    failure: row.failure,
    order: OUTBOX_ORDER + row.number,
  };
}

function wordsOf(
  content: MessageContent,
  mine: boolean,
  context: ViewContext,
): Pick<MessageView, 'kind' | 'text' | 'mentions' | 'mentionAll' | 'mentionsMe' | 'reply' | 'forwardedFrom'> {
  if (content.type !== 'text') {
    const kind = content.type === 'notice' ? 'notice' : 'unsupported';
    return {
      kind,
      text: '',
      mentions: [],
      mentionAll: false,
      mentionsMe: false,
      reply: null,
      forwardedFrom: null,
    };
  }
  const { text, mentions, mentionAll, replySeq, forwardedFrom } = content;
  return {
    kind: 'text',
    text,
    mentions: mentions.map((userId) => named(userId, context)),
    mentionAll,
    mentionsMe: !mine && mentionsUser(content, context.me),
    reply: replySeq > 0 ? replyView(replySeq, context) : null,
    forwardedFrom: forwardedFrom === null ? null : named(forwardedFrom, context),
  };
}

function replyView(convSeq: number, context: ViewContext): ReplyView {
  const unknown = { convSeq, senderName: '', text: '' };
  if (context.row && convSeq < context.row.joinSeq) return { ...unknown, state: 'hidden' };
  const quoted = context.quoted(convSeq);
  if (!quoted || isEventContent(quoted.content)) return { ...unknown, state: 'missing' };
  const { content, marks } = withPending(quoted, context.pendingFor(convSeq), context.me);
  const senderName = context.nameOf(quoted.senderId);
  if (marks.recalledSeq > 0) return { convSeq, state: 'recalled', senderName, text: '' };
  const text = content.type === 'text' ? content.text : '';
  return { convSeq, state: 'shown', senderName, text: text.slice(0, MAX_QUOTE).toWellFormed() };
}

function recalledView(
  message: StoredMessage,
  { recalledBy }: Marks<string>,
  context: ViewContext,
): NonNullable<MessageView['recalled']> {
  const by = named(recalledBy ?? message.senderId, context);
  const again = message.senderId === context.me ? context.takenBack(message.key) : undefined;
  const mine = by.userId === context.me;
  if (!again || again.untilMs <= context.nowMs) return { by, mine, again: null, againUntilMs: 0 };
  return { by, mine, again: again.text, againUntilMs: again.untilMs };
}

function reactionView(tally: Marks<string>['reactions'][number], context: ViewContext): ReactionView {
  const { emoji, count, mine, userIds } = tally;
  return { emoji, count, mine, names: userIds.map((userId) => context.nameOf(userId)) };
}

export function named(userId: string, context: Pick<ViewContext, 'nameOf'>): NameView {
  return { userId, name: context.nameOf(userId) };
}
