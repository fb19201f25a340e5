import { deliveryState, unreadCount } from '@fastim/core';
import { MessageKind } from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import type { ConversationRow, OutboxRow, StoredMessage } from './store.ts';
import type { ConversationView, MessageView } from './views.ts';

/** Where the `order` of my unstored messages begins: after every conv_seq there can be, and still exact as a number. */
export const OUTBOX_ORDER = 2 ** 52;

export function storedView(message: StoredMessage, row: ConversationRow | undefined, myUserId: string): MessageView {
  const mine = message.senderId === myUserId;
  const peer = { deliveredSeq: row?.peerDeliveredSeq ?? 0, readSeq: row?.peerReadSeq ?? 0 };
  return {
    key: message.key,
    conversationId: message.conversationId,
    msgId: message.msgId,
    convSeq: message.convSeq,
    senderId: message.senderId,
    mine,
    kind: message.kind === MessageKind.text && message.body === null ? 'text' : 'unsupported',
    text: message.text,
    timeMs: message.serverTimeMs,
    status: mine ? deliveryState(message.convSeq, peer) : 'stored',
    failure: null,
    order: message.convSeq,
  };
}

export function outboxView(row: OutboxRow, myUserId: string): MessageView {
  return {
    key: row.key,
    conversationId: row.conversationId,
    msgId: null,
    convSeq: null,
    senderId: myUserId,
    mine: true,
    kind: row.kind === MessageKind.text ? 'text' : 'unsupported',
    text: row.text,
    timeMs: row.createdMs,
    status: row.failure === null ? 'sending' : 'failed',
    failure: row.failure,
    order: OUTBOX_ORDER + row.number,
  };
}

export function conversationView(
  row: ConversationRow,
  unsent: { readonly count: number; readonly newest: OutboxRow | undefined },
  myUserId: string,
): ConversationView {
  const newestUnsent = unsent.newest;
  const last = newestUnsent
    ? outboxView(newestUnsent, myUserId)
    : row.lastMessage && storedView(row.lastMessage, row, myUserId);
  // Messages decide the order; only a conversation without any falls back on when it was opened.
  const storedMs = row.lastMessage?.serverTimeMs ?? row.lastActivityMs;
  return {
    conversationId: row.conversationId,
    kind: row.kind,
    title: row.peer ? row.peer.displayName || row.peer.username : '',
    peer: row.peer,
    headSeq: row.headSeq,
    readSeq: row.readSeq,
    unread: unreadOf(row),
    unsent: unsent.count,
    lastActivityMs: Math.max(storedMs, newestUnsent?.createdMs ?? 0),
    preview: last ? { text: last.text, mine: last.mine, status: last.status, timeMs: last.timeMs } : null,
    draft: row.draft,
    peerDeliveredSeq: row.peerDeliveredSeq,
    peerReadSeq: row.peerReadSeq,
  };
}

export function unreadOf(row: ConversationRow): number {
  return unreadCount({ headCountNo: row.headCountNo, baseCountNo: row.unreadBaseCountNo });
}

export function viewOf(state: AccountState, row: ConversationRow): ConversationView {
  return conversationView(row, state.unsentOf(row.conversationId), state.userId);
}

/** Newest activity first. */
export function listViews(state: AccountState): ConversationView[] {
  return [...state.conversations()]
    .map((row) => viewOf(state, row))
    .sort((a, b) => b.lastActivityMs - a.lastActivityMs || (a.conversationId < b.conversationId ? 1 : -1));
}
