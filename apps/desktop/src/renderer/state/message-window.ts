/**
 * The part of a conversation that is in memory: a run of messages in rising order, without a gap inside. Pure: each
 * function returns the next window. A change at the start and one at the end never happen in one step, because the
 * list keeps its place by being told which end moved (`shift`).
 */
import type { MessagePageView, MessageView } from '../../bridge/contract.ts';

export interface MessageWindow {
  readonly conversationId: string;
  readonly rows: readonly MessageView[];
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
  /** The divider stands before the first message of others with this conv_seq or a higher one. */
  readonly firstUnreadSeq: number | null;
  /** The last change added or removed rows at the start. */
  readonly shift: boolean;
  /** Read while there was no connection: messages may be missing between its rows. */
  readonly unsure: boolean;
}

/** Messages in a page that is asked for. */
export const pageSize = 60;
export const maxRows = 2000;
/** Trimmed a little deeper than the bound, so that it does not happen for every new message. */
const trimTo = 1800;

export function rowId(message: MessageView): string {
  return `${message.senderId}:${message.key}`;
}

export function windowOfPage(page: MessagePageView, unsure = false): MessageWindow {
  return {
    conversationId: page.conversationId,
    rows: page.messages,
    hasOlder: page.hasOlder,
    hasNewer: page.hasNewer,
    firstUnreadSeq: page.firstUnreadSeq,
    shift: false,
    unsure,
  };
}

/** What is in the window already is as new or newer than the page: it stays. */
export function addOlder(window: MessageWindow, page: MessagePageView): MessageWindow {
  const known = new Set(window.rows.map(rowId));
  const older = page.messages.filter((row) => !known.has(rowId(row)));
  return { ...window, rows: [...older, ...window.rows], hasOlder: page.hasOlder, shift: true };
}

export function addNewer(window: MessageWindow, page: MessagePageView): MessageWindow {
  const known = new Set(window.rows.map(rowId));
  const newer = page.messages.filter((row) => !known.has(rowId(row)));
  return { ...window, rows: inOrder([...window.rows, ...newer]), hasNewer: page.hasNewer, shift: false };
}

/** New and changed messages as the engine told them. Those outside the window are left to a later page. */
export function applyChanges(
  window: MessageWindow,
  changed: readonly MessageView[],
  removed: readonly string[],
): MessageWindow {
  const gone = new Set(removed);
  const byId = new Map(changed.map((message) => [rowId(message), message]));
  let touched = false;
  const rows: MessageView[] = [];
  for (const row of window.rows) {
    const id = rowId(row);
    const next = byId.get(id);
    if (gone.has(row.key)) {
      touched = true;
      continue;
    }
    if (next) {
      touched = true;
      byId.delete(id);
    }
    rows.push(next ?? row);
  }
  const bare = isBare(window);
  const first = bare ? Number.NEGATIVE_INFINITY : (window.rows[0]?.order ?? Number.POSITIVE_INFINITY);
  const last = window.rows.at(-1)?.order ?? Number.NEGATIVE_INFINITY;
  for (const message of bare ? lastRun([...byId.values()]) : byId.values()) {
    if (gone.has(message.key)) continue;
    const inside = (message.order > first || !window.hasOlder) && (message.order < last || !window.hasNewer);
    if (!inside) continue;
    touched = true;
    rows.push(message);
  }
  return touched ? { ...window, rows: inOrder(rows), shift: false } : window;
}

/**
 * At the end of a conversation of which no stored message was here when the page was read: a page that is not full holds
 * all that is here. Whatever is told then is new, and the window begins with it.
 */
function isBare({ rows, hasOlder, hasNewer }: MessageWindow): boolean {
  return hasOlder && !hasNewer && rows.length < pageSize && rows.every((row) => row.convSeq === null);
}

/** Those that are not stored yet, and of the stored ones those after the last hole. */
function lastRun(messages: readonly MessageView[]): MessageView[] {
  const rising = inOrder([...messages]);
  const from = rising.findLastIndex(
    ({ convSeq }, index) => convSeq !== null && index > 0 && rising[index - 1]!.convSeq !== convSeq - 1,
  );
  return rising.slice(Math.max(0, from));
}

/**
 * The last stored row, when what comes next does not follow it directly: messages may be missing between the two, or
 * only events that are not shown (edits, recalls, reactions take a conv_seq too).
 */
export function gapBefore(window: MessageWindow, changed: readonly MessageView[]): MessageView | null {
  if (window.hasNewer) return null;
  const lastStored = window.rows.findLast((row) => row.convSeq !== null);
  if (lastStored?.convSeq == null) return null;
  const next = changed
    .filter((row) => row.convSeq !== null && row.convSeq > (lastStored.convSeq ?? 0))
    .sort((a, b) => a.order - b.order)[0];
  return next?.convSeq != null && next.convSeq > lastStored.convSeq + 1 ? lastStored : null;
}

/**
 * `page` was read from one of the rows on, and there is more behind it: the first stored row of the window that the page
 * did not reach. Whether anything is missing before it is not known.
 */
export function beyondPage(window: MessageWindow, page: MessagePageView): MessageView | undefined {
  const last = page.messages.at(-1);
  if (!page.hasNewer || !last) return undefined;
  return window.rows.find((row) => row.convSeq !== null && row.order > last.order);
}

/** Whether the page has a row inside the window that the window lacks. */
export function misses(window: MessageWindow, page: MessagePageView): boolean {
  const first = window.rows[0]?.order ?? Number.POSITIVE_INFINITY;
  const last = window.rows.at(-1)?.order ?? Number.NEGATIVE_INFINITY;
  const known = new Set(window.rows.map(rowId));
  return page.messages.some((row) => row.order > first && row.order < last && !known.has(rowId(row)));
}

/** Forgets what comes from `order` on: it comes back as a page. */
export function cutFrom(window: MessageWindow, order: number): MessageWindow {
  return { ...window, rows: window.rows.filter((row) => row.order < order), hasNewer: true, shift: false };
}

export function needsTrim(window: MessageWindow): boolean {
  return window.rows.length > maxRows;
}

/** Forgets rows at the end that is farther from what is being read. They come back as a page. */
export function trim(window: MessageWindow, forget: 'oldest' | 'newest'): MessageWindow {
  if (!needsTrim(window)) return window;
  return forget === 'oldest'
    ? { ...window, rows: window.rows.slice(-trimTo), hasOlder: true, shift: true }
    : { ...window, rows: window.rows.slice(0, trimTo), hasNewer: true, shift: false };
}

/** Rows from old to new; equal orders keep their places. */
function inOrder(rows: MessageView[]): MessageView[] {
  for (let index = 1; index < rows.length; index++) {
    if (rows[index - 1]!.order > rows[index]!.order) return rows.sort((a, b) => a.order - b.order);
  }
  return rows;
}
