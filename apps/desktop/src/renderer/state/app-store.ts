import { createStore, type StoreApi } from 'zustand/vanilla';
import type { AccountView, ConnectionView, SettingsView } from '../../bridge/contract.ts';
import type { BridgeState } from '../../bridge/reconnecting-bridge.ts';

export interface AppState {
  readonly link: BridgeState;
  /** The engine has told its state at least once. */
  readonly ready: boolean;
  readonly profile: string;
  readonly account: AccountView | null;
  readonly connection: ConnectionView;
  readonly settings: SettingsView;
  readonly suggestedServerUrl: string;
  readonly openConversationId: string | null;
  readonly screen: 'chats' | 'settings';
  readonly shortcutsOpen: boolean;
  /** The dialog over the chats. */
  readonly dialog: 'new-group' | null;
  /** The group whose information was asked for; beside the conversation it goes on to the next one that is opened. */
  readonly panelFor: string | null;
  /** An invite link whose page is to be shown; it outlives logging in. */
  readonly joinLink: string | null;
  /** The session ended and the user chose to log in again; what is stored can still be read. */
  readonly loggingInAgain: boolean;
}

export type AppStore = StoreApi<AppState>;

export function createAppStore(settings: SettingsView): AppStore {
  return createStore<AppState>(() => ({
    link: { state: 'connecting' },
    ready: false,
    profile: 'default',
    account: null,
    connection: { state: 'idle' },
    settings,
    suggestedServerUrl: '',
    openConversationId: null,
    screen: 'chats',
    shortcutsOpen: false,
    dialog: null,
    panelFor: null,
    joinLink: null,
    loggingInAgain: false,
  }));
}
