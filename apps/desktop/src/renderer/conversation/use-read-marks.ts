import { type RefObject, useCallback, useEffect, useRef } from 'react';
import type { VirtualizerHandle } from 'virtua';
import type { ConversationView } from '../../bridge/contract.ts';
import { useLayout } from '../shell/use-layout.ts';
import { createReadTracker } from '../state/read-tracker.ts';
import { useApp, useUi, useWork } from '../state/ui-context.tsx';
import type { RowModel } from './row-models.ts';

/** Marks as read what is really on the screen. Returns what to call whenever the view may have changed. */
export function useReadMarks(options: {
  conversation: ConversationView;
  rows: readonly RowModel[];
  scroller: RefObject<HTMLDivElement | null>;
  handle: RefObject<VirtualizerHandle | null>;
}): () => void {
  const ui = useUi();
  const { conversationId } = options.conversation;
  const phone = useLayout() === 'phone';
  const coveredByApp = useApp(
    (state) =>
      state.screen !== 'chats' || state.shortcutsOpen || state.dialog !== null || (phone && state.panelFor !== null),
  );
  const coveredByWork = useWork((state) => (phone && state.searching !== null) || isModal(state.dialog?.kind));
  const covered = coveredByApp || coveredByWork;
  const latest = useRef({ ...options, covered });
  latest.current = { ...options, covered };
  const tracker = useRef<ReturnType<typeof createReadTracker> | null>(null);

  const look = useCallback(() => {
    const { conversation, rows, scroller, handle } = latest.current;
    const element = scroller.current;
    const list = handle.current;
    if (!element || !list || !tracker.current) return;
    const seen: number[] = [];
    if (ui.surroundings.watched() && !latest.current.covered) {
      const top = element.scrollTop;
      const bottom = top + element.clientHeight;
      const until = list.findItemIndex(bottom);
      for (let index = list.findItemIndex(top); index <= until; index++) {
        const message = rows[index]?.message;
        if (!message || message.mine || message.convSeq === null || message.convSeq <= conversation.readSeq) continue;
        const rowTop = list.getItemOffset(index);
        const rowBottom = rowTop + list.getItemSize(index);
        // Its end is in view, or it is longer than the view and fills it. Half a pixel is rounding.
        if (rowBottom <= bottom + 0.5 || rowTop <= top) seen.push(message.convSeq);
      }
    }
    tracker.current.seen(seen);
  }, [ui]);

  useEffect(() => {
    const created = createReadTracker({
      now: () => ui.surroundings.now(),
      schedule: ui.surroundings.schedule,
      read: (convSeq) => {
        // The engine only ever raises it; one lost call is made up for by the next.
        ui.link.call('messages.markRead', { conversationId, convSeq }).catch(() => {});
      },
    });
    tracker.current = created;
    look();
    const events = ['focus', 'blur'] as const;
    for (const event of events) window.addEventListener(event, look);
    document.addEventListener('visibilitychange', look);
    return () => {
      created.stop();
      tracker.current = null;
      for (const event of events) window.removeEventListener(event, look);
      document.removeEventListener('visibilitychange', look);
    };
  }, [ui, conversationId, look]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: what covered the messages has come or gone
  useEffect(look, [look, covered]);

  return look;
}

/** What covers the messages; the emoji picker stands among them. */
function isModal(kind: string | undefined): boolean {
  return kind !== undefined && kind !== 'react';
}
