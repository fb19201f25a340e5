import { createContext, type ReactNode, useContext } from 'react';
import { useStore } from 'zustand';
import type { ConversationView } from '../../bridge/contract.ts';
import type { AppState } from './app-store.ts';
import type { ConversationsState } from './conversations-store.ts';
import type { LiveState } from './live-store.ts';
import type { MessagesState } from './messages-store.ts';
import type { Ui } from './ui.ts';
import type { WorkState } from './work-store.ts';

const UiContext = createContext<Ui | null>(null);

export function UiProvider({ ui, children }: { ui: Ui; children: ReactNode }) {
  return <UiContext value={ui}>{children}</UiContext>;
}

export function useUi(): Ui {
  const ui = useContext(UiContext);
  if (ui === null) throw new Error('no UiProvider above');
  return ui;
}

export function useApp<T>(select: (state: AppState) => T): T {
  return useStore(useUi().app, select);
}

export function useConversations<T>(select: (state: ConversationsState) => T): T {
  return useStore(useUi().conversations, select);
}

export function useMessages<T>(select: (state: MessagesState) => T): T {
  return useStore(useUi().messages, select);
}

export function useLive<T>(select: (state: LiveState) => T): T {
  return useStore(useUi().live, select);
}

export function useWork<T>(select: (state: WorkState) => T): T {
  return useStore(useUi().work, select);
}

export function useConversation(conversationId: string): ConversationView | undefined {
  return useConversations((state) => state.byId.get(conversationId));
}
