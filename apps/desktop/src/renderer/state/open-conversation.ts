import type { PositionView } from '../../bridge/contract.ts';
import { loadFirstPage, loadPlace, placeOf } from './load-messages.ts';
import type { MessageWindow } from './message-window.ts';
import { placeWindow } from './messages-store.ts';
import type { Ui } from './ui.ts';
import { leaveConversation } from './work-store.ts';

/** Shows a conversation: at its first unread message, else where it was left, else at the end. null: closes. */
export async function openConversation(ui: Ui, conversationId: string | null): Promise<void> {
  if (ui.app.getState().openConversationId === conversationId) {
    ui.app.setState({ screen: 'chats' });
    return;
  }
  ui.drafts.flush();
  leaveConversation(ui.work);
  ui.app.setState({ openConversationId: conversationId, screen: 'chats' });
  tell(ui, conversationId);
  if (conversationId === null) return;
  await showConversation(ui, conversationId);
}

/** `fresh`: reads it anew even if it is in memory; the list goes back to its place. */
export async function showConversation(ui: Ui, conversationId: string, fresh = false): Promise<void> {
  const conversation = ui.conversations.getState().byId.get(conversationId);
  const unread = conversation?.unread ?? 0;
  const cached = fresh ? undefined : ui.messages.getState().open.get(conversationId)?.window;
  if (cached && cached.rows.length > 0) {
    const firstUnreadSeq = unread > 0 ? firstUnread(cached, conversation?.readSeq ?? 0) : null;
    if (unread === 0 || firstUnreadSeq !== null) {
      const place = unread > 0 ? ({ at: 'unread' } as const) : placeOf(ui.positions.get(conversationId) ?? null);
      if (place.at !== 'end' || !cached.hasNewer) {
        placeWindow(ui.messages, { ...cached, firstUnreadSeq, shift: false }, place);
        return;
      }
    }
  }
  if (unread > 0) {
    await loadFirstPage(ui, conversationId, { at: 'unread' }, { at: 'unread' });
    return;
  }
  const position = ui.positions.get(conversationId) ?? (await savedPosition(ui, conversationId));
  if (ui.app.getState().openConversationId !== conversationId) return;
  await loadPlace(ui, conversationId, position);
}

/** Back to the newest message, wherever the list stands. */
export function loadNewest(ui: Ui, conversationId: string): Promise<void> {
  return loadFirstPage(ui, conversationId, { at: 'newest' }, { at: 'end' });
}

export async function openDirectWith(ui: Ui, userId: string): Promise<void> {
  const conversation = await ui.link.call('conversations.openDirect', { userId });
  ui.conversations.setState(({ byId, order }) =>
    byId.has(conversation.conversationId)
      ? {}
      : {
          byId: new Map(byId).set(conversation.conversationId, conversation),
          order: [conversation.conversationId, ...order],
        },
  );
  await openConversation(ui, conversation.conversationId);
}

function firstUnread(window: MessageWindow, readSeq: number): number | null {
  const first = window.rows.find((row) => !row.mine && row.convSeq !== null && row.convSeq > readSeq);
  // When it is the very first row, older unread ones may lie before the window.
  return first?.convSeq != null && (first !== window.rows[0] || !window.hasOlder) ? first.convSeq : null;
}

async function savedPosition(ui: Ui, conversationId: string): Promise<PositionView | null> {
  try {
    return await ui.link.call('positions.get', { conversationId });
  } catch {
    return null;
  }
}

function tell(ui: Ui, conversationId: string | null): void {
  // Only a hint to the engine what to pull first; told again when the bridge is back.
  ui.link.call('conversations.setOpen', { conversationId }).catch(() => {});
}
