import { useEffect, useRef } from 'react';
import { openConversation } from '../state/open-conversation.ts';
import type { Ui } from '../state/ui.ts';
import { useApp, useUi, useWork } from '../state/ui-context.tsx';
import { useLayout } from './use-layout.ts';

const mark = 'fastim-conversation';

/** How far inside the entry of the browser's history that is shown lies: 0 the list, 1 a conversation, 2 what covers it. */
function depthNow(): number {
  const { at, depth } = (history.state ?? {}) as { at?: unknown; depth?: unknown };
  return at === mark && typeof depth === 'number' ? depth : 0;
}

/** The search, then the choosing of messages, then the panel: whichever is there. */
function stepOut(ui: Ui): void {
  const { searching, selection } = ui.work.getState();
  if (searching !== null) ui.work.setState({ searching: null });
  else if (selection !== null) ui.work.setState({ selection: null });
  else ui.app.setState({ panelFor: null });
}

/** On a phone the system's back button leads one step out, as the ones in the headers do. */
export function useHistoryBack(): void {
  const ui = useUi();
  const phone = useLayout() === 'phone';
  const busy = useWork((state) => state.searching !== null || state.selection !== null);
  const depth = useApp((state) => {
    if (state.openConversationId === null || state.screen !== 'chats') return 0;
    return busy || state.panelFor === state.openConversationId ? 2 : 1;
  });
  const wanted = phone ? depth : 0;
  const latest = useRef(wanted);
  latest.current = wanted;

  useEffect(() => {
    for (let level = depthNow() + 1; level <= wanted; level++) history.pushState({ at: mark, depth: level }, '');
    // Later, so that leaving and coming back in one step (React's strict mode) changes nothing.
    const timer = setTimeout(() => {
      const over = depthNow() - latest.current;
      if (over > 0) history.go(-over);
    });
    return () => clearTimeout(timer);
  }, [wanted]);

  useEffect(() => {
    const onPop = (): void => {
      const shown = depthNow();
      if (shown >= latest.current) return;
      if (latest.current === 2) stepOut(ui);
      if (shown === 0) void openConversation(ui, null);
    };
    window.addEventListener('popstate', onPop);
    return () => window.removeEventListener('popstate', onPop);
  }, [ui]);

  // Leaving the chats leaves nothing behind.
  useEffect(
    () => () => {
      latest.current = 0;
      setTimeout(() => {
        if (latest.current === 0 && depthNow() > 0) history.go(-depthNow());
      });
    },
    [],
  );
}
