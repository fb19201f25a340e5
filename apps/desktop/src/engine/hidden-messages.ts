import { backoffDelay, type Clock, type Random } from '@fastim/core';
import { Command, hiddenRequest, hiddenResponse } from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import { asFastimError, describe } from './errors.ts';
import type { EngineLimits } from './limits.ts';
import type { LinkHolder } from './link-holder.ts';
import type { Logger } from './ports.ts';
import type { ConversationRow, Store } from './store.ts';

/** Keys of hidden messages are told to whoever shows them, up to so many places at a time. */
const KEYS_AT_ONCE = 1_000;

/** What was deleted for me on other devices: asked for when the server's number of it is ahead, until it answers. */
export class HiddenMessages {
  readonly #state: AccountState;
  readonly #store: Store;
  readonly #holder: LinkHolder;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #limits: EngineLimits;
  readonly #asking = new Set<string>();
  #failures = 0;

  constructor(parts: {
    state: AccountState;
    store: Store;
    holder: LinkHolder;
    clock: Clock;
    random: Random;
    logger: Logger;
    limits: EngineLimits;
  }) {
    this.#state = parts.state;
    this.#store = parts.store;
    this.#holder = parts.holder;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#logger = parts.logger;
    this.#limits = parts.limits;
  }

  /** All that are behind: after a login. */
  connected(): void {
    this.#failures = 0;
    for (const row of this.#state.conversations()) this.check(row);
  }

  check({ conversationId, settings, hiddenVersion }: ConversationRow): void {
    if (settings.hiddenVersion <= hiddenVersion || !this.#holder.link || this.#asking.has(conversationId)) return;
    this.#asking.add(conversationId);
    this.#fetch(conversationId)
      .then(
        () => {
          this.#failures = 0;
          this.#asking.delete(conversationId);
          // More was deleted since it was asked for.
          const row = this.#state.conversation(conversationId);
          if (row && row.settings.hiddenVersion > settings.hiddenVersion) this.check(row);
        },
        (error: unknown) => {
          this.#asking.delete(conversationId);
          this.#askAgain(conversationId, error);
        },
      )
      .catch((error: unknown) => this.#logger.error(describe(error), 'what was deleted for me was not told'));
  }

  /** On this connection; the next one asks by itself. */
  #askAgain(conversationId: string, error: unknown): void {
    this.#logger.debug(describe(error), 'what was deleted for me was not told');
    const { link } = this.#holder;
    if (!link) return;
    const backoff = backoffDelay(this.#limits.sendRetry, this.#failures, this.#random.fraction());
    this.#failures += 1;
    this.#clock.setTimer(Math.max(1, asFastimError(error).retryAfterMs, backoff), () => {
      const row = this.#holder.link === link ? this.#state.conversation(conversationId) : undefined;
      if (row) this.check(row);
    });
  }

  /** The newest message that is shown, for the preview: looked up where some are hidden. */
  async refreshLast(conversationId: string): Promise<void> {
    const row = this.#state.conversation(conversationId);
    if (!row) return;
    const newest = await this.#state.read(() =>
      this.#store.messages(this.#state.generation, {
        conversationId,
        fromSeq: row.joinSeq,
        toSeq: Number.MAX_SAFE_INTEGER,
        limit: 1,
        newestFirst: true,
        shownOnly: true,
      }),
    );
    await this.#state.change((edit) => {
      const now = edit.conversation(conversationId);
      // Something came meanwhile: it looks again by itself.
      if (!now || now.lastMessage?.convSeq !== row.lastMessage?.convSeq) return;
      const last = newest[0] ?? null;
      if (last?.convSeq !== now.lastMessage?.convSeq) edit.put({ ...now, lastMessage: last });
    });
  }

  async #fetch(conversationId: string): Promise<void> {
    for (;;) {
      const since = this.#state.conversation(conversationId)?.hiddenVersion ?? 0;
      const request = { conversationId: BigInt(conversationId), since };
      const answer = await this.#holder.request(Command.hidden, hiddenRequest, request, hiddenResponse);
      const { convSeqs, hiddenVersion, more } = answer;
      const keys = await this.#keysOf(conversationId, convSeqs);
      await this.#state.change((edit) => {
        const row = edit.conversation(conversationId);
        if (!row) return;
        edit.put({ ...row, hiddenVersion: Math.max(row.hiddenVersion, hiddenVersion) });
        if (convSeqs.length > 0) edit.hideMessages({ conversationId, convSeqs, keys });
      });
      const last = this.#state.conversation(conversationId)?.lastMessage;
      if (last && convSeqs.includes(last.convSeq)) await this.refreshLast(conversationId);
      if (!more || hiddenVersion <= since) return;
    }
  }

  async #keysOf(conversationId: string, convSeqs: readonly number[]): Promise<string[]> {
    const wanted = new Set(convSeqs);
    if (wanted.size === 0) return [];
    const found = await this.#store.messages(this.#state.generation, {
      conversationId,
      fromSeq: Math.min(...wanted),
      toSeq: Math.max(...wanted),
      limit: KEYS_AT_ONCE,
      newestFirst: true,
    });
    return found.filter(({ convSeq }) => wanted.has(convSeq)).map(({ key }) => key);
  }
}
