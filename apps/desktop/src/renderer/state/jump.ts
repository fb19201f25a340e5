/** Ways through a conversation: to a message, to a day, to the next mention, and back. */
import { loadFirstPage, loadPlace } from './load-messages.ts';
import type { Ui } from './ui.ts';
import { lightUp, say } from './work-store.ts';

/** Pages of messages that are looked through for a mention. */
const mentionPages = 25;
const mentionPage = 200;

/** `remember`: a button leads back to where the list stands now. */
export async function jumpTo(
  ui: Ui,
  conversationId: string,
  order: number,
  options: { remember: boolean },
): Promise<void> {
  if (options.remember) rememberPlace(ui, conversationId);
  const rows = () => ui.messages.getState().open.get(conversationId)?.window.rows ?? [];
  const holds = () => rows().some((row) => row.order === order);
  if (holds()) {
    lightUp(ui.work, conversationId, order);
    return;
  }
  await loadFirstPage(ui, conversationId, { at: 'around', order }, { at: 'target', order });
  if (ui.app.getState().openConversationId !== conversationId) return;
  if (holds()) lightUp(ui.work, conversationId, order);
  else say(ui.work, conversationId, { kind: 'gone' });
}

export async function jumpToDate(ui: Ui, conversationId: string, timeMs: number): Promise<void> {
  rememberPlace(ui, conversationId);
  await loadFirstPage(ui, conversationId, { at: 'date', timeMs }, { at: 'time', timeMs });
}

/** To the first unread message that mentions me, after the one that was shown last. */
export async function jumpToMention(ui: Ui, conversationId: string): Promise<void> {
  const readSeq = ui.conversations.getState().byId.get(conversationId)?.readSeq ?? 0;
  let after = Math.max(readSeq, ui.lastMention.get(conversationId) ?? 0);
  try {
    for (let page = 0; page < mentionPages; page++) {
      const found = await ui.link.call('messages.page', {
        conversationId,
        anchor: { at: 'after', order: after },
        limit: mentionPage,
      });
      const mention = found.messages.find((row) => row.mentionsMe);
      if (mention) {
        ui.lastMention.set(conversationId, mention.order);
        await jumpTo(ui, conversationId, mention.order, { remember: false });
        return;
      }
      const last = found.messages.at(-1);
      if (!last || !found.hasNewer) break;
      after = last.order;
    }
  } catch {
    // Said below: nothing was found.
  }
  // From the start the next time.
  const hadOne = ui.lastMention.delete(conversationId);
  if (!hadOne) say(ui.work, conversationId, { kind: 'gone' });
  else await jumpToMention(ui, conversationId);
}

export async function jumpBack(ui: Ui): Promise<void> {
  const { back } = ui.work.getState();
  if (!back) return;
  ui.work.setState({ back: null });
  const { conversationId, position } = back;
  await loadPlace(ui, conversationId, position);
}

function rememberPlace(ui: Ui, conversationId: string): void {
  const position = ui.positions.get(conversationId);
  if (position && !ui.work.getState().back) ui.work.setState({ back: { conversationId, position } });
}
