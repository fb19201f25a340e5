import type { Clock } from '@fastim/core';
import { FastimError, MAX_HISTORY_PAGE } from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import type { PageAnchor } from './client-api.ts';
import { unreadOf } from './conversation-views.ts';
import { describe } from './errors.ts';
import type { History } from './history.ts';
import type { EngineLimits } from './limits.ts';
import type { MessageDates } from './message-dates.ts';
import { OUTBOX_ORDER } from './message-views.ts';
import { MessageWindow, type Picked, type Place } from './message-window.ts';
import type { Logger } from './ports.ts';
import { missing } from './ranges.ts';
import type { ConversationRow, Store } from './store.ts';
import type { Viewer } from './viewer.ts';
import type { MessagePageView } from './views.ts';

/** Pulls for one page: it may have to go over many events to fill it. */
const MAX_PULLS = 20;

/**
 * Windows of a conversation for whoever shows it: pages of shown messages, so events and what is deleted for me do not
 * count.
 *
 * What is missing of the window is pulled first when online, for `pagePatienceMs` at most; after that, or offline, the
 * answer is what is here, over holes if need be. So it never waits for the network longer than that. Only a page before
 * or after some place of which nothing at all is here rejects, with UNAVAILABLE.
 */
export class MessagesPage {
  readonly #state: AccountState;
  readonly #store: Store;
  readonly #window: MessageWindow;
  readonly #history: History;
  readonly #dates: MessageDates;
  readonly #viewer: Viewer;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #limits: EngineLimits;

  constructor(parts: {
    state: AccountState;
    store: Store;
    history: History;
    dates: MessageDates;
    viewer: Viewer;
    clock: Clock;
    logger: Logger;
    limits: EngineLimits;
  }) {
    this.#state = parts.state;
    this.#store = parts.store;
    this.#window = new MessageWindow(parts.state, parts.store);
    this.#history = parts.history;
    this.#dates = parts.dates;
    this.#viewer = parts.viewer;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#limits = parts.limits;
  }

  async read(conversationId: string, anchor: PageAnchor, limit: number): Promise<MessagePageView> {
    this.#row(conversationId);
    let cancel: () => void = () => undefined;
    const patience = new Promise<'over'>((resolve) => {
      cancel = this.#clock.setTimer(this.#limits.pagePatienceMs, () => resolve('over'));
    });
    try {
      const place = await this.#place(conversationId, anchor, limit, patience);
      await this.#complete(conversationId, place, limit, patience);
      // Between two transactions, so that no message is met twice, or not at all, on its way out of the outbox.
      return await this.#state.read(() => this.#assemble(conversationId, anchor, place, limit));
    } finally {
      cancel();
    }
  }

  async #place(conversationId: string, anchor: PageAnchor, limit: number, patience: Promise<'over'>): Promise<Place> {
    const row = this.#row(conversationId);
    switch (anchor.at) {
      case 'newest':
        return end;
      case 'date': {
        const convSeq = await this.#dates.find(row, anchor.timeMs);
        return convSeq > row.headSeq ? end : { at: 'around', order: convSeq };
      }
      case 'unread': {
        const unread = unreadOf(row);
        if (unread === 0) return end;
        // Where it stands if everything since counts; never later than that.
        const latest = Math.max(row.readSeq + 1, row.headSeq - unread + 1);
        const from = Math.max(row.readSeq + 1, latest - MAX_HISTORY_PAGE);
        const span = { from, to: latest + limit, oldestFirst: true };
        for (let pulls = 0; pulls < 3 && (await this.#pull(conversationId, span, patience)); pulls += 1);
        const first = await this.#firstUnread(this.#row(conversationId));
        return first === null ? end : { at: 'around', order: first };
      }
      default:
        return anchor;
    }
  }

  async #assemble(conversationId: string, anchor: PageAnchor, place: Place, limit: number): Promise<MessagePageView> {
    const row = this.#row(conversationId);
    const picked = await this.#window.pick(row, place, limit);
    const messages = await this.#viewer.messages(conversationId, picked.stored, picked.unsent);
    const hasOlder = await this.#hasOlder(row, place, picked);
    const hasNewer = await this.#hasNewer(row, place, picked);
    // There is more, but not here: an empty page would only be asked for again and again.
    if (messages.length === 0 && ((anchor.at === 'before' && hasOlder) || (anchor.at === 'after' && hasNewer))) {
      throw new FastimError('UNAVAILABLE', 'these messages are not on this device and cannot be pulled now');
    }
    return { conversationId, messages, hasOlder, hasNewer, firstUnreadSeq: await this.#firstUnread(row) };
  }

  async #hasOlder(row: ConversationRow, place: Place, { stored }: Picked): Promise<boolean> {
    const lowest = stored[0]?.convSeq ?? Math.ceil(place.at === 'after' ? place.order + 1 : place.order);
    const to = Math.min(lowest - 1, row.headSeq);
    if (to < row.joinSeq) return false;
    return missing(row.ranges, row.joinSeq, to).length > 0 || (await this.#isAnyShown(row, row.joinSeq, to));
  }

  async #hasNewer(row: ConversationRow, place: Place, { stored, unsent }: Picked): Promise<boolean> {
    const mine = this.#window.unsentOf(row);
    if (unsent.length > 0) return unsent.at(-1) !== mine.at(-1);
    const order = place.at === 'after' ? place.order : place.order - 1;
    const highest = stored.at(-1)?.convSeq ?? Math.floor(order);
    if (mine.some(({ number }) => OUTBOX_ORDER + number > highest)) return true;
    const from = Math.max(highest + 1, row.joinSeq);
    if (from > row.headSeq) return false;
    return missing(row.ranges, from, row.headSeq).length > 0 || (await this.#isAnyShown(row, from, row.headSeq));
  }

  async #isAnyShown(row: ConversationRow, from: number, to: number): Promise<boolean> {
    return (await this.#window.stored(row, from, to, 1, true)).length > 0;
  }

  /** The first message of others that counts as unread, as far as it is stored here. */
  async #firstUnread(row: ConversationRow): Promise<number | null> {
    if (unreadOf(row) === 0) return null;
    const found = await this.#store.messages(this.#state.generation, {
      conversationId: row.conversationId,
      fromSeq: Math.max(row.readSeq + 1, row.joinSeq),
      toSeq: row.headSeq,
      limit: 1,
      newestFirst: false,
      countNoAbove: row.unreadBaseCountNo,
      shownOnly: true,
    });
    return found[0]?.convSeq ?? null;
  }

  /** Pulls until the page has no hole, within the patience of whoever looks. */
  async #complete(conversationId: string, place: Place, limit: number, patience: Promise<'over'>): Promise<void> {
    for (let pulls = 0; pulls < MAX_PULLS && this.#history.online; pulls += 1) {
      const row = this.#row(conversationId);
      const spans = await this.#window.spans(row, place, limit);
      const open = spans.find(({ from, to }) => missing(row.ranges, from, to).length > 0);
      if (!open || !(await this.#pull(conversationId, open, patience))) return;
    }
  }

  /** One page of what is missing there. Returns whether it came. */
  async #pull(
    conversationId: string,
    { from, to, oldestFirst }: { from: number; to: number; oldestFirst: boolean },
    patience: Promise<'over'>,
  ): Promise<boolean> {
    const row = this.#row(conversationId);
    if (!this.#history.online || missing(row.ranges, from, Math.min(to, row.headSeq)).length === 0) return false;
    const pull = this.#history.pullRange(conversationId, from, to, { budget: MAX_HISTORY_PAGE, oldestFirst }).then(
      () => 'came' as const,
      (error: unknown) => {
        this.#logger.debug(describe(error), 'a page was answered from the store');
        return 'failed' as const;
      },
    );
    return (await Promise.race([pull, patience])) === 'came';
  }

  #row(conversationId: string): ConversationRow {
    const row = this.#state.conversation(conversationId);
    if (!row) throw new FastimError('NOT_FOUND', 'no such conversation');
    return row;
  }
}

const end: Place = { at: 'before', order: Number.POSITIVE_INFINITY };
