/** My own settings of a conversation: kept by the engine, told to my other devices. */
import type { CommandParams, ConversationView } from '../../bridge/contract.ts';
import { applyConversations } from '../state/conversations-store.ts';
import type { Ui } from '../state/ui.ts';

type Patch = CommandParams<'conversations.settings'>['patch'];

export const hourMs = 60 * 60 * 1000;
export const dayMs = 24 * hourMs;

/** Rejects with a `reason` when it could not be stored on this device; then nothing is changed. */
export async function changeSettings(ui: Ui, conversationId: string, patch: Patch): Promise<void> {
  applyConversations(ui.conversations, [await ui.link.call('conversations.settings', { conversationId, patch })]);
}

export function isSilent(conversation: Pick<ConversationView, 'silentUntilMs'>, nowMs: number): boolean {
  return conversation.silentUntilMs > nowMs;
}

/** Whether the list marks it as unread, with a number or a dot. */
export function standsOut(conversation: Pick<ConversationView, 'unread' | 'markedUnread'>): boolean {
  return conversation.unread > 0 || conversation.markedUnread;
}

/** All of it has been read, on all my devices. */
export async function markAllRead(ui: Ui, conversation: ConversationView): Promise<void> {
  const { conversationId, headSeq, unread, markedUnread } = conversation;
  if (unread > 0) await ui.link.call('messages.markRead', { conversationId, convSeq: headSeq });
  if (markedUnread) await changeSettings(ui, conversationId, { markedUnread: false });
}
