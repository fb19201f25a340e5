import { backoffDelay, type Clock, type Random } from '@fastim/core';
import {
  Command,
  type CursorMove,
  cursorRequest,
  cursorResponse,
  type FastimError,
  MAX_REPEATED,
  type RefusedMove,
} from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import type { ConnectionLink } from './connection-link.ts';
import { asFastimError, describe } from './errors.ts';
import type { EngineLimits } from './limits.ts';
import type { Logger } from './ports.ts';
import type { ConversationRow } from './store.ts';

/**
 * Tells the server what is stored here and what was read: delayed a little, so that many moves travel in one request,
 * and one request at a time. In groups only what was read: nobody asks whether a group message was delivered to
 * somebody. A move that the server refuses is not told again before the cursor rises. What the server has not answered is told again, after a reconnect or a restart too; cursors
 * only rise, so a repeat does no harm.
 */
export class CursorSender {
  readonly #state: AccountState;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #limits: EngineLimits;
  readonly #refused: (conversationIds: readonly string[]) => void;
  readonly #dirty = new Set<string>();
  /** To be told even if the server should know: it asked again, so our last word may have been lost. */
  readonly #again = new Set<string>();
  #link: ConnectionLink | undefined;
  #cancelTimer: (() => void) | undefined;
  #sending = false;
  #failures = 0;

  constructor(parts: {
    state: AccountState;
    clock: Clock;
    random: Random;
    logger: Logger;
    limits: EngineLimits;
    /** The server has no such place, or I am not in there: what it knows of these is not what is known here. */
    refused: (conversationIds: readonly string[]) => void;
  }) {
    this.#state = parts.state;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#logger = parts.logger;
    this.#limits = parts.limits;
    this.#refused = parts.refused;
    for (const row of this.#state.conversations()) if (isDirty(row)) this.#dirty.add(row.conversationId);
  }

  connected(link: ConnectionLink): void {
    this.#link = link;
    this.#failures = 0;
    this.#sending = false;
    this.#schedule();
  }

  disconnected(): void {
    this.#link = undefined;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** The row may have a cursor to tell. */
  changed(row: ConversationRow): void {
    if (!isDirty(row)) return;
    this.#dirty.add(row.conversationId);
    this.#schedule();
  }

  /** The server pushed what was stored here already: it does not know how far we are. */
  tellAgain(conversationId: string): void {
    if (this.#state.conversation(conversationId)?.kind === 'group') return;
    this.#dirty.add(conversationId);
    this.#again.add(conversationId);
    this.#schedule();
  }

  #schedule(delayMs = this.#limits.cursorDelayMs): void {
    if (!this.#link || this.#sending || this.#cancelTimer || this.#dirty.size === 0) return;
    this.#cancelTimer = this.#clock.setTimer(delayMs, () => {
      this.#cancelTimer = undefined;
      this.#send().catch((error: unknown) => this.#logger.warn(describe(error), 'cursors were not noted'));
    });
  }

  async #send(): Promise<void> {
    const link = this.#link;
    if (!link) return;
    const moves: CursorMove[] = [];
    for (const id of this.#dirty) {
      if (moves.length >= MAX_REPEATED) break;
      this.#dirty.delete(id);
      const row = this.#state.conversation(id);
      if (row && (isDirty(row) || this.#again.has(id))) moves.push(move(row, this.#again.has(id)));
      this.#again.delete(id);
    }
    if (moves.length === 0) return;
    this.#sending = true;
    let refused: readonly RefusedMove[];
    try {
      const { requestTimeoutMs } = this.#limits;
      ({ refused } = await link.request(Command.cursor, cursorRequest, { moves }, cursorResponse, requestTimeoutMs));
    } catch (error) {
      for (const { conversationId } of moves) this.#dirty.add(conversationId.toString());
      if (link === this.#link) this.#retry(asFastimError(error));
      return;
    }
    if (link === this.#link) {
      this.#sending = false;
      this.#failures = 0;
    }
    await this.#state.change((edit) => {
      for (const { conversationId, deliveredSeq, readSeq } of moves) {
        const row = edit.conversation(conversationId.toString());
        if (!row || (deliveredSeq <= row.deliveredAckedSeq && readSeq <= row.readAckedSeq)) continue;
        edit.put({
          ...row,
          deliveredAckedSeq: Math.max(row.deliveredAckedSeq, deliveredSeq),
          readAckedSeq: Math.max(row.readAckedSeq, readSeq),
        });
      }
    });
    if (refused.length > 0) this.#refused(refused.map(({ conversationId }) => conversationId.toString()));
    this.#schedule();
  }

  #retry(error: FastimError): void {
    this.#sending = false;
    const backoff = backoffDelay(this.#limits.sendRetry, this.#failures, this.#random.fraction());
    this.#failures += 1;
    this.#logger.debug({ reason: error.reason }, 'cursors were not taken');
    this.#schedule(Math.max(error.retryAfterMs, backoff));
  }
}

function isDirty(row: ConversationRow): boolean {
  const isUndelivered = row.kind === 'direct' && row.deliveredSeq > row.deliveredAckedSeq;
  return isUndelivered || row.readSeq > row.readAckedSeq;
}

function move(row: ConversationRow, again: boolean): CursorMove {
  return {
    conversationId: BigInt(row.conversationId),
    deliveredSeq: row.kind === 'direct' && (again || row.deliveredSeq > row.deliveredAckedSeq) ? row.deliveredSeq : 0,
    readSeq: row.readSeq > row.readAckedSeq ? row.readSeq : 0,
  };
}
