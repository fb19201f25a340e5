import type { Clock } from '@fastim/core';
import { MAX_HISTORY_PAGE } from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import type { ConnectionLink } from './connection-link.ts';
import { asFastimError } from './errors.ts';
import type { History } from './history.ts';
import type { EngineLimits } from './limits.ts';
import type { Logger } from './ports.ts';
import { missing } from './ranges.ts';
import type { ConversationRow } from './store.ts';

/**
 * Pulls what was missed and not read yet, behind everything else: then it is here when it is looked at without a network.
 * A few conversations at a time, the newest first, and with a pause when the server asks for one.
 */
export class BackgroundFill {
  readonly #state: AccountState;
  readonly #history: History;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #limits: EngineLimits;
  /** The connection on which it runs. */
  #link: ConnectionLink | undefined;
  readonly #endPauses = new Set<() => void>();

  constructor(parts: {
    state: AccountState;
    history: History;
    clock: Clock;
    logger: Logger;
    limits: EngineLimits;
  }) {
    this.#state = parts.state;
    this.#history = parts.history;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#limits = parts.limits;
  }

  disconnected(): void {
    this.#link = undefined;
    for (const end of [...this.#endPauses]) end();
  }

  async run(link: ConnectionLink): Promise<void> {
    if (this.#link === link) return;
    this.#link = link;
    const queue = [...this.#state.conversations()]
      .filter((row) => isBehindUnread(row))
      .sort((a, b) => b.lastActivityMs - a.lastActivityMs)
      .map((row) => row.conversationId);
    const worker = async () => {
      for (let id = queue.shift(); id !== undefined && this.#link === link; id = queue.shift()) {
        await this.#fill(link, id);
      }
    };
    await Promise.all(Array.from({ length: this.#limits.concurrentFills }, worker));
    if (this.#link === link) this.#link = undefined;
  }

  async #fill(link: ConnectionLink, conversationId: string): Promise<void> {
    let left = this.#limits.backgroundFill;
    for (;;) {
      const row = this.#state.conversation(conversationId);
      if (link !== this.#link || !row || !isBehindUnread(row)) return;
      try {
        if (row.tailSeq < row.headSeq) {
          await this.#history.pullTail(conversationId);
        } else if (left > 0) {
          const budget = MAX_HISTORY_PAGE;
          await this.#history.pullRange(conversationId, row.readSeq + 1, row.headSeq, { budget });
          left -= budget;
        } else {
          return;
        }
      } catch (error) {
        const { reason, retryAfterMs } = asFastimError(error);
        this.#logger.debug({ conversationId, reason }, 'what was missed was not pulled');
        if (reason !== 'RATE_LIMITED' && reason !== 'OVERLOADED') return;
        await this.#pause(Math.max(retryAfterMs, this.#limits.sendRetry.baseMs));
      }
    }
  }

  /** Ends early when the connection does. */
  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.#endPauses.delete(end);
        resolve();
      };
      const cancel = this.#clock.setTimer(delayMs, end);
      this.#endPauses.add(end);
    });
  }
}

/** Whether something that was not read yet is not here. */
function isBehindUnread(row: ConversationRow): boolean {
  const from = Math.max(row.readSeq + 1, row.joinSeq);
  return from <= row.headSeq && (row.tailSeq < row.headSeq || missing(row.ranges, from, row.headSeq).length > 0);
}
