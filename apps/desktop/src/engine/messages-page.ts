import type { Clock } from '@fastim/core';
import { FastimError } from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import type { PageAnchor } from './client-api.ts';
import { describe } from './errors.ts';
import type { History } from './history.ts';
import type { EngineLimits } from './limits.ts';
import type { Logger } from './ports.ts';
import { missing } from './ranges.ts';
import type { ConversationRow, OutboxRow, Store, StoredMessage } from './store.ts';
import { OUTBOX_ORDER, outboxView, storedView, unreadOf } from './view-models.ts';
import type { MessagePageView } from './views.ts';

/**
 * Windows of a conversation for whoever shows it: stored messages by conv_seq, then mine that are not stored yet.
 *
 * What is missing of the window is pulled first when online, for `pagePatienceMs` at most; after that, or offline, the
 * answer is what is here, over holes if need be. So it never waits for the network longer than that. Only a page before
 * or after some place of which nothing at all is here rejects, with UNAVAILABLE.
 */
export class MessagesPage {
  readonly #state: AccountState;
  readonly #store: Store;
  readonly #history: History;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #limits: EngineLimits;

  constructor(parts: {
    state: AccountState;
    store: Store;
    history: History;
    clock: Clock;
    logger: Logger;
    limits: EngineLimits;
  }) {
    this.#state = parts.state;
    this.#store = parts.store;
    this.#history = parts.history;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#limits = parts.limits;
  }

  async read(conversationId: string, anchor: PageAnchor, limit: number): Promise<MessagePageView> {
    const row = this.#row(conversationId);
    const wanted = window(row, anchor, limit);
    await this.#have(row, wanted.from, wanted.to);
    // Between two transactions, so that no message is met twice, or not at all, on its way out of the outbox.
    return this.#state.read(() => this.#assemble(conversationId, anchor, limit));
  }

  async #assemble(conversationId: string, anchor: PageAnchor, limit: number): Promise<MessagePageView> {
    const row = this.#row(conversationId);
    const unsent = this.#state.outboxOf(conversationId);
    const firstUnreadSeq = await this.#firstUnread(row);
    const { stored, mine } = await this.#pick(row, unsent, anchor, limit, firstUnreadSeq);
    const userId = this.#state.userId;
    const messages = [
      ...stored.map((message) => storedView(message, row, userId)),
      ...mine.map((unsentRow) => outboxView(unsentRow, userId)),
    ];
    const lowest = stored[0]?.convSeq ?? (anchor.at === 'after' ? anchor.order + 1 : row.headSeq + 1);
    const atEnd =
      mine.length > 0
        ? mine.at(-1) === unsent.at(-1)
        : unsent.length === 0 && (stored.at(-1)?.convSeq ?? edge(row, anchor)) >= row.headSeq;
    const hasOlder = Math.min(lowest, edgeBefore(anchor)) > row.joinSeq && row.headSeq >= row.joinSeq;
    const hasNewer = !atEnd;
    // There is more, but not here: an empty page would only be asked for again and again.
    if (messages.length === 0 && ((anchor.at === 'before' && hasOlder) || (anchor.at === 'after' && hasNewer))) {
      throw new FastimError('UNAVAILABLE', 'these messages are not on this device and cannot be pulled now');
    }
    return { conversationId, messages, hasOlder, hasNewer, firstUnreadSeq };
  }

  async #pick(
    row: ConversationRow,
    unsent: readonly OutboxRow[],
    anchor: PageAnchor,
    limit: number,
    firstUnreadSeq: number | null,
  ): Promise<{ stored: StoredMessage[]; mine: OutboxRow[] }> {
    switch (anchor.at) {
      case 'newest':
        return this.#before(row, unsent, Number.POSITIVE_INFINITY, limit);
      case 'before':
        return this.#before(row, unsent, anchor.order, limit);
      case 'after':
        return this.#after(row, unsent, anchor.order, limit);
      case 'around':
        return this.#around(row, unsent, Math.floor(anchor.order), limit);
      case 'unread':
        return firstUnreadSeq === null
          ? this.#before(row, unsent, Number.POSITIVE_INFINITY, limit)
          : this.#around(row, unsent, firstUnreadSeq, limit);
    }
  }

  async #before(row: ConversationRow, unsent: readonly OutboxRow[], order: number, limit: number) {
    const older = unsent.filter((mine) => OUTBOX_ORDER + mine.number < order);
    const mine = older.slice(-limit);
    const left = limit - mine.length;
    const to = Math.min(Math.ceil(order) - 1, OUTBOX_ORDER - 1);
    const stored = left > 0 ? await this.#stored(row, row.joinSeq, to, left, true) : [];
    return { stored, mine };
  }

  async #after(row: ConversationRow, unsent: readonly OutboxRow[], order: number, limit: number) {
    const stored =
      order >= OUTBOX_ORDER ? [] : await this.#stored(row, Math.floor(order) + 1, OUTBOX_ORDER - 1, limit, false);
    const left = limit - stored.length;
    const mine = left > 0 ? unsent.filter((row) => OUTBOX_ORDER + row.number > order).slice(0, left) : [];
    return { stored, mine };
  }

  /** A third of the window before the place, the rest from it on; what one side lacks the other gets. */
  async #around(row: ConversationRow, unsent: readonly OutboxRow[], order: number, limit: number) {
    const later = await this.#after(row, unsent, order - 1, limit);
    const laterCount = later.stored.length + later.mine.length;
    const beforeCount = Math.max(Math.floor(limit / 3), limit - laterCount);
    const earlier = await this.#before(row, unsent, order, beforeCount);
    const room = limit - earlier.stored.length - earlier.mine.length;
    const stored = [...earlier.stored, ...later.stored.slice(0, room)];
    const mine = [...earlier.mine, ...later.mine.slice(0, Math.max(0, room - later.stored.length))];
    return { stored, mine };
  }

  #stored(row: ConversationRow, from: number, to: number, limit: number, newestFirst: boolean) {
    return this.#store.messages(this.#state.generation, {
      conversationId: row.conversationId,
      fromSeq: Math.max(from, row.joinSeq),
      toSeq: to,
      limit,
      newestFirst,
    });
  }

  /** The first message of others that counts as unread, as far as it is stored here. */
  async #firstUnread(row: ConversationRow): Promise<number | null> {
    if (unreadOf(row) === 0) return null;
    const found = await this.#store.messages(this.#state.generation, {
      conversationId: row.conversationId,
      fromSeq: row.readSeq + 1,
      toSeq: row.headSeq,
      limit: 1,
      newestFirst: false,
      countNoAbove: row.unreadBaseCountNo,
    });
    return found[0]?.convSeq ?? null;
  }

  /** Pulls what is missing of the range, within the patience of whoever looks. */
  async #have(row: ConversationRow, from: number, to: number): Promise<void> {
    if (!this.#history.online || missing(row.ranges, from, to).length === 0) return;
    let cancel: () => void = () => undefined;
    const patience = new Promise<void>((resolve) => {
      cancel = this.#clock.setTimer(this.#limits.pagePatienceMs, resolve);
    });
    const pull = this.#history
      .pullRange(row.conversationId, from, to)
      .catch((error: unknown) => this.#logger.debug(describe(error), 'a page was answered from the store'));
    await Promise.race([pull, patience]);
    cancel();
  }

  #row(conversationId: string): ConversationRow {
    const row = this.#state.conversation(conversationId);
    if (!row) throw new FastimError('NOT_FOUND', 'no such conversation');
    return row;
  }
}

/** The conv_seqs that a page may show. */
function window(row: ConversationRow, anchor: PageAnchor, limit: number): { from: number; to: number } {
  const head = row.headSeq;
  let from: number;
  let to: number;
  switch (anchor.at) {
    case 'newest':
      from = head - limit + 1;
      to = head;
      break;
    case 'before':
      to = Math.min(head, Math.ceil(anchor.order) - 1);
      from = to - limit + 1;
      break;
    case 'after':
      from = Math.floor(anchor.order) + 1;
      to = from + limit - 1;
      break;
    case 'around':
      from = Math.min(head, Math.floor(anchor.order)) - Math.ceil(limit / 2);
      to = from + limit + Math.ceil(limit / 2);
      break;
    case 'unread': {
      const unread = unreadOf(row);
      // Where the first unread message stands if everything since counts; never later than that.
      const first = unread === 0 ? head - limit + 1 : Math.max(row.readSeq + 1, head - unread + 1);
      from = first - Math.ceil(limit / 2);
      to = unread === 0 ? head : first + limit - 1;
      break;
    }
  }
  return { from: Math.max(row.joinSeq, from), to: Math.min(head, to) };
}

/** Where a page without stored messages ends. */
function edge(row: ConversationRow, anchor: PageAnchor): number {
  if (anchor.at === 'after') return Math.min(anchor.order, row.headSeq);
  if (anchor.at === 'before') return anchor.order - 1;
  return row.headSeq;
}

/** A page before some place has older ones only below that place. */
function edgeBefore(anchor: PageAnchor): number {
  return anchor.at === 'before' ? anchor.order : Number.POSITIVE_INFINITY;
}
