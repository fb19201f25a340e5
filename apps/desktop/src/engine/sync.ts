import { backoffDelay, type Clock, type Random } from '@fastim/core';
import type { ConversationState, HeartbeatResponse, SyncMark } from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import type { BackgroundFill } from './background-fill.ts';
import type { ConnectionLink } from './connection-link.ts';
import { asFastimError, describe } from './errors.ts';
import type { Inbox } from './inbox.ts';
import type { EngineLimits } from './limits.ts';
import { pullList } from './list-pull.ts';
import type { Known, LostHistory } from './lost-history.ts';
import type { Logger } from './ports.ts';
import type { States } from './states.ts';
import { isSameMark, knowsAll, markOf } from './sync-mark.ts';
import type { TailPuller } from './tail-puller.ts';

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
  readonly #states: States;
  readonly #tails: TailPuller;
  readonly #backgroundFill: BackgroundFill;
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
  /** Of the server's history, as the login told it; '': it did not. */
  #historyEpoch = '';
  #wholeListAt = Number.NEGATIVE_INFINITY;
  #cancelTimer: (() => void) | undefined;

  constructor(parts: {
    state: AccountState;
    states: States;
    tails: TailPuller;
    backgroundFill: BackgroundFill;
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
    this.#states = parts.states;
    this.#tails = parts.tails;
    this.#backgroundFill = parts.backgroundFill;
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

  connected(link: ConnectionLink, historyEpoch: bigint): void {
    this.#link = link;
    this.#historyEpoch = historyEpoch === 0n ? '' : historyEpoch.toString();
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
    this.#backgroundFill.disconnected();
    this.#setBusy(false);
  }

  mark(): SyncMark {
    return markOf(this.#state.conversations(), this.#state.account.sinceMs);
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
    this.#moved(link, answer.moved).catch((error: unknown) =>
      this.#logger.warn(describe(error), 'what moved was not pulled'),
    );
  }

  async #moved(link: ConnectionLink, states: readonly ConversationState[]): Promise<void> {
    const before = this.mark();
    await this.#states.merge(states);
    if (isSameMark(before, this.mark())) this.#repairWhole(link);
    await this.#tails.pull(states.map(({ conversationId }) => conversationId.toString()));
  }

  /** What differs is not among what the server takes for new: only the whole list can tell. */
  #repairWhole(link: ConnectionLink): void {
    const now = this.#clock.now();
    if (now >= this.#wholeListAt && now - this.#wholeListAt < this.#limits.wholeListMs) return;
    this.#wholeListAt = now;
    this.#repaired = false;
    this.#start(link);
  }

  /** Gets conversations that something named and nobody here knows. */
  askFor(conversationIds: readonly string[]): void {
    this.fetch(conversationIds).catch((error: unknown) => {
      // The next heartbeat or sync will name them again.
      this.#logger.debug(describe(error), 'unknown conversations were not fetched');
      for (const id of conversationIds) this.#inbox.notKnown(id);
    });
  }

  /** Rejects when the server cannot be asked. */
  async fetch(conversationIds: readonly string[]): Promise<void> {
    await this.#states.fetch(conversationIds);
    await this.#tails.pull(conversationIds);
  }

  /** The conversation that somebody looks at: its last page, now. */
  opened(conversationId: string): void {
    const row = this.#state.conversation(conversationId);
    if (!row || !this.#link || row.tailSeq >= row.headSeq) return;
    void this.#tails.pull([conversationId]);
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
    if (known && (await this.#hasLost(link, known))) {
      this.#logger.warn({}, 'the server was restored from a backup: comparing all conversations');
      await this.#list(link, 0, (states) => this.#lostHistory.repair(link, known, states));
    }
    if (this.#known === known) this.#known = undefined;
    const historyEpoch = this.#historyEpoch;
    if (historyEpoch !== '' && historyEpoch !== this.#state.account.historyEpoch) {
      await this.#state.change((edit) => edit.setAccount({ historyEpoch }));
    }
    const complete = await this.#list(link, this.#state.account.sinceMs);
    if (!complete && !this.#repaired) {
      this.#repaired = true;
      this.#logger.warn({}, 'the list differs from the server: fetching it as a whole');
      await this.#list(link, 0);
    }
    await this.#tails.pull(this.#first());
    this.#setBusy(false);
    void this.#backgroundFill.run(link);
  }

  /** Its epoch says so; a device that has heard none yet asks for what it knows. */
  async #hasLost(link: ConnectionLink, known: Known): Promise<boolean> {
    const before = this.#state.account.historyEpoch;
    if (before === '' || this.#historyEpoch === '') return this.#lostHistory.isLost(link, known);
    return before !== this.#historyEpoch;
  }

  /** One pass over the list. Returns whether this device now knows as much as the server said that there is. */
  async #list(
    link: ConnectionLink,
    sinceMs: number,
    beforeMerge?: (states: readonly ConversationState[]) => Promise<void>,
  ): Promise<boolean> {
    const { requestTimeoutMs } = this.#limits;
    const { sinceMs: nextSinceMs, mark } = await pullList(link, sinceMs, requestTimeoutMs, async (states, page) => {
      await beforeMerge?.(states);
      await this.#states.merge(states);
      // What people look at first must not wait for the rest of a long list.
      if (page.first && page.more) void this.#tails.pull(this.#first());
    });
    await this.#state.change((edit) => edit.setAccount({ sinceMs: nextSinceMs }));
    return knowsAll(this.mark(), mark);
  }

  /** Nothing is missing as of then, so the next sync need not look further back. Written seldom: it only saves work. */
  #noteUpToDate(serverTimeMs: number): void {
    if (this.#syncing || serverTimeMs - this.#state.account.sinceMs < SINCE_STEP_MS) return;
    this.#state
      .change((edit) => edit.setAccount({ sinceMs: Math.max(serverTimeMs, this.#state.account.sinceMs) }))
      .catch((error: unknown) => this.#logger.debug(describe(error), 'the time of the last sync was not noted'));
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

  #setBusy(busy: boolean): void {
    if (this.#busy === busy) return;
    this.#busy = busy;
    this.#busyChanged();
  }
}
