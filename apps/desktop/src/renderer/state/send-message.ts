import { isLost } from '../i18n/error-words.ts';
import { trimLater } from './load-messages.ts';
import { applyMessages } from './messages-store.ts';
import { loadNewest } from './open-conversation.ts';
import type { Ui } from './ui.ts';

/** What a message says besides its words. */
export interface MessageExtras {
  readonly mentions?: string[];
  readonly mentionAll?: boolean;
  /** conv_seq of the message that it answers. */
  readonly replyTo?: number | undefined;
}

/**
 * From the composer to the engine's outbox. Resolves when the message is on disk and in the list; rejects with nothing
 * queued, and then the text is the caller's to keep.
 */
export async function sendMessage(
  ui: Ui,
  conversationId: string,
  text: string,
  extras: MessageExtras = {},
): Promise<void> {
  ui.drafts.sent(conversationId);
  const { mentions = [], mentionAll = false, replyTo } = extras;
  const said = {
    ...(mentions.length > 0 ? { mentions } : {}),
    ...(mentionAll ? { mentionAll } : {}),
    ...(replyTo === undefined ? {} : { replyTo }),
  };
  const key = ui.sendKeys.keyFor(conversationId, text + JSON.stringify(said));
  const message = await ui.link
    .call('messages.send', { conversationId, text, key, ...said })
    .catch((error: unknown) => {
      // Whether a call that was lost was done is not known: the same message keeps its key.
      if (!isLost(error)) ui.sendKeys.answered(conversationId, key);
      throw error;
    });
  ui.sendKeys.answered(conversationId, key);
  ui.drafts.taken(conversationId);
  const entry = ui.messages.getState().open.get(conversationId);
  if (entry?.window.hasNewer) {
    await loadNewest(ui, conversationId);
    return;
  }
  // The event with the same message may have come first, with a later status: then it is in the list already.
  const known = entry?.window.rows.some((row) => row.mine && row.key === message.key);
  if (!known) applyMessages(ui.messages, conversationId, [message], []);
  trimLater(ui, conversationId, 'oldest');
}

export function retryMessage(ui: Ui, key: string): Promise<null> {
  return ui.link.call('messages.retry', { key });
}

export function discardMessage(ui: Ui, key: string): Promise<null> {
  return ui.link.call('messages.discard', { key });
}
