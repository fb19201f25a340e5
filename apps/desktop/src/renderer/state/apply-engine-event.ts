import type { BridgeEventName, BridgeEvents, MessageView } from '../../bridge/contract.ts';
import { applyConversations, forgetConversations } from './conversations-store.ts';
import { applyPresence, applyTyping, forgetLive, noteReaders } from './live-store.ts';
import { fillGap, makeSure, rememberDuringLoad, trimAfterNews } from './load-messages.ts';
import { gapBefore, type MessageWindow } from './message-window.ts';
import { applyMessages, changeWindow, forgetWindow, keepOnly } from './messages-store.ts';
import { openConversation } from './open-conversation.ts';
import type { Ui } from './ui.ts';
import { followChanges, forgetWork } from './work-store.ts';

type Appliers = { readonly [E in BridgeEventName]: (ui: Ui, payload: BridgeEvents[E]) => void };

/** The engine's word becomes state. Each event carries whole new values: applying one twice does no harm. */
const appliers: Appliers = {
  connection(ui, connection) {
    const before = ui.app.getState().connection;
    ui.app.setState({ connection });
    if (connection.state === 'online' && before.state !== 'online') readUnsureAnew(ui);
  },

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
    if (gap) void fillGap(ui, conversationId, gap.order);
    applyMessages(ui.messages, conversationId, changed, removed);
    if (entry) markArrivals(ui, entry.window, changed);
    trimAfterNews(ui, conversationId);
    followChanges(ui.work, conversationId, changed, removed);
  },

  typing: (ui, { conversationId, names }) => applyTyping(ui.live, conversationId, names),

  presence: (ui, changed) => applyPresence(ui.live, changed),

  readers: (ui, { conversationId }) => noteReaders(ui.live, conversationId),

  show: (ui, { conversationId }) => void openConversation(ui, conversationId),
};

export function applyEngineEvent<E extends BridgeEventName>(ui: Ui, event: E, payload: BridgeEvents[E]): void {
  appliers[event](ui, payload);
}

/** What arrives while nobody looks at the open conversation: the divider stands before the first of it. */
function markArrivals(ui: Ui, before: MessageWindow, changed: readonly MessageView[]): void {
  const { conversationId, firstUnreadSeq, hasNewer } = before;
  if (hasNewer || ui.app.getState().openConversationId !== conversationId || ui.surroundings.watched()) return;
  const readSeq = ui.conversations.getState().byId.get(conversationId)?.readSeq ?? 0;
  // Those that stand behind a divider already are not read yet.
  if (firstUnreadSeq !== null && firstUnreadSeq > readSeq) return;
  const last = before.rows.findLast((row) => row.convSeq !== null)?.convSeq ?? 0;
  const first = changed.find((row) => !row.mine && row.kind === 'text' && (row.convSeq ?? 0) > Math.max(last, readSeq));
  if (first?.convSeq == null) return;
  const { convSeq } = first;
  changeWindow(ui.messages, conversationId, (window) => ({ ...window, firstUnreadSeq: convSeq, shift: false }));
}

/** Without a network a page is what is on this device, over holes if need be; now they can be filled. */
function readUnsureAnew(ui: Ui): void {
  const openNow = ui.app.getState().openConversationId;
  for (const [conversationId, { window }] of ui.messages.getState().open) {
    if (!window.unsure) continue;
    if (conversationId === openNow) void makeSure(ui, conversationId);
    else forgetWindow(ui.messages, conversationId);
  }
}

/** Nothing of one account is ever shown to the next. */
export function forgetAccount(ui: Ui): void {
  ui.drafts.forget();
  ui.positions.clear();
  keepOnly(ui.messages, null);
  forgetConversations(ui.conversations);
  forgetLive(ui.live);
  forgetWork(ui.work);
  ui.lastMention.clear();
  ui.named.clear();
  ui.app.setState({ openConversationId: null, screen: 'chats', shortcutsOpen: false, dialog: null, panelFor: null });
}
