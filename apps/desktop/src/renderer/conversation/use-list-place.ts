/** Where the list stands: at the end or not, at which row; moving it to its first place; keeping it at the end. */
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { VirtualizerHandle } from 'virtua';
import type { PositionView } from '../../bridge/contract.ts';
import type { StartPlace } from '../state/messages-store.ts';
import type { RowModel } from './row-models.ts';

/** Free space below the last message. */
export const footPx = 12;
/** So near counts as being at the end. */
const endPx = 16;

export interface ListPlace {
  readonly atEnd: boolean;
  /** The list stands where it should and can be seen. */
  readonly ready: boolean;
  /** The index of the row at the top of the view. */
  readonly topIndex: number;
  onScroll(): void;
  onResize(): void;
  toEnd(): void;
}

export function useListPlace(options: {
  rows: readonly RowModel[];
  start: StartPlace;
  hasNewer: boolean;
  scroller: RefObject<HTMLDivElement | null>;
  handle: RefObject<VirtualizerHandle | null>;
  onMoved(position: PositionView): void;
}): ListPlace {
  const { rows, start, hasNewer, scroller, handle, onMoved } = options;
  const following = useRef(start.at === 'end');
  const lastTop = useRef(0);
  const [atEnd, setAtEnd] = useState(start.at === 'end');
  const [ready, setReady] = useState(false);
  const [topIndex, setTopIndex] = useState(0);
  const latest = useRef({ rows, hasNewer, onMoved });
  latest.current = { rows, hasNewer, onMoved };

  const toEnd = useCallback(() => {
    const last = latest.current.rows.length - 1;
    following.current = true;
    if (last >= 0) handle.current?.scrollToIndex(last, { align: 'end', offset: footPx });
    setAtEnd(true);
  }, [handle]);

  // The first place. The list stays hidden for the frames in which rows are measured.
  useLayoutEffect(() => {
    const index = startIndex(latest.current.rows, start);
    if (index === null) toEnd();
    else {
      const offset = start.at === 'row' ? start.offsetPx : -contextPx;
      handle.current?.scrollToIndex(index, { align: 'start', offset });
    }
    let frame = requestAnimationFrame(() => {
      frame = requestAnimationFrame(() => {
        frame = requestAnimationFrame(() => setReady(true));
      });
    });
    return () => cancelAnimationFrame(frame);
  }, [start, handle, toEnd]);

  const note = useCallback(() => {
    const element = scroller.current;
    const list = handle.current;
    if (!element || !list) return;
    const { scrollTop, scrollHeight, clientHeight } = element;
    const distance = scrollHeight - scrollTop - clientHeight;
    const end = distance <= endPx && !latest.current.hasNewer;
    if (end) following.current = true;
    else if (scrollTop < lastTop.current - 1) following.current = false;
    lastTop.current = scrollTop;
    setAtEnd(end || following.current);
    const index = list.findItemIndex(scrollTop);
    setTopIndex(index);
    const row = latest.current.rows[index];
    if (row) {
      const offsetPx = Math.round(scrollTop - list.getItemOffset(index));
      latest.current.onMoved({ order: row.message.order, offsetPx, atEnd: end });
    }
  }, [scroller, handle]);

  const onResize = useCallback(() => {
    if (following.current && !latest.current.hasNewer) toEnd();
    else note();
  }, [note, toEnd]);

  // New rows at the end: follow only when the end was in view.
  const lastId = rows.at(-1)?.id;
  useLayoutEffect(() => {
    if (lastId !== undefined && following.current && !latest.current.hasNewer) toEnd();
  }, [lastId, toEnd]);

  useEffect(() => {
    if (ready) note();
  }, [ready, note]);

  return { atEnd, ready, topIndex, onScroll: note, onResize, toEnd };
}

/** Of what was read before, so that the first new message does not stand alone. */
const contextPx = 72;

function startIndex(rows: readonly RowModel[], start: StartPlace): number | null {
  if (start.at === 'end') return null;
  const index =
    start.at === 'unread'
      ? rows.findIndex((row) => row.divider)
      : rows.findIndex((row) => row.message.order >= start.order);
  return index < 0 ? null : index;
}
