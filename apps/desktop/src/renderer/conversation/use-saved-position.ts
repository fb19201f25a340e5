import { useCallback, useEffect, useRef } from 'react';
import type { PositionView } from '../../bridge/contract.ts';
import { useUi } from '../state/ui-context.tsx';

const saveAfterMs = 400;

/** Remembers where the list of a conversation stands: at once in memory, on disk when it has come to rest. */
export function useSavedPosition(conversationId: string): (position: PositionView) => void {
  const ui = useUi();
  const pending = useRef<PositionView | null>(null);
  const cancel = useRef<() => void>(() => {});

  const flush = useCallback(() => {
    cancel.current();
    const position = pending.current;
    pending.current = null;
    if (position === null) return;
    // Not worth a word when it fails: the conversation then opens at its end.
    ui.link.call('positions.set', { conversationId, position }).catch(() => {});
  }, [ui, conversationId]);

  useEffect(() => {
    window.addEventListener('pagehide', flush);
    return () => {
      window.removeEventListener('pagehide', flush);
      flush();
    };
  }, [flush]);

  return useCallback(
    (position) => {
      const before = ui.positions.get(conversationId);
      if (
        before &&
        before.order === position.order &&
        before.offsetPx === position.offsetPx &&
        before.atEnd === position.atEnd
      )
        return;
      ui.positions.set(conversationId, position);
      pending.current = position;
      cancel.current();
      cancel.current = ui.surroundings.schedule(flush, saveAfterMs);
    },
    [ui, conversationId, flush],
  );
}
