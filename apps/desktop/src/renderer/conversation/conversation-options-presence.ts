import { type RefObject, useCallback, useEffect, useState } from 'react';
import type { VirtualizerHandle } from 'virtua';
import { useConversations, useUi } from '../state/ui-context.tsx';

/** Rows above and below the view that are watched with it. */
const spare = 5;
/** Before anything has been measured. */
const firstRows = 20;

/** Watches whether the peers of the rows in view are online. Returns what to call when the view has come to rest. */
export function useWatchedPeers(order: readonly string[], handle: RefObject<VirtualizerHandle | null>): () => void {
  const ui = useUi();
  const [range, setRange] = useState<{ from: number; to: number }>({ from: 0, to: firstRows });

  const look = useCallback(() => {
    const list = handle.current;
    if (!list || list.viewportSize === 0) return;
    const from = Math.max(0, list.findItemIndex(list.scrollOffset) - spare);
    const to = list.findItemIndex(list.scrollOffset + list.viewportSize) + spare + 1;
    setRange((before) => (before.from === from && before.to === to ? before : { from, to }));
  }, [handle]);

  const peers = useConversations(({ byId }) =>
    order
      .slice(range.from, range.to)
      .flatMap((id) => byId.get(id)?.peer?.userId ?? [])
      .sort()
      .join(),
  );

  useEffect(() => {
    if (peers === '') return undefined;
    return ui.presence.watch(peers.split(','));
  }, [ui, peers]);

  return look;
}
