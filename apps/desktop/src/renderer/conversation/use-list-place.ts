/** Where the list stands: at the end or not, at which row; moving it to its first place; keeping it at the end. */
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { VirtualizerHandle } from 'virtua';
import type { PositionView } from '../../bridge/contract.ts';
import type { StartPlace } from '../state/messages-store.ts';
import type { RowModel } from './row-models.ts';
import { createSettler } from './settler.ts';

/** Free space below the last message. */
export const footPx = 12;
/** So near counts as being at the end. */
const endPx = 16;
/** Of what was read before, so that the first new message does not stand alone. */
const contextPx = 72;
/** How far down the view a row stands that was jumped to. */
const targetShare = 0.3;

export interface ListPlace {
  readonly atEnd: boolean;
  /** The list stands where it should and can be seen. */
  readonly ready: boolean;
  /** The index of the row at the top of the view. */
  readonly topIndex: number;
  onScroll(): void;
  onResize(): void;
  /** Somebody moves the list: it is not pulled back. */
  onHand(): void;
  toEnd(): void;
  /** Brings a row into view, if it is not in view already. */
  toRow(index: number): void;
}

interface Anchor {
  readonly id: string;
  readonly offsetPx: number;
}

export function useListPlace(options: {
  rows: readonly RowModel[];
  start: StartPlace;
  hasNewer: boolean;
  scroller: RefObject<HTMLDivElement | null>;
  handle: RefObject<VirtualizerHandle | null>;
  /** The row that must not leave the view by itself, because nobody has seen it yet; null: none. */
  unseen(): number | null;
  onMoved(position: PositionView): void;
}): ListPlace {
  const { rows, start, hasNewer, scroller, handle, unseen, onMoved } = options;
  const following = useRef(false);
  const last = useRef({ top: 0, height: 0 });
  const placed = useRef(false);
  /** The row at the top of the view, and how far the view is below its start. */
  const anchor = useRef<Anchor | null>(null);
  /** Rows were added before the first: this one has to stand where it stood, as soon as the list is tall enough. */
  const kept = useRef<Anchor | null>(null);
  const [settler] = useState(() => createSettler(scroller));
  const [atEnd, setAtEnd] = useState(start.at === 'end');
  const [ready, setReady] = useState(false);
  const [topIndex, setTopIndex] = useState(0);
  const latest = useRef({ rows, hasNewer, unseen, onMoved });
  latest.current = { rows, hasNewer, unseen, onMoved };

  const toEnd = useCallback(
    (then?: () => void) => {
      following.current = true;
      setAtEnd(true);
      settler.moveTo((element) => element.scrollHeight, then);
    },
    [settler],
  );

  // The first place. The list stays hidden for the few frames in which rows are measured.
  useLayoutEffect(() => {
    const show = () => {
      placed.current = true;
      setReady(true);
    };
    const index = startIndex(latest.current.rows, start);
    if (index === null) toEnd(show);
    else {
      const view = scroller.current?.clientHeight ?? 0;
      const offset =
        start.at === 'row' ? start.offsetPx : start.at === 'target' ? -Math.round(view * targetShare) : -contextPx;
      handle.current?.scrollToIndex(index, { align: 'start', offset });
      settler.moveTo(() => (handle.current?.getItemOffset(index) ?? 0) + offset, show);
    }
    return () => settler.stop();
  }, [start, scroller, handle, settler, toEnd]);

  const note = useCallback(() => {
    const element = scroller.current;
    const list = handle.current;
    if (!element || !list || !placed.current) return;
    if (kept.current) {
      const index = latest.current.rows.findIndex((row) => row.id === kept.current?.id);
      const wanted = list.getItemOffset(index) + kept.current.offsetPx;
      if (index >= 0 && wanted > element.scrollHeight - element.clientHeight + 1) {
        // Half-way: the list has moved, and is not as tall yet as its new rows. It only looks like the end.
        last.current = { top: element.scrollTop, height: element.scrollHeight };
        return;
      }
      kept.current = null;
      if (index >= 0 && Math.abs(element.scrollTop - wanted) > 1) element.scrollTop = wanted;
    }
    const { scrollTop, scrollHeight, clientHeight } = element;
    const end = scrollHeight - scrollTop - clientHeight <= endPx && !latest.current.hasNewer;
    const moved = scrollTop - last.current.top;
    const grown = scrollHeight - last.current.height;
    last.current = { top: scrollTop, height: scrollHeight };
    if (end) following.current = true;
    // Only somebody who scrolls up leaves the end: measured rows that turn out smaller move the view up as well, but
    // then the whole shrinks by as much.
    else if (moved < -1 && moved < grown - 1) following.current = false;
    const held = following.current ? latest.current.unseen() : null;
    if (held !== null && list.getItemOffset(held) < scrollTop) {
      // More has come than the view holds, and nobody looks: it waits at the first of it.
      following.current = false;
      settler.moveTo(() => list.getItemOffset(held) - contextPx);
    }
    setAtEnd((end && held === null) || following.current);
    const index = list.findItemIndex(scrollTop);
    setTopIndex(index);
    const row = latest.current.rows[index];
    if (!row) return;
    const offsetPx = Math.round(scrollTop - list.getItemOffset(index));
    anchor.current = { id: row.id, offsetPx };
    latest.current.onMoved({ order: row.message.order, offsetPx, atEnd: end });
  }, [scroller, handle, settler]);

  const onResize = useCallback(() => {
    settler.measured();
    if (placed.current && following.current && !latest.current.hasNewer) toEnd();
    note();
  }, [note, toEnd, settler]);

  const toRow = useCallback(
    (index: number) => {
      const element = scroller.current;
      const list = handle.current;
      if (!element || !list) return;
      const top = list.getItemOffset(index);
      const inView =
        top >= element.scrollTop && top + list.getItemSize(index) <= element.scrollTop + element.clientHeight;
      if (inView) return;
      following.current = false;
      list.scrollToIndex(index, { align: 'start', offset: -Math.round(element.clientHeight * targetShare) });
      settler.moveTo((view) => list.getItemOffset(index) - Math.round(view.clientHeight * targetShare));
    },
    [scroller, handle, settler],
  );

  const onHand = useCallback(() => settler.stop(), [settler]);

  const firstId = rows[0]?.id;
  const firstBefore = useRef(firstId);
  useLayoutEffect(() => {
    const changed = firstBefore.current !== firstId;
    firstBefore.current = firstId;
    if (changed && placed.current && !following.current) kept.current = anchor.current;
  }, [firstId]);

  // New rows at the end: follow when the end was in view, and when it is what was just written here.
  const lastId = rows.at(-1)?.id;
  useLayoutEffect(() => {
    const newest = latest.current.rows.at(-1)?.message;
    if (lastId === undefined || !newest || !placed.current || latest.current.hasNewer) return;
    if (following.current || newest.status === 'sending') toEnd();
  }, [lastId, toEnd]);

  useEffect(() => {
    if (ready) note();
  }, [ready, note]);

  return { atEnd, ready, topIndex, onScroll: note, onResize, onHand, toEnd, toRow };
}

function startIndex(rows: readonly RowModel[], start: StartPlace): number | null {
  let index: number;
  switch (start.at) {
    case 'end':
      return null;
    case 'unread':
      index = rows.findIndex((row) => row.divider);
      break;
    case 'time':
      index = rows.findIndex((row) => row.message.timeMs >= start.timeMs);
      break;
    default:
      index = rows.findIndex((row) => row.message.order >= start.order);
  }
  return index < 0 ? null : index;
}
