import { useEffect } from 'react';
import { standsOut } from '../conversation/conversation-settings.ts';
import { openConversation } from '../state/open-conversation.ts';
import type { Ui } from '../state/ui.ts';
import { useUi } from '../state/ui-context.tsx';
import { searchInputId } from './search-input.ts';

/** The keys that work everywhere. What a menu or dialog has used already is left alone. */
export function useShortcuts(): void {
  const ui = useUi();
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return;
      if (document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"]')) return;
      if (run(ui, event)) event.preventDefault();
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, [ui]);
}

function run(ui: Ui, event: KeyboardEvent): boolean {
  const modified = event.ctrlKey || event.metaKey;
  if (modified && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
    ui.app.setState({ screen: 'chats' });
    // On a phone the list comes back first.
    if (!document.getElementById(searchInputId)) void openConversation(ui, null);
    requestAnimationFrame(() => document.getElementById(searchInputId)?.focus());
    return true;
  }
  if (event.altKey && !modified && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
    step(ui, event.key === 'ArrowDown' ? 1 : -1, event.shiftKey);
    return true;
  }
  if (event.key === 'Escape' && ui.app.getState().openConversationId !== null) {
    void openConversation(ui, null);
    return true;
  }
  if (event.key === '?' && !modified && !typing(event.target)) {
    ui.app.setState({ shortcutsOpen: true });
    return true;
  }
  return false;
}

/** To the next conversation in the order of the list; the archive is not part of the way. */
function step(ui: Ui, by: 1 | -1, unreadOnly: boolean): void {
  const { order, byId } = ui.conversations.getState();
  const now = ui.app.getState().openConversationId;
  const ids = order.filter((id) => {
    const conversation = byId.get(id);
    if (!conversation || (conversation.archived && id !== now)) return false;
    return !unreadOnly || id === now || standsOut(conversation);
  });
  const index = ids.indexOf(now ?? '');
  const next = index < 0 ? ids[by === 1 ? 0 : ids.length - 1] : ids[index + by];
  // The unread ones go round: whatever is open, the next is the next.
  const target = next ?? (unreadOnly ? ids.at(by === 1 ? 0 : -1) : undefined);
  if (target !== undefined && target !== now) void openConversation(ui, target);
}

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea, [contenteditable]');
}
