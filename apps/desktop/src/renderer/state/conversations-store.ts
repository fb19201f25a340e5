import { createStore, type StoreApi } from 'zustand/vanilla';
import type { ConversationView } from '../../bridge/contract.ts';

export interface ConversationsState {
  readonly byId: ReadonlyMap<string, ConversationView>;
  /** Pinned ones first, the last pinned on top; then by activity, newest first. Archived ones too. */
  readonly order: readonly string[];
  /** The first list has arrived. */
  readonly loaded: boolean;
  /** Why the first list could not be read. */
  readonly failed: string | null;
}

export type ConversationsStore = StoreApi<ConversationsState>;

export function createConversationsStore(): ConversationsStore {
  return createStore<ConversationsState>(() => ({ byId: new Map(), order: [], loaded: false, failed: null }));
}

function inOrder(byId: ReadonlyMap<string, ConversationView>): string[] {
  return [...byId.values()]
    .sort(
      (a, b) =>
        b.pinnedMs - a.pinnedMs ||
        b.lastActivityMs - a.lastActivityMs ||
        (a.conversationId < b.conversationId ? 1 : -1),
    )
    .map((conversation) => conversation.conversationId);
}

export function replaceConversations(store: ConversationsStore, list: readonly ConversationView[]): void {
  const byId = new Map(list.map((conversation) => [conversation.conversationId, conversation]));
  store.setState({ byId, order: inOrder(byId), loaded: true, failed: null });
}

export function applyConversations(store: ConversationsStore, changed: readonly ConversationView[]): void {
  store.setState(({ byId }) => {
    const next = new Map(byId);
    for (const conversation of changed) next.set(conversation.conversationId, conversation);
    return { byId: next, order: inOrder(next) };
  });
}

export function forgetConversations(store: ConversationsStore): void {
  store.setState({ byId: new Map(), order: [], loaded: false, failed: null });
}
