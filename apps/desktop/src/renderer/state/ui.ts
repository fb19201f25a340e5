import type { PositionView, SettingsView } from '../../bridge/contract.ts';
import type { EngineLink } from '../bridge-link/engine-link.ts';
import type { Named } from '../conversation/mentions.ts';
import { type AppStore, createAppStore } from './app-store.ts';
import { type ConversationsStore, createConversationsStore } from './conversations-store.ts';
import { createDraftKeeper, type DraftKeeper } from './draft-keeper.ts';
import { createLiveStore, type LiveStore } from './live-store.ts';
import type { Loading } from './load-messages.ts';
import { createMessagesStore, type MessagesStore } from './messages-store.ts';
import { createPresenceWatch, type PresenceWatch } from './presence-watch.ts';
import { createSendKeys, type SendKeys } from './send-keys.ts';
import { createWorkStore, type WorkStore } from './work-store.ts';

/** What the page and its surroundings give: replaced in tests and in the gallery. */
export interface Surroundings {
  now(): number;
  /** Someone is looking: the window has the focus and can be seen. */
  watched(): boolean;
  /** Runs `action` after `ms`; returns the function that calls it off. */
  schedule(action: () => void, ms: number): () => void;
}

/** Everything the screens work on. One per page; made in main.tsx and handed down by context. */
export interface Ui {
  readonly link: EngineLink;
  readonly app: AppStore;
  readonly conversations: ConversationsStore;
  readonly messages: MessagesStore;
  readonly live: LiveStore;
  readonly presence: PresenceWatch;
  readonly work: WorkStore;
  readonly drafts: DraftKeeper;
  readonly sendKeys: SendKeys;
  /** Where each conversation's list stood last. */
  readonly positions: Map<string, PositionView>;
  /** Who was chosen in each composer as somebody to mention: `@name` in its text means them. */
  readonly named: Map<string, readonly Named[]>;
  /** The mention that the @ button showed last, by conversation. */
  readonly lastMention: Map<string, number>;
  readonly loading: Loading;
  readonly surroundings: Surroundings;
}

export const defaultSettings: SettingsView = { theme: 'system', language: 'system', sendKey: 'enter' };

export function createUi(link: EngineLink, surroundings: Surroundings, settings: SettingsView = defaultSettings): Ui {
  const live = createLiveStore();
  return {
    link,
    app: createAppStore(settings),
    conversations: createConversationsStore(),
    messages: createMessagesStore(),
    live,
    presence: createPresenceWatch(link, live, surroundings.schedule),
    work: createWorkStore(),
    drafts: createDraftKeeper(link, surroundings.schedule),
    sendKeys: createSendKeys(surroundings.now),
    positions: new Map(),
    named: new Map(),
    lastMention: new Map(),
    loading: { first: new Map(), edges: new Set() },
    surroundings,
  };
}
