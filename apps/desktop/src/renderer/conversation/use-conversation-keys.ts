import { useEffect } from 'react';
import { useUi } from '../state/ui-context.tsx';
import { endSelection } from '../state/work-store.ts';

/** The keys of the open conversation, before those of the app: they are listened to first. */
export function useConversationKeys(conversationId: string): void {
  const ui = useUi();
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return;
      if (document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"]')) return;
      const { selection, searching } = ui.work.getState();
      const modified = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
      if (modified && event.key.toLowerCase() === 'f') {
        ui.work.setState({ searching: conversationId });
        requestAnimationFrame(() => document.getElementById(messageSearchId)?.focus());
      } else if (event.key === 'Escape' && selection) {
        endSelection(ui.work);
      } else if (event.key === 'Escape' && searching) {
        ui.work.setState({ searching: null });
      } else {
        return;
      }
      event.preventDefault();
    };
    // Bubbling, but registered on the document: it comes before the window.
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, [ui, conversationId]);
}

export const messageSearchId = 'message-search-input';
