/** What can be done with stored messages. A refusal is said under the list; nothing was changed then. */
import type { MessageView } from '../../bridge/contract.ts';
import { failureOf } from '../i18n/error-words.ts';
import type { Ui } from './ui.ts';
import { endSelection, say } from './work-store.ts';

async function attempt(ui: Ui, conversationId: string, call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    say(ui.work, conversationId, { kind: 'failed', reason: failureOf(error).reason });
    return false;
  }
}

export function react(ui: Ui, message: MessageView, emoji: string, on: boolean): Promise<boolean> {
  const { conversationId, convSeq } = message;
  if (convSeq === null) return Promise.resolve(false);
  return attempt(ui, conversationId, ui.link.call('messages.react', { conversationId, convSeq, emoji, on }));
}

/** Chosen from a picker: what I had there already is taken back. */
export function toggleReaction(ui: Ui, message: MessageView, emoji: string): Promise<boolean> {
  const mine = message.reactions.some((one) => one.emoji === emoji && one.mine);
  return react(ui, message, emoji, !mine);
}

export function recall(ui: Ui, message: MessageView): Promise<boolean> {
  const { conversationId, convSeq } = message;
  if (convSeq === null) return Promise.resolve(false);
  return attempt(ui, conversationId, ui.link.call('messages.recall', { conversationId, convSeq }));
}

export async function deleteForMe(ui: Ui, conversationId: string, convSeqs: readonly number[]): Promise<boolean> {
  if (convSeqs.length === 0) return false;
  const done = await attempt(
    ui,
    conversationId,
    ui.link.call('messages.deleteForMe', { conversationId, convSeqs: [...convSeqs] }),
  );
  if (done) endSelection(ui.work);
  return done;
}

export async function forward(
  ui: Ui,
  conversationId: string,
  convSeqs: readonly number[],
  to: readonly string[],
): Promise<boolean> {
  const done = await attempt(
    ui,
    conversationId,
    ui.link.call('messages.forward', { conversationId, convSeqs: [...convSeqs], to: [...to] }),
  );
  if (done) {
    endSelection(ui.work);
    say(ui.work, conversationId, { kind: 'forwarded', count: to.length });
  }
  return done;
}

/** My newest message of the window that can still be changed: what ↑ in an empty composer opens. */
export function lastEditable(ui: Ui, conversationId: string): MessageView | undefined {
  const window = ui.messages.getState().open.get(conversationId)?.window;
  if (!window || window.hasNewer) return undefined;
  const now = ui.surroundings.now();
  return window.rows.findLast((row) => row.mine && row.convSeq !== null && row.editableUntilMs > now);
}
