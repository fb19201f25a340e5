import type { BridgeEventName, BridgeEvents } from '../../bridge/contract.ts';
import { applyConversations, forgetConversations } from './conversations-store.ts';
import { fillGap, rememberDuringLoad } from './load-messages.ts';
import { gapBefore } from './message-window.ts';
import { applyMessages, keepOnly } from './messages-store.ts';
import { openConversation } from './open-conversation.ts';
import type { Ui } from './ui.ts';

type Appliers = { readonly [E in BridgeEventName]: (ui: Ui, payload: BridgeEvents[E]) => void };

/** The engine's word becomes state. Each event carries whole new values: applying one twice does no harm. */
const appliers: Appliers = {
  connection: (ui, connection) => ui.app.setState({ connection }),

  account(ui, account) {
    const before = ui.app.getState().account;
    if (account?.user.userId !== before?.user.userId) forgetAccount(ui);
    ui.app.setState({ account, ...(account ? { loggingInAgain: false } : {}) });
  },

  settings: (ui, settings) => ui.app.setState({ settings }),

  conversations: (ui, changed) => applyConversations(ui.conversations, changed),

  messages(ui, { conversationId, changed, removed }) {
    rememberDuringLoad(ui, conversationId, changed, removed);
    const entry = ui.messages.getState().open.get(conversationId);
    const gap = entry ? gapBefore(entry.window, changed) : null;
    applyMessages(ui.messages, conversationId, changed, removed);
    if (gap) void fillGap(ui, conversationId, gap.order);
  },

  show: (ui, { conversationId }) => void openConversation(ui, conversationId),
};

export function applyEngineEvent<E extends BridgeEventName>(ui: Ui, event: E, payload: BridgeEvents[E]): void {
  appliers[event](ui, payload);
}

/** Nothing of one account is ever shown to the next. */
export function forgetAccount(ui: Ui): void {
  ui.drafts.forget();
  ui.positions.clear();
  keepOnly(ui.messages, null);
  forgetConversations(ui.conversations);
  ui.app.setState({ openConversationId: null, screen: 'chats', shortcutsOpen: false });
}
