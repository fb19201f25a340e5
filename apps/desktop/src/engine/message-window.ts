import type { AccountState } from './account-state.ts';
import { OUTBOX_ORDER } from './message-views.ts';
import type { ConversationRow, OutboxRow, Store, StoredMessage } from './store.ts';

/** Where a page stands, once dates and the first unread message have become places. */
export type Place =
  | { readonly at: 'before'; readonly order: number }
  | { readonly at: 'after'; readonly order: number }
  | { readonly at: 'around'; readonly order: number };

export interface Picked {
  readonly stored: readonly StoredMessage[];
  readonly unsent: readonly OutboxRow[];
}

/** What is here of a page: shown messages only, stored ones by conv_seq and then mine that are not stored yet. */
export class MessageWindow {
  readonly #state: AccountState;
  readonly #store: Store;

  constructor(state: AccountState, store: Store) {
    this.#state = state;
    this.#store = store;
  }

  pick(row: ConversationRow, place: Place, limit: number): Promise<Picked> {
    switch (place.at) {
      case 'before':
        return this.#before(row, place.order, limit);
      case 'after':
        return this.#after(row, place.order, limit);
      case 'around':
        return this.#around(row, Math.floor(place.order), limit);
    }
  }

  /** Conv_seqs that have to be complete for the page to be. The nearer side first. */
  async spans(
    row: ConversationRow,
    place: Place,
    limit: number,
  ): Promise<Array<{ from: number; to: number; oldestFirst: boolean }>> {
    if (place.at === 'before') return [await this.#spanBefore(row, place.order, limit)];
    if (place.at === 'after') return [await this.#spanAfter(row, place.order, limit)];
    const order = Math.floor(place.order);
    const later = await this.#after(row, order - 1, limit);
    const before = Math.max(Math.floor(limit / 3), limit - later.stored.length - later.unsent.length);
    return [await this.#spanAfter(row, order - 1, limit), await this.#spanBefore(row, order, before)];
  }

  unsentOf(row: ConversationRow): OutboxRow[] {
    return this.#state.outboxOf(row.conversationId).filter(({ content }) => content.type === 'text');
  }

  /** At most `limit`, from the end that is named. */
  stored(
    row: ConversationRow,
    from: number,
    to: number,
    limit: number,
    newestFirst: boolean,
  ): Promise<StoredMessage[]> {
    return this.#store.messages(this.#state.generation, {
      conversationId: row.conversationId,
      fromSeq: Math.max(from, row.joinSeq),
      toSeq: Math.min(to, OUTBOX_ORDER - 1),
      limit,
      newestFirst,
      shownOnly: true,
    });
  }

  async #before(row: ConversationRow, order: number, limit: number): Promise<Picked> {
    const older = this.unsentOf(row).filter((mine) => OUTBOX_ORDER + mine.number < order);
    const unsent = older.slice(Math.max(0, older.length - limit));
    const left = limit - unsent.length;
    const stored = left > 0 ? await this.stored(row, row.joinSeq, Math.ceil(order) - 1, left, true) : [];
    return { stored, unsent };
  }

  async #after(row: ConversationRow, order: number, limit: number): Promise<Picked> {
    const stored =
      order >= OUTBOX_ORDER ? [] : await this.stored(row, Math.floor(order) + 1, OUTBOX_ORDER - 1, limit, false);
    const left = limit - stored.length;
    const later = this.unsentOf(row).filter((mine) => OUTBOX_ORDER + mine.number > order);
    return { stored, unsent: later.slice(0, Math.max(0, left)) };
  }

  /** A third of the window before the place, the rest from it on; what one side lacks the other gets. */
  async #around(row: ConversationRow, order: number, limit: number): Promise<Picked> {
    const later = await this.#after(row, order - 1, limit);
    const laterCount = later.stored.length + later.unsent.length;
    const beforeCount = Math.max(Math.floor(limit / 3), limit - laterCount);
    const earlier = await this.#before(row, order, beforeCount);
    const room = limit - earlier.stored.length - earlier.unsent.length;
    const stored = [...earlier.stored, ...later.stored.slice(0, room)];
    const unsent = [...earlier.unsent, ...later.unsent.slice(0, Math.max(0, room - later.stored.length))];
    return { stored, unsent };
  }

  async #spanBefore(row: ConversationRow, order: number, limit: number) {
    const to = Math.min(row.headSeq, Math.ceil(order) - 1);
    const found = limit > 0 ? await this.stored(row, row.joinSeq, to, limit, true) : [];
    const from = limit <= 0 ? to + 1 : found.length >= limit ? found[0]!.convSeq : row.joinSeq;
    return { from, to, oldestFirst: false };
  }

  async #spanAfter(row: ConversationRow, order: number, limit: number) {
    const from = Math.max(row.joinSeq, Math.floor(order) + 1);
    const found = await this.stored(row, from, row.headSeq, limit, false);
    const to = found.length >= limit ? found.at(-1)!.convSeq : row.headSeq;
    return { from, to, oldestFirst: true };
  }
}
