import type { Clock, Random, SeqRange } from '@fastim/core';
import type { Head } from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import { asFastimError } from './errors.ts';
import type { EngineLimits } from './limits.ts';
import type { Logger } from './ports.ts';

interface Wanted {
  head: number;
  /** When to pull. */
  at: number;
  /** When it was noted: a clock that stands before that was set back. */
  since: number;
}

/**
 * Groups say only that there is something new. Heads that come close together become one pull, which starts a little
 * later on each device, so that not everybody asks at the same moment; the conversation on the screen does not wait, and
 * one where much happens is pulled twice a second. A few pulls run at a time.
 */
export class Heads {
  readonly #state: AccountState;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #limits: EngineLimits;
  readonly #pullGap: (conversationId: string, gap: SeqRange) => Promise<void>;
  readonly #ask: (conversationIds: readonly string[]) => void;
  readonly #behind: (conversationId: string, head: number) => void;
  readonly #wanted = new Map<string, Wanted>();
  readonly #pulledAt = new Map<string, number>();
  #running = 0;
  #online = false;
  #cancelTimer: (() => void) | undefined;

  constructor(parts: {
    state: AccountState;
    clock: Clock;
    random: Random;
    logger: Logger;
    limits: EngineLimits;
    pullGap: (conversationId: string, gap: SeqRange) => Promise<void>;
    /** What is this conversation, or am I (not) a member any more? */
    ask: (conversationIds: readonly string[]) => void;
    /** A pull failed: try again later. */
    behind: (conversationId: string, head: number) => void;
  }) {
    this.#state = parts.state;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#logger = parts.logger;
    this.#limits = parts.limits;
    this.#pullGap = parts.pullGap;
    this.#ask = parts.ask;
    this.#behind = parts.behind;
  }

  connected(): void {
    this.#online = true;
    this.#schedule();
  }

  /** What is wanted comes with the next sync. */
  disconnected(): void {
    this.#online = false;
    this.#wanted.clear();
    this.#pulledAt.clear();
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  pushed(heads: readonly Head[]): void {
    const now = this.#clock.now();
    const unknown: string[] = [];
    for (const { conversationId, headSeq } of heads) {
      const id = conversationId.toString();
      const row = this.#state.conversation(id);
      // 0: not a message, something else of the conversation has changed (a request to join waits).
      if (!row || headSeq === 0 || (row.leaveSeq > 0 && headSeq > row.leaveSeq)) unknown.push(id);
      else if (headSeq > row.tailSeq) this.#want(id, headSeq, now);
    }
    if (unknown.length > 0) this.#ask(unknown);
    this.#schedule();
  }

  #want(conversationId: string, head: number, now: number): void {
    const before = this.#wanted.get(conversationId);
    if (before) {
      before.head = Math.max(before.head, head);
      return;
    }
    const { headWaitMs, headJitterMs, headIntervalMs } = this.#limits;
    const isOpen = this.#state.account.openConversationId === conversationId;
    let at = isOpen ? now : now + headWaitMs + Math.floor(this.#random.fraction() * headJitterMs);
    const pulledAt = this.#pulledAt.get(conversationId);
    if (!isOpen && pulledAt !== undefined && pulledAt <= now) at = Math.max(at, pulledAt + headIntervalMs);
    this.#wanted.set(conversationId, { head, at, since: now });
  }

  #schedule(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (!this.#online || this.#running >= this.#limits.concurrentPulls) return;
    const now = this.#clock.now();
    let next: number | undefined;
    for (const [id, wanted] of this.#wanted) {
      const wait = now < wanted.since ? 0 : Math.max(0, wanted.at - now);
      if (wait === 0) {
        this.#wanted.delete(id);
        void this.#pull(id, wanted.head);
        if (this.#running >= this.#limits.concurrentPulls) return;
      } else if (next === undefined || wait < next) {
        next = wait;
      }
    }
    if (next === undefined) return;
    this.#cancelTimer = this.#clock.setTimer(next, () => {
      this.#cancelTimer = undefined;
      this.#schedule();
    });
  }

  async #pull(conversationId: string, head: number): Promise<void> {
    const row = this.#state.conversation(conversationId);
    if (!row || row.tailSeq >= head) return;
    this.#running += 1;
    try {
      await this.#pullGap(conversationId, { from: row.tailSeq + 1, to: head });
    } catch (error) {
      const { reason } = asFastimError(error);
      this.#logger.debug({ conversationId, reason }, 'a head was not pulled');
      if (reason === 'NOT_A_MEMBER' || reason === 'NOT_FOUND') this.#ask([conversationId]);
      else this.#behind(conversationId, head);
    } finally {
      this.#running -= 1;
      if (this.#online) this.#pulledAt.set(conversationId, this.#clock.now());
    }
    this.#schedule();
  }
}
