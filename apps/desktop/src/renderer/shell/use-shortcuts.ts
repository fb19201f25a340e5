import { useEffect } from 'react';
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
    step(ui, event.key === 'ArrowDown' ? 1 : -1);
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

function step(ui: Ui, by: 1 | -1): void {
  const { order } = ui.conversations.getState();
  const index = order.indexOf(ui.app.getState().openConversationId ?? '');
  const next = order[index < 0 ? 0 : index + by];
  if (next !== undefined) void openConversation(ui, next);
}

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea, [contenteditable]');
}
