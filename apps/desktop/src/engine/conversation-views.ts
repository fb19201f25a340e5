import { unreadCount } from '@fastim/core';
import { outboxView, storedView, type ViewContext } from './message-views.ts';
import { groupView } from './rights.ts';
import { settingsOf } from './row-settings.ts';
import type { ConversationRow, OutboxRow } from './store.ts';
import type { ConversationView, MessageView, PreviewView } from './views.ts';

export function conversationView(
  row: ConversationRow,
  unsent: { readonly count: number; readonly newest: OutboxRow | undefined },
  context: ViewContext,
): ConversationView {
  const newestUnsent = unsent.newest;
  const last = newestUnsent
    ? outboxView(newestUnsent, context)
    : row.lastMessage && storedView(row.lastMessage, context);
  const settings = settingsOf(row);
  // Messages decide the order; only a conversation without any falls back on when it was opened.
  const storedMs = row.lastMessage?.serverTimeMs ?? row.lastActivityMs;
  return {
    conversationId: row.conversationId,
    kind: row.kind,
    title: titleOf(row),
    peer: row.peer,
    group: groupView(row, context.nowMs),
    silentUntilMs: settings.silentUntilMs,
    pinnedMs: settings.pinnedMs,
    archived: settings.archived,
    markedUnread: settings.markedUnread,
    mentioned: row.mentionSeq > row.readSeq,
    headSeq: row.headSeq,
    readSeq: row.readSeq,
    unread: unreadOf(row),
    unsent: unsent.count,
    lastActivityMs: Math.max(storedMs, newestUnsent?.createdMs ?? 0),
    preview: last && previewView(last, row),
    draft: row.draft,
    peerDeliveredSeq: row.peerDeliveredSeq,
    peerReadSeq: row.peerReadSeq,
  };
}

function previewView(last: MessageView, row: ConversationRow): PreviewView {
  const { kind, text, mine, notice, status, timeMs } = last;
  const senderName = row.kind === 'group' && !mine && kind !== 'notice' ? last.senderName : '';
  return { kind, text, mine, senderName, recalled: last.recalled !== null, notice, status, timeMs };
}

export function titleOf(row: ConversationRow): string {
  if (row.group) return row.group.name;
  return row.peer ? row.peer.displayName || row.peer.username : '';
}

export function unreadOf(row: ConversationRow): number {
  return unreadCount({ headCountNo: row.headCountNo, baseCountNo: row.unreadBaseCountNo });
}
