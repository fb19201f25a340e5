import type { BridgeEventName } from '../../bridge/contract.ts';
import { failureOf } from '../i18n/error-words.ts';
import { applyEngineEvent, forgetAccount } from './apply-engine-event.ts';
import { replaceConversations } from './conversations-store.ts';
import { createEventBatch } from './event-batch.ts';
import { keepOnly } from './messages-store.ts';
import { openConversation, showConversation } from './open-conversation.ts';
import type { Ui } from './ui.ts';

const eventNames: readonly BridgeEventName[] = [
  'connection',
  'account',
  'settings',
  'typing',
  'presence',
  'readers',
  'show',
];

/** Feeds the stores from the engine, from the first answer on and again after every reconnect. Returns the stop. */
export function connectUi(ui: Ui): () => void {
  const batch = createEventBatch(ui.surroundings.schedule, {
    conversations: (changed) => applyEngineEvent(ui, 'conversations', changed),
    messages: (event) => applyEngineEvent(ui, 'messages', event),
  });
  const syncing = () => ui.app.getState().connection.state === 'syncing';
  const stops = eventNames.map((name) =>
    ui.link.on(name, (payload) => {
      batch.flush();
      applyEngineEvent(ui, name, payload);
    }),
  );
  // A long absence is told in many pieces: the screen follows ten times a second and stays free for whoever uses it.
  stops.push(
    ui.link.on('conversations', (changed) => {
      batch.conversations(changed);
      if (!syncing()) batch.flush();
    }),
    ui.link.on('messages', (event) => {
      batch.messages(event);
      if (!syncing()) batch.flush();
    }),
    () => batch.forget(),
  );
  // A new account has no conversations in memory yet.
  stops.push(
    ui.app.subscribe((state, before) => {
      if (state.ready && state.account && state.account.user.userId !== before.account?.user.userId) {
        void loadConversations(ui);
      }
    }),
  );
  stops.push(
    ui.link.onState((link) => {
      ui.app.setState({ link });
      if (link.state === 'open') void readEverything(ui);
    }),
  );
  return () => {
    for (const stop of stops) stop();
  };
}

/** The bridge is new: whatever happened while it was away is read, and what could not be told is told. */
async function readEverything(ui: Ui): Promise<void> {
  const firstTime = !ui.app.getState().ready;
  try {
    const view = await ui.link.call('app.open', {});
    const { account } = ui.app.getState();
    if (account && account.user.userId !== view.account?.user.userId) forgetAccount(ui);
    ui.app.setState({
      profile: view.profile,
      account: view.account,
      connection: view.connection,
      settings: view.settings,
      suggestedServerUrl: view.suggestedServerUrl,
    });
    if (view.account) await loadConversations(ui);
    ui.app.setState({ ready: true });
    ui.drafts.flush();
    ui.presence.again();
    if (!view.account) return;
    const openNow = ui.app.getState().openConversationId;
    if (firstTime) {
      const known = ui.conversations.getState().byId;
      if (view.openConversationId && openNow === null && known.has(view.openConversationId)) {
        await openConversation(ui, view.openConversationId);
      }
      return;
    }
    // What is on the screen stays until its successor has been read.
    keepOnly(ui.messages, openNow);
    if (openNow === null) return;
    ui.link.call('conversations.setOpen', { conversationId: openNow }).catch(() => {});
    await showConversation(ui, openNow, true);
  } catch {
    // The bridge broke again; the next one reads everything anew.
  }
}

export async function loadConversations(ui: Ui): Promise<void> {
  try {
    replaceConversations(ui.conversations, await ui.link.call('conversations.list', {}));
  } catch (error) {
    ui.conversations.setState({ failed: failureOf(error).reason });
  }
}
