import type { MessagePageView, MessageView, PageAnchor, PositionView } from '../../bridge/contract.ts';
import { failureOf } from '../i18n/error-words.ts';
import {
  addNewer,
  addOlder,
  applyChanges,
  beyondPage,
  cutFrom,
  misses,
  needsTrim,
  pageSize,
  trim,
  windowOfPage,
} from './message-window.ts';
import { changeWindow, failWindow, placeWindow, type StartPlace } from './messages-store.ts';
import type { Ui } from './ui.ts';

/** A first page on its way. */
export interface FirstLoad {
  /** Events that came meanwhile: newer than the page, applied on top of it. */
  readonly changes: { changed: readonly MessageView[]; removed: readonly string[] }[];
}

/** What is being loaded now. */
export interface Loading {
  readonly first: Map<string, FirstLoad>;
  /** `conversationId:end` of pages at an edge. */
  readonly edges: Set<string>;
}

export function rememberDuringLoad(
  ui: Ui,
  conversationId: string,
  changed: readonly MessageView[],
  removed: readonly string[],
): void {
  ui.loading.first.get(conversationId)?.changes.push({ changed, removed });
}

function page(ui: Ui, conversationId: string, anchor: PageAnchor): Promise<MessagePageView> {
  return ui.link.call('messages.page', { conversationId, anchor, limit: pageSize });
}

/** Without a connection a page is what is on this device, over holes if need be. */
function isUnsure(ui: Ui): boolean {
  const { state } = ui.app.getState().connection;
  return state !== 'online' && state !== 'syncing';
}

/**
 * Fills what a window that was read without a connection may lack. It stays as it is when nothing was missing round the
 * place that is being read.
 */
export async function makeSure(ui: Ui, conversationId: string): Promise<void> {
  const entry = ui.messages.getState().open.get(conversationId);
  if (!entry) return;
  const position = ui.positions.get(conversationId);
  const { rows } = entry.window;
  const order =
    position && !position.atEnd ? position.order : (rows.findLast((row) => row.convSeq !== null)?.order ?? 0);
  try {
    const around = await page(ui, conversationId, { at: 'around', order });
    const now = ui.messages.getState().open.get(conversationId);
    if (now?.generation !== entry.generation) return;
    if (rows.length <= pageSize && !misses(now.window, around)) {
      changeWindow(ui.messages, conversationId, (window) => ({ ...window, unsure: false }));
      return;
    }
  } catch {
    // Read anew below, where a failure is shown.
  }
  await loadPlace(ui, conversationId, position ?? null);
}

/** Reads what is round a place; null: at the end. */
export function loadPlace(ui: Ui, conversationId: string, position: PositionView | null): Promise<void> {
  const place = placeOf(position);
  const anchor = place.at === 'row' ? ({ at: 'around', order: place.order } as const) : ({ at: 'newest' } as const);
  return loadFirstPage(ui, conversationId, anchor, place);
}

export function placeOf(position: PositionView | null) {
  return position === null || position.atEnd
    ? ({ at: 'end' } as const)
    : ({ at: 'row', order: position.order, offsetPx: position.offsetPx } as const);
}

/** Replaces what is in memory of a conversation. Only the newest of several calls takes effect. */
export async function loadFirstPage(
  ui: Ui,
  conversationId: string,
  anchor: PageAnchor,
  start: StartPlace,
): Promise<void> {
  const loads = ui.loading.first;
  const load: FirstLoad = { changes: [] };
  loads.set(conversationId, load);
  try {
    const unsure = isUnsure(ui);
    let window = windowOfPage(await page(ui, conversationId, anchor), unsure);
    if (loads.get(conversationId) !== load) return;
    for (const { changed, removed } of load.changes) window = applyChanges(window, changed, removed);
    placeWindow(ui.messages, window, start.at === 'unread' && window.firstUnreadSeq === null ? { at: 'end' } : start);
  } catch (error) {
    if (loads.get(conversationId) === load) failWindow(ui.messages, conversationId, failureOf(error).reason);
  } finally {
    if (loads.get(conversationId) === load) loads.delete(conversationId);
  }
}

/** One page more at one end, while the list is near it. A failure is tried again when the list asks next. */
export async function loadMore(ui: Ui, conversationId: string, end: 'older' | 'newer'): Promise<void> {
  const running = ui.loading.edges;
  const name = `${conversationId}:${end}`;
  const entry = ui.messages.getState().open.get(conversationId);
  const edge = end === 'older' ? entry?.window.rows[0] : entry?.window.rows.at(-1);
  if (!entry || !edge || running.has(name) || !(end === 'older' ? entry.window.hasOlder : entry.window.hasNewer)) {
    return;
  }
  running.add(name);
  try {
    const unsure = isUnsure(ui);
    const more = await page(ui, conversationId, { at: end === 'older' ? 'before' : 'after', order: edge.order });
    // Meanwhile the conversation may have been opened anew, round another place.
    if (ui.messages.getState().open.get(conversationId)?.generation !== entry.generation) return;
    changeWindow(ui.messages, conversationId, (window) => ({
      ...(end === 'older' ? addOlder(window, more) : addNewer(window, more)),
      unsure: window.unsure || unsure,
    }));
    trimLater(ui, conversationId, end === 'older' ? 'newest' : 'oldest');
  } catch {
    // Nothing is lost: the list asks again when it is scrolled, or when the connection is back.
  } finally {
    running.delete(name);
  }
}

/**
 * The engine told of messages beyond some that never came: one page of those between is pulled. When more are missing
 * than that, the window stays a run without a hole: it goes to the end if somebody is there, else it ends at the hole.
 */
export async function fillGap(ui: Ui, conversationId: string, afterOrder: number): Promise<void> {
  const open = () => ui.messages.getState().open.get(conversationId);
  const entry = open();
  // As it is before the news: rows that were just added have not moved the list to its new end yet.
  const atEnd = ui.positions.get(conversationId)?.atEnd ?? entry?.start.at === 'end';
  try {
    const between = await page(ui, conversationId, { at: 'after', order: afterOrder });
    // Another window by now: what is missing in it was noticed there.
    if (open()?.generation !== entry?.generation) return;
    changeWindow(ui.messages, conversationId, (window) => addNewer(window, { ...between, hasNewer: window.hasNewer }));
    const window = open()?.window;
    const beyond = window && beyondPage(window, between);
    if (!beyond) return;
    if (atEnd) {
      await loadFirstPage(ui, conversationId, { at: 'newest' }, { at: 'end' });
    } else {
      changeWindow(ui.messages, conversationId, (window) => cutFrom(window, beyond.order));
    }
  } catch {
    // The next page or event repairs it.
  }
}

/** Messages came while the conversation stands open: the window keeps to its bound, and what is being read stays. */
export function trimAfterNews(ui: Ui, conversationId: string): void {
  const rows = ui.messages.getState().open.get(conversationId)?.window.rows ?? [];
  const position = ui.positions.get(conversationId);
  const middle = rows[Math.floor(rows.length / 2)]?.order ?? 0;
  trimLater(ui, conversationId, !position || position.atEnd || position.order >= middle ? 'oldest' : 'newest');
}

/** In a step of its own: the list must see one end move at a time. */
export function trimLater(ui: Ui, conversationId: string, forget: 'oldest' | 'newest'): void {
  const entry = ui.messages.getState().open.get(conversationId);
  if (!entry || !needsTrim(entry.window)) return;
  ui.surroundings.schedule(() => changeWindow(ui.messages, conversationId, (window) => trim(window, forget)), 0);
}
