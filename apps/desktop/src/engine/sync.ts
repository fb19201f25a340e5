import { backoffDelay, type Clock, type Random } from '@fastim/core';
import {
  Command,
  type ConversationState,
  conversationsRequest,
  conversationsResponse,
  type HeartbeatResponse,
  MAX_HISTORY_PAGE,
  MAX_SYNC_PAGE,
  type SyncMark,
  syncRequest,
  syncResponse,
} from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import type { ConnectionLink } from './connection-link.ts';
import { mergeState } from './conversation-rows.ts';
import { asFastimError, describe } from './errors.ts';
import type { History } from './history.ts';
import type { Inbox } from './inbox.ts';
import type { EngineLimits } from './limits.ts';
import type { Known, LostHistory } from './lost-history.ts';
import type { Logger } from './ports.ts';
import { missing } from './ranges.ts';
import type { ConversationRow } from './store.ts';
import { storedMessage } from './wire-values.ts';

/** Asked for again with each sync: what was stored while the server's clock was read must not fall between two. */
const OVERLAP_MS = 10_000;
/** A heartbeat that finds nothing new moves the time of the last sync on in steps of this size. */
const SINCE_STEP_MS = 5 * 60_000;

/**
 * Catches up with the server: after each login, and whenever a heartbeat says that something moved.
 *
 * First the question whether the server still has what is known here (LostHistory). Then the list (newest activity
 * first, page by page), the last page of the open conversation and the newest ones, and, in the background, what was
 * missed above the read cursors. Old history is pulled when somebody looks at it.
 * `sinceMs` moves only with a whole sync, so one that breaks off is done again.
 */
export class Sync {
  readonly #state: AccountState;
  readonly #history: History;
  readonly #lostHistory: LostHistory;
  readonly #inbox: Inbox;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #limits: EngineLimits;
  readonly #busyChanged: () => void;
  #link: ConnectionLink | undefined;
  #syncing: Promise<void> | undefined;
  #again = false;
  #busy = false;
  #failures = 0;
  /** The whole list was fetched because the marks differed; once a connection is enough. */
  #repaired = false;
  /** What was known before this connection, until the server has turned out to have it still. */
  #known: Known | undefined;
  /** The connection on which the background pull runs. */
  #filling: ConnectionLink | undefined;
  #endPause: (() => void) | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(parts: {
    state: AccountState;
    history: History;
    lostHistory: LostHistory;
    inbox: Inbox;
    clock: Clock;
    random: Random;
    logger: Logger;
    limits: EngineLimits;
    /** `busy` has a new value. */
    busyChanged: () => void;
  }) {
    this.#state = parts.state;
    this.#history = parts.history;
    this.#lostHistory = parts.lostHistory;
    this.#inbox = parts.inbox;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#logger = parts.logger;
    this.#limits = parts.limits;
    this.#busyChanged = parts.busyChanged;
  }

  /** Catching up after a login: the list and the last pages that come first. */
  get busy(): boolean {
    return this.#busy;
  }

  connected(link: ConnectionLink): void {
    this.#link = link;
    this.#failures = 0;
    this.#repaired = false;
    // One that no connection has answered for yet stays: what came since may follow on something that is gone.
    this.#known ??= this.#lostHistory.known();
    this.#again = false;
    this.#setBusy(true);
    this.#start(link);
  }

  disconnected(): void {
    this.#link = undefined;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#syncing = undefined;
    this.#filling = undefined;
    this.#endPause?.();
    this.#setBusy(false);
  }

  /** What this device knows of its list. */
  mark(): SyncMark {
    let conversationCount = 0;
    let headSum = 0;
    let readSum = 0;
    for (const row of this.#state.conversations()) {
      conversationCount += 1;
      headSum += row.headSeq;
      readSum += row.readAckedSeq;
    }
    return { conversationCount, headSum, readSum, sinceMs: this.#state.account.sinceMs };
  }

  heartbeat(answer: HeartbeatResponse): void {
    const link = this.#link;
    if (!link) return;
    if (answer.more) {
      this.#start(link);
      return;
    }
    if (answer.moved.length === 0) {
      this.#noteUpToDate(answer.serverTimeMs);
      return;
    }
    this.#logger.info({ conversations: answer.moved.length }, 'a heartbeat said what moved');
    this.#merge(answer.moved)
      .then(() => this.#pullTails(answer.moved.map(({ conversationId }) => conversationId.toString())))
      .catch((error: unknown) => this.#logger.warn(describe(error), 'what moved was not pulled'));
  }

  /** Gets conversations that a push named and nobody here knows. */
  askFor(conversationIds: readonly string[]): void {
    this.fetch(conversationIds).catch((error: unknown) => {
      // The next heartbeat or sync will name them again.
      this.#logger.debug(describe(error), 'unknown conversations were not fetched');
      for (const id of conversationIds) this.#inbox.notKnown(id);
    });
  }

  async fetch(conversationIds: readonly string[]): Promise<void> {
    const link = this.#link;
    if (!link) return;
    // An answer holds what fits; what is left is asked for again, until an answer brings nothing.
    let left = [...new Set(conversationIds)];
    while (left.length > 0) {
      const answer = await link.request(
        Command.conversations,
        conversationsRequest,
        { conversationIds: left.slice(0, MAX_SYNC_PAGE).map(BigInt) },
        conversationsResponse,
        this.#limits.requestTimeoutMs,
      );
      await this.#merge(answer.conversations);
      const came = new Set(answer.conversations.map(({ conversationId }) => conversationId.toString()));
      const asked = came.size === 0 ? left.slice(0, MAX_SYNC_PAGE) : [];
      for (const id of asked) this.#inbox.notKnown(id);
      left = left.filter((id) => !came.has(id) && !asked.includes(id));
    }
    await this.#pullTails(conversationIds);
  }

  /** The conversation that somebody looks at: its last page, now. */
  opened(conversationId: string): void {
    const row = this.#state.conversation(conversationId);
    if (!row || !this.#link || row.tailSeq >= row.headSeq) return;
    void this.#pullTails([conversationId]);
  }

  #start(link: ConnectionLink): void {
    if (this.#syncing) {
      this.#again = true;
      return;
    }
    const run = this.#run(link).then(
      () => {
        this.#failures = 0;
      },
      (error: unknown) => this.#retry(link, error),
    );
    this.#syncing = run;
    void run.then(() => {
      if (this.#syncing !== run) return;
      this.#syncing = undefined;
      if (this.#again && link === this.#link) {
        this.#again = false;
        this.#start(link);
      }
    });
  }

  #retry(link: ConnectionLink, error: unknown): void {
    if (link !== this.#link) return;
    const { reason, retryAfterMs } = asFastimError(error);
    const backoff = backoffDelay(this.#limits.sendRetry, this.#failures, this.#random.fraction());
    this.#failures += 1;
    this.#logger.info({ reason }, 'the sync broke off');
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.setTimer(Math.max(retryAfterMs, backoff), () => {
      this.#cancelTimer = undefined;
      if (link === this.#link) this.#start(link);
    });
  }

  async #run(link: ConnectionLink): Promise<void> {
    const known = this.#known;
    if (known && (await this.#lostHistory.isLost(link, known))) {
      this.#logger.warn({}, 'the server has lost messages that this device knows: comparing all conversations');
      await this.#list(link, 0, (states) => this.#lostHistory.repair(link, known, states));
    }
    if (this.#known === known) this.#known = undefined;
    const complete = await this.#list(link, this.#state.account.sinceMs);
    if (!complete && !this.#repaired) {
      this.#repaired = true;
      this.#logger.warn({}, 'the list differs from the server: fetching it as a whole');
      await this.#list(link, 0);
    }
    await this.#pullTails(this.#first());
    this.#setBusy(false);
    void this.#fill(link);
  }

  /** One pass over the list. Returns whether this device now knows as much as the server said that there is. */
  async #list(
    link: ConnectionLink,
    sinceMs: number,
    beforeMerge?: (states: readonly ConversationState[]) => Promise<void>,
  ): Promise<boolean> {
    let beforeActivityMs = 0;
    let beforeConversationId = 0n;
    let newSinceMs: number | undefined;
    for (let page = 0; ; page += 1) {
      const answer = await link.request(
        Command.sync,
        syncRequest,
        {
          sinceMs: Math.max(0, sinceMs - OVERLAP_MS),
          beforeActivityMs,
          beforeConversationId,
          limit: MAX_SYNC_PAGE,
        },
        syncResponse,
        this.#limits.requestTimeoutMs,
      );
      newSinceMs ??= answer.serverTimeMs;
      await beforeMerge?.(answer.conversations);
      await this.#merge(answer.conversations);
      // What people look at first must not wait for the rest of a long list.
      if (page === 0 && answer.more) void this.#pullTails(this.#first());
      const last = answer.conversations.at(-1);
      if (answer.more && last) {
        beforeActivityMs = last.lastActivityMs;
        beforeConversationId = last.conversationId;
        continue;
      }
      const since = newSinceMs;
      await this.#state.change((edit) => edit.setAccount({ sinceMs: since }));
      const mine = this.mark();
      return (
        mine.conversationCount >= answer.mark.conversationCount &&
        mine.headSum >= answer.mark.headSum &&
        mine.readSum >= answer.mark.readSum
      );
    }
  }

  /** Nothing is missing as of then, so the next sync need not look further back. Written seldom: it only saves work. */
  #noteUpToDate(serverTimeMs: number): void {
    if (this.#syncing || serverTimeMs - this.#state.account.sinceMs < SINCE_STEP_MS) return;
    this.#state
      .change((edit) => edit.setAccount({ sinceMs: Math.max(serverTimeMs, this.#state.account.sinceMs) }))
      .catch((error: unknown) => this.#logger.debug(describe(error), 'the time of the last sync was not noted'));
  }

  async #merge(states: readonly ConversationState[]): Promise<void> {
    if (states.length === 0) return;
    const rows = await this.#state.change((edit) =>
      states.map((state) => {
        const id = state.conversationId.toString();
        const row = mergeState(edit.conversation(id), state);
        edit.put(row);
        return row;
      }),
    );
    for (const [index, row] of rows.entries()) {
      const last = states[index]!.lastMessage;
      // The one message that is missing came with the list: no pull for it.
      if (last && last.convSeq === row.headSeq && row.tailSeq === last.convSeq - 1) {
        await this.#inbox.receive(row.conversationId, [storedMessage(last)], 'pull');
      }
      this.#inbox.known(row.conversationId);
    }
  }

  /** The open conversation and the newest ones. */
  #first(): string[] {
    const open = this.#state.account.openConversationId;
    const newest = [...this.#state.conversations()]
      .sort((a, b) => b.lastActivityMs - a.lastActivityMs)
      .slice(0, this.#limits.pullFirst)
      .map((row) => row.conversationId);
    return open === null ? newest : [open, ...newest.filter((id) => id !== open)];
  }

  /** Pulls the last pages of those that are behind, a few at a time, in the order given. What fails is tried again. */
  async #pullTails(conversationIds: readonly string[]): Promise<void> {
    await this.#each(conversationIds, async (id) => {
      const row = this.#state.conversation(id);
      if (!row || row.tailSeq >= row.headSeq) return;
      try {
        await this.#history.pullTail(id);
      } finally {
        this.#inbox.behind(id);
      }
    });
  }

  async #each(ids: readonly string[], work: (id: string) => Promise<void>): Promise<void> {
    const queue = [...ids];
    const worker = async () => {
      for (let id = queue.shift(); id !== undefined && this.#link; id = queue.shift()) {
        try {
          await work(id);
        } catch (error) {
          this.#logger.debug({ conversationId: id, ...describe(error) }, 'a conversation was not pulled');
        }
      }
    };
    await Promise.all(Array.from({ length: this.#limits.concurrentPulls }, worker));
  }

  /**
   * What was missed and not read yet, behind everything else and slowly, so that whoever looks at something else does not
   * wait for it: then it is here when it is looked at without a network.
   */
  async #fill(link: ConnectionLink): Promise<void> {
    if (this.#filling === link) return;
    this.#filling = link;
    const behind = [...this.#state.conversations()]
      .filter((row) => isBehindUnread(row))
      .sort((a, b) => b.lastActivityMs - a.lastActivityMs)
      .map((row) => row.conversationId);
    for (const id of behind) await this.#fillOne(link, id);
    if (this.#filling === link) this.#filling = undefined;
  }

  async #fillOne(link: ConnectionLink, conversationId: string): Promise<void> {
    let left = this.#limits.backgroundFill;
    for (;;) {
      const row = this.#state.conversation(conversationId);
      if (link !== this.#link || !row || !isBehindUnread(row)) return;
      try {
        if (row.tailSeq < row.headSeq) {
          await this.#history.pullTail(conversationId);
        } else if (left > 0) {
          await this.#history.pullRange(conversationId, row.readSeq + 1, row.headSeq, MAX_HISTORY_PAGE);
          left -= MAX_HISTORY_PAGE;
        } else {
          return;
        }
      } catch (error) {
        const { reason, retryAfterMs } = asFastimError(error);
        this.#logger.debug({ conversationId, reason }, 'what was missed was not pulled');
        if (reason !== 'RATE_LIMITED' && reason !== 'OVERLOADED') return;
        await this.#pause(Math.max(retryAfterMs, this.#limits.sendRetry.baseMs));
      }
      await this.#pause(this.#limits.fillPauseMs);
    }
  }

  /** Ends early when the connection does. */
  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.setTimer(delayMs, () => this.#endPause?.());
      this.#endPause = () => {
        this.#endPause = undefined;
        cancel();
        resolve();
      };
    });
  }

  #setBusy(busy: boolean): void {
    if (this.#busy === busy) return;
    this.#busy = busy;
    this.#busyChanged();
  }
}

/** Whether something that was not read yet is not here. */
function isBehindUnread(row: ConversationRow): boolean {
  const from = Math.max(row.readSeq + 1, row.joinSeq);
  return from <= row.headSeq && (row.tailSeq < row.headSeq || missing(row.ranges, from, row.headSeq).length > 0);
}
