import { createStore, type StoreApi } from 'zustand/vanilla';
import type { PresenceView } from '../../bridge/contract.ts';

/** What passes: who types where, who is online. Nothing of it is stored anywhere. */
export interface LiveState {
  /** Conversation → names. Conversations where nobody types are not in it. */
  readonly typing: ReadonlyMap<string, readonly string[]>;
  /** User → what is known. */
  readonly presence: ReadonlyMap<string, PresenceView>;
  /** Conversation → how often somebody read on there: read counts from before the last time are out of date. */
  readonly readersMoved: ReadonlyMap<string, number>;
}

export type LiveStore = StoreApi<LiveState>;

export function createLiveStore(): LiveStore {
  return createStore<LiveState>(() => ({ typing: new Map(), presence: new Map(), readersMoved: new Map() }));
}

export function applyTyping(store: LiveStore, conversationId: string, names: readonly string[]): void {
  store.setState(({ typing }) => {
    const next = new Map(typing);
    if (names.length === 0) next.delete(conversationId);
    else next.set(conversationId, names);
    return { typing: next };
  });
}

export function applyPresence(store: LiveStore, changed: readonly PresenceView[]): void {
  if (changed.length === 0) return;
  store.setState(({ presence }) => {
    const next = new Map(presence);
    for (const one of changed) next.set(one.userId, one);
    return { presence: next };
  });
}

export function noteReaders(store: LiveStore, conversationId: string): void {
  store.setState(({ readersMoved }) => ({
    readersMoved: new Map(readersMoved).set(conversationId, (readersMoved.get(conversationId) ?? 0) + 1),
  }));
}

export function forgetLive(store: LiveStore): void {
  store.setState({ typing: new Map(), presence: new Map(), readersMoved: new Map() });
}
