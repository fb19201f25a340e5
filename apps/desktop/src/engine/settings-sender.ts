import { backoffDelay, type Clock, type Random } from '@fastim/core';
import {
  Command,
  errorCatalogue,
  type FastimError,
  MAX_REPEATED,
  type SettingsOfConversation,
  settingsRequest,
  settingsResponse,
} from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import { asFastimError, describe } from './errors.ts';
import type { EngineLimits } from './limits.ts';
import type { LinkHolder } from './link-holder.ts';
import type { Logger } from './ports.ts';
import { isDraftUntouched, settingsOf, withoutPending, withServerSettings } from './row-settings.ts';
import type { ConversationRow, SettingsPatch } from './store.ts';

/** How long a mark as unread waits at a time for the read cursor to be told. */
const CURSOR_FIRST_MS = 100;

/**
 * My own view of conversations (mute, pin, archive, marked unread, draft, deleted for me), told to the server and to my
 * other devices. What is pending is on disk and is told again until the server takes it, over reconnects and restarts;
 * values are absolute and the last write wins, so a repeat does no harm. One request at a time; a draft waits until
 * nothing was written for a while.
 */
export class SettingsSender {
  readonly #state: AccountState;
  readonly #holder: LinkHolder;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #limits: EngineLimits;
  readonly #hiddenChanged: (row: ConversationRow) => void;
  readonly #refresh: (conversationId: string) => void;
  /** conversation → not before; in the order in which they were changed. */
  readonly #dirty = new Map<string, number>();
  #cancelTimer: (() => void) | undefined;
  #sending = false;
  #failures = 0;

  constructor(parts: {
    state: AccountState;
    holder: LinkHolder;
    clock: Clock;
    random: Random;
    logger: Logger;
    limits: EngineLimits;
    /** The server has deleted-for-me messages that are not known here. */
    hiddenChanged: (row: ConversationRow) => void;
    /** Something besides settings may have changed. */
    refresh: (conversationId: string) => void;
  }) {
    this.#state = parts.state;
    this.#holder = parts.holder;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#logger = parts.logger;
    this.#limits = parts.limits;
    this.#hiddenChanged = parts.hiddenChanged;
    this.#refresh = parts.refresh;
    for (const row of this.#state.conversations()) if (row.settingsPending) this.#dirty.set(row.conversationId, 0);
  }

  connected(): void {
    this.#failures = 0;
    this.#sending = false;
    this.#schedule();
  }

  disconnected(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** Something of the row is pending. With `isDraft` it waits for the end of the writing. */
  changed(row: ConversationRow, isDraft = false): void {
    if (!row.settingsPending) return;
    this.#dirty.set(row.conversationId, isDraft ? this.#clock.now() + this.#limits.draftDelayMs : 0);
    this.#schedule();
  }

  /** Changed on another device. */
  async pushed(settings: readonly SettingsOfConversation[]): Promise<void> {
    const seen: Array<{ before: ConversationRow; after: ConversationRow }> = [];
    await this.#state.change((edit) => {
      seen.length = 0;
      for (const { conversationId, version, settings: told } of settings) {
        const id = conversationId.toString();
        const before = edit.conversation(id);
        if (!before || version <= before.version) continue;
        const after = withServerSettings(before, version, told, edit.openConversationId === id);
        edit.put(after);
        seen.push({ before, after });
      }
    });
    for (const { before, after } of seen) {
      this.#hiddenChanged(after);
      // The version also counts what settings do not say, such as requests to join.
      const isSame = JSON.stringify(before.settings) === JSON.stringify(after.settings);
      if (isSame || after.version > before.version + 1) this.#refresh(after.conversationId);
    }
  }

  #schedule(delayMs = 0): void {
    if (!this.#holder.link || this.#sending) return;
    const now = this.#clock.now();
    let wait: number | undefined;
    for (const at of this.#dirty.values()) {
      // A clock that was set back does not hold a draft for long.
      const left = Math.min(Math.max(0, at - now), this.#limits.draftDelayMs);
      if (wait === undefined || left < wait) wait = left;
    }
    if (wait === undefined) return;
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.setTimer(Math.max(1, wait, delayMs), () => {
      this.#cancelTimer = undefined;
      this.#send().catch((error: unknown) => this.#logger.warn(describe(error), 'settings were not noted'));
    });
  }

  async #send(): Promise<void> {
    const row = this.#next();
    const { link } = this.#holder;
    const patch = row?.settingsPending;
    if (!row || !link || !patch) {
      this.#schedule();
      return;
    }
    const { conversationId } = row;
    const sent: SettingsPatch = {
      ...patch,
      ...(patch.hideSeqs && { hideSeqs: patch.hideSeqs.slice(0, MAX_REPEATED) }),
    };
    this.#sending = true;
    let after: ConversationRow | undefined;
    try {
      const answer = await this.#holder.request(
        Command.settings,
        settingsRequest,
        {
          conversationId: BigInt(conversationId),
          silentUntilMs: sent.silentUntilMs,
          pinnedMs: sent.pinnedMs,
          archived: sent.archived,
          markedUnread: sent.markedUnread,
          draft: sent.draft,
          hideSeqs: [...(sent.hideSeqs ?? [])],
        },
        settingsResponse,
      );
      after = await this.#taken(conversationId, sent, answer.version, answer.settings);
      this.#failures = 0;
    } catch (error) {
      if (link === this.#holder.link) this.#sending = false;
      await this.#failed(conversationId, sent, asFastimError(error));
      return;
    }
    if (link === this.#holder.link) this.#sending = false;
    if (after?.settingsPending && !this.#dirty.has(conversationId)) this.#dirty.set(conversationId, 0);
    if (after) this.#hiddenChanged(after);
    this.#schedule();
  }

  /** The first whose time has come; it is taken off. */
  #next(): ConversationRow | undefined {
    const now = this.#clock.now();
    for (const [id, at] of this.#dirty) {
      if (at - now > 0 && at - now <= this.#limits.draftDelayMs) continue;
      this.#dirty.delete(id);
      const row = this.#state.conversation(id);
      if (!row?.settingsPending) continue;
      // A read cursor that rises takes the mark away: it has to be there before a mark that was set after the reading.
      if (!row.settingsPending.markedUnread || row.readSeq <= row.readAckedSeq) return row;
      this.#dirty.set(id, now + CURSOR_FIRST_MS);
      return undefined;
    }
    return undefined;
  }

  #taken(
    conversationId: string,
    sent: SettingsPatch,
    version: number,
    settings: SettingsOfConversation['settings'] | undefined,
  ): Promise<ConversationRow | undefined> {
    return this.#state.change((edit) => {
      const row = edit.conversation(conversationId);
      if (!row) return undefined;
      const told = settings ? withServerSettings(row, version, settings, true) : row;
      const taken = withoutPending(told, sent);
      // The answer may bring a draft that was written on another device meanwhile.
      const isOpen = edit.openConversationId === conversationId;
      const after = isOpen || !isDraftUntouched(taken) ? taken : { ...taken, draft: taken.settings.draft };
      edit.put(after);
      return after;
    });
  }

  async #failed(conversationId: string, sent: SettingsPatch, error: FastimError): Promise<void> {
    if (errorCatalogue[error.reason].retry === 'never' && errorCatalogue[error.reason].fault === 'theirs') {
      // It will never be taken: what the server has counts.
      this.#logger.info({ conversationId, reason: error.reason }, 'settings were refused');
      await this.#state.change((edit) => {
        const row = edit.conversation(conversationId);
        if (row) edit.put(withoutPending(row, sent));
      });
      this.#schedule();
      return;
    }
    this.#dirty.set(conversationId, 0);
    const backoff = backoffDelay(this.#limits.sendRetry, this.#failures, this.#random.fraction());
    this.#failures += 1;
    this.#schedule(Math.max(error.retryAfterMs, backoff));
  }
}

/** What the user's settings become by what was asked for; times are the server's. */
export function settingsPatch(
  row: ConversationRow,
  patch: { silentUntilMs?: number; pinned?: boolean; archived?: boolean; markedUnread?: boolean },
  nowMs: number,
): SettingsPatch {
  const { silentUntilMs, pinned, archived, markedUnread } = patch;
  const seen = settingsOf(row);
  return {
    ...(silentUntilMs !== undefined && { silentUntilMs }),
    ...(pinned !== undefined && pinned !== seen.pinnedMs > 0 && { pinnedMs: pinned ? nowMs : 0 }),
    ...(archived !== undefined && { archived }),
    ...(markedUnread !== undefined && { markedUnread }),
  };
}
