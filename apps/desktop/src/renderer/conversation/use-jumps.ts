import { useEffect, useRef, useState } from 'react';
import { useUi, useWork } from '../state/ui-context.tsx';
import type { RowModel } from './row-models.ts';
import type { ListPlace } from './use-list-place.ts';

const litMs = 1200;

/** Brings the row that was asked for into view, and lights it up for a moment: its `order`, else null. */
export function useJumps(conversationId: string, rows: readonly RowModel[], place: ListPlace): number | null {
  const ui = useUi();
  const wanted = useWork((state) => (state.jump?.conversationId === conversationId ? state.jump : null));
  const [lit, setLit] = useState<number | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const { ready, toRow } = place;

  const frame = useRef(0);

  useEffect(
    () => () => {
      cancelAnimationFrame(frame.current);
      clearTimeout(timer.current);
    },
    [],
  );

  useEffect(() => {
    if (!wanted || !ready) return;
    const index = rows.findIndex((row) => row.message.order === wanted.order);
    if (index < 0) return;
    ui.work.setState({ jump: null });
    toRow(index);
    cancelAnimationFrame(frame.current);
    clearTimeout(timer.current);
    // Off first: the same row can be asked for again while it is lit.
    setLit(null);
    // Its time begins when it is drawn, however late that is.
    frame.current = requestAnimationFrame(() => {
      setLit(wanted.order);
      timer.current = setTimeout(() => setLit(null), litMs + 100);
    });
  }, [ui, wanted, rows, ready, toRow]);

  return lit;
}
