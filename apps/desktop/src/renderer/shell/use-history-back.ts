import { useEffect, useRef } from 'react';
import { openConversation } from '../state/open-conversation.ts';
import { useApp, useUi } from '../state/ui-context.tsx';
import { useLayout } from './use-layout.ts';

const mark = 'fastim-conversation';

function marked(): boolean {
  return (history.state as { at?: unknown } | null)?.at === mark;
}

/** On a phone the system's back button leads from the conversation to the list, as the one in the header does. */
export function useHistoryBack(): void {
  const ui = useUi();
  const inside = useApp((state) => state.openConversationId !== null && state.screen === 'chats');
  const wanted = useLayout() === 'phone' && inside;
  const holding = useRef(false);

  useEffect(() => {
    if (!wanted) return undefined;
    holding.current = true;
    if (!marked()) history.pushState({ at: mark }, '');
    const onPop = () => {
      if (!marked()) void openConversation(ui, null);
    };
    window.addEventListener('popstate', onPop);
    return () => {
      holding.current = false;
      window.removeEventListener('popstate', onPop);
      // Later, so that leaving and coming back in one step (React's strict mode) changes nothing.
      setTimeout(() => {
        if (!holding.current && marked()) history.back();
      });
    };
  }, [ui, wanted]);
}
