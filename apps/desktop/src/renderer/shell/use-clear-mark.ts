import { useEffect } from 'react';
import { changeSettings } from '../conversation/conversation-settings.ts';
import { useApp, useUi } from '../state/ui-context.tsx';

/** Opening a conversation takes its mark as unread away; marking the one that is open lasts until it is opened again. */
export function useClearMark(): void {
  const ui = useUi();
  const openId = useApp((state) => (state.screen === 'chats' ? state.openConversationId : null));
  useEffect(() => {
    if (openId === null) return;
    const conversation = ui.conversations.getState().byId.get(openId);
    // Only a mark: when it cannot be taken away now, it is the next time.
    if (conversation?.markedUnread) void changeSettings(ui, openId, { markedUnread: false }).catch(() => {});
  }, [ui, openId]);
}
