import { createStore, type StoreApi } from 'zustand/vanilla';
import type { MessageView } from '../../bridge/contract.ts';
import { applyChanges, type MessageWindow } from './message-window.ts';

/** Where the list stands when it appears. */
export type StartPlace =
  | { at: 'end' }
  | { at: 'unread' }
  /** `order` of the row at the top of the view, and how far it is scrolled past it. */
  | { at: 'row'; order: number; offsetPx: number }
  /** The row with this `order`, a third down the view. */
  | { at: 'target'; order: number }
  /** The first row that is not older. */
  | { at: 'time'; timeMs: number };

export interface OpenMessages {
  readonly window: MessageWindow;
  readonly start: StartPlace;
  /** Rises when the list has to place itself anew; no two windows of the page have the same. */
  readonly generation: number;
}

export interface MessagesState {
  /** Least recently used first. */
  readonly open: ReadonlyMap<string, OpenMessages>;
  /** Conversations whose first page failed: the reason. */
  readonly failed: ReadonlyMap<string, string>;
  /** Windows placed so far. */
  readonly placed: number;
}

export type MessagesStore = StoreApi<MessagesState>;

/** Conversations whose rows stay in memory. */
export const maxOpen = 5;

export function createMessagesStore(): MessagesStore {
  return createStore<MessagesState>(() => ({ open: new Map(), failed: new Map(), placed: 0 }));
}

/** Puts a window in place as the most recently used one and forgets the least recently used beyond five. */
export function placeWindow(store: MessagesStore, window: MessageWindow, start: StartPlace): void {
  store.setState(({ open, failed, placed }) => {
    const id = window.conversationId;
    const next = new Map(open);
    next.delete(id);
    next.set(id, { window, start, generation: placed + 1 });
    for (const oldest of next.keys()) {
      if (next.size <= maxOpen) break;
      next.delete(oldest);
    }
    const stillFailed = new Map(failed);
    stillFailed.delete(id);
    return { open: next, failed: stillFailed, placed: placed + 1 };
  });
}

export function changeWindow(
  store: MessagesStore,
  conversationId: string,
  change: (window: MessageWindow) => MessageWindow,
): void {
  store.setState((state) => {
    const entry = state.open.get(conversationId);
    if (!entry) return state;
    const window = change(entry.window);
    if (window === entry.window) return state;
    return { open: new Map(state.open).set(conversationId, { ...entry, window }) };
  });
}

export function failWindow(store: MessagesStore, conversationId: string, reason: string): void {
  store.setState(({ failed }) => ({ failed: new Map(failed).set(conversationId, reason) }));
}

export function applyMessages(
  store: MessagesStore,
  conversationId: string,
  changed: readonly MessageView[],
  removed: readonly string[],
): void {
  changeWindow(store, conversationId, (window) => applyChanges(window, changed, removed));
}

/** Forgets one conversation: it is read anew when it is opened. */
export function forgetWindow(store: MessagesStore, conversationId: string): void {
  store.setState((state) => {
    const open = new Map(state.open);
    return open.delete(conversationId) ? { open } : state;
  });
}

/** Forgets everything but one conversation: after the bridge was lost nothing else is known to be complete. */
export function keepOnly(store: MessagesStore, conversationId: string | null): void {
  store.setState(({ open }) => {
    const kept = conversationId === null ? undefined : open.get(conversationId);
    return { open: new Map(kept ? [[conversationId!, kept]] : []), failed: new Map() };
  });
}
