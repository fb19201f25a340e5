import { FastimError, MAX_DRAFT } from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import { countNoRead } from './apply-messages.ts';
import type { ConversationSettingsParams } from './client-api.ts';
import type { CursorSender } from './cursor-sender.ts';
import { isDraftUntouched, settingsOf, withSettings } from './row-settings.ts';
import type { ServerClock } from './server-clock.ts';
import { type SettingsSender, settingsPatch } from './settings-sender.ts';
import type { ConversationRow, Store } from './store.ts';
import type { PositionView } from './views.ts';

/**
 * My own place in conversations: what I have read, how I have set them, what I have begun to write. Stored here first,
 * marked as to be told; the server and my other devices hear of it when they can be reached.
 */
export class Reading {
  readonly #state: AccountState;
  readonly #store: Store;
  readonly #cursors: CursorSender;
  readonly #settings: SettingsSender;
  readonly #serverClock: ServerClock;

  constructor(parts: {
    state: AccountState;
    store: Store;
    cursors: CursorSender;
    settings: SettingsSender;
    serverClock: ServerClock;
  }) {
    this.#state = parts.state;
    this.#store = parts.store;
    this.#cursors = parts.cursors;
    this.#settings = parts.settings;
    this.#serverClock = parts.serverClock;
  }

  /** Also takes away that it was marked as unread. */
  async markRead(conversationId: string, convSeq: number): Promise<void> {
    const row = this.row(conversationId);
    const isMarked = settingsOf(row).markedUnread;
    if (convSeq <= row.readSeq && !isMarked) return;
    const countNo = convSeq > row.readSeq ? await this.#countNoAt(row, convSeq) : 0;
    const after = await this.#state.change((edit) => {
      const now = edit.conversation(conversationId);
      if (!now) return undefined;
      const readSeq = Math.max(now.readSeq, Math.min(convSeq, now.headSeq));
      const unmarked = withSettings(now, { markedUnread: false });
      if (readSeq === now.readSeq && unmarked === now) return undefined;
      const base = readSeq > now.readSeq ? countNo : 0;
      const read = { ...unmarked, readSeq, unreadBaseCountNo: Math.max(now.unreadBaseCountNo, base) };
      edit.put(read);
      return read;
    });
    if (!after) return;
    // Before the cursor, so that other devices hear of it as a change of settings.
    if (isMarked) this.#settings.changed(after);
    this.#cursors.changed(after);
  }

  async setSettings(conversationId: string, patch: ConversationSettingsParams): Promise<ConversationRow> {
    const after = await this.#state.change((edit) => {
      const row = edit.conversation(conversationId);
      if (!row) throw new FastimError('NOT_FOUND', 'no such conversation');
      const changed = withSettings(row, settingsPatch(row, patch, this.#serverClock.now()));
      if (changed !== row) {
        edit.put(changed);
        edit.durable = true;
      }
      return changed;
    });
    this.#settings.changed(after);
    return after;
  }

  async setDraft(conversationId: string, text: string): Promise<void> {
    const after = await this.#patch(conversationId, (row) => {
      if (row.draft === text) return row;
      const written = { ...row, draft: text };
      // A longer one stays on this device.
      return text.length > MAX_DRAFT ? written : withSettings(written, { draft: text });
    });
    if (after) this.#settings.changed(after, true);
  }

  async setPosition(conversationId: string, position: PositionView): Promise<void> {
    await this.#patch(conversationId, (row) => ({ ...row, position }));
  }

  /** The conversation on the screen is another one now: a draft from elsewhere may come into the one that is left. */
  async setOpen(conversationId: string | null): Promise<void> {
    if (conversationId !== null) this.row(conversationId);
    await this.#state.change((edit) => {
      const before = edit.openConversationId;
      if (before === conversationId) return;
      edit.setAccount({ openConversationId: conversationId });
      const left = before === null ? undefined : edit.conversation(before);
      if (left && isDraftUntouched(left) && left.draft !== left.settings.draft) {
        edit.put({ ...left, draft: left.settings.draft });
      }
    });
  }

  row(conversationId: string): ConversationRow {
    const row = this.#state.conversation(conversationId);
    if (!row) throw new FastimError('NOT_FOUND', 'no such conversation');
    return row;
  }

  async #patch(
    conversationId: string,
    change: (row: ConversationRow) => ConversationRow,
  ): Promise<ConversationRow | undefined> {
    return this.#state.change((edit) => {
      const row = edit.conversation(conversationId);
      if (!row) throw new FastimError('NOT_FOUND', 'no such conversation');
      const after = change(row);
      if (after === row) return undefined;
      edit.put(after);
      return after;
    });
  }

  /** count_no at a conv_seq, as far as the messages that are stored here tell it; those that come later tell the rest. */
  async #countNoAt(row: ConversationRow, convSeq: number): Promise<number> {
    if (convSeq >= row.headSeq) return row.headCountNo;
    const found = await this.#store.messages(this.#state.generation, {
      conversationId: row.conversationId,
      fromSeq: 1,
      toSeq: convSeq + 1,
      limit: 2,
      newestFirst: true,
    });
    return Math.max(0, ...found.map((message) => countNoRead(message, convSeq)));
  }
}
