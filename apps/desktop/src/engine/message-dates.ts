import { Command, seekRequest, seekResponse } from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import { describe } from './errors.ts';
import type { LinkHolder } from './link-holder.ts';
import type { Logger } from './ports.ts';
import type { ConversationRow, Store } from './store.ts';

/**
 * The place of a date: looked up here where the messages round it are stored, else asked of the server; offline the
 * nearest place that is here. Times of a conversation nearly always rise with conv_seq, and where they do not a neighbour
 * will do.
 */
export class MessageDates {
  readonly #state: AccountState;
  readonly #store: Store;
  readonly #holder: LinkHolder;
  readonly #logger: Logger;

  constructor(parts: { state: AccountState; store: Store; holder: LinkHolder; logger: Logger }) {
    this.#state = parts.state;
    this.#store = parts.store;
    this.#holder = parts.holder;
    this.#logger = parts.logger;
  }

  /** conv_seq of the first message of that time or later; past the head when there is none. */
  async find(row: ConversationRow, timeMs: number): Promise<number> {
    let nearest: number | undefined;
    for (const { from, to } of row.ranges) {
      const [first, last] = [await this.#timeOf(row, from), await this.#timeOf(row, to)];
      if (first === undefined || last === undefined || last < timeMs) continue;
      if (first < timeMs) return this.#within(row, from, to, timeMs);
      nearest ??= from;
      if (from <= row.joinSeq) return from;
    }
    const newest = row.ranges.at(-1);
    if (nearest === undefined && newest && newest.to >= row.headSeq) return row.headSeq + 1;
    if (this.#holder.link) {
      try {
        const request = { conversationId: BigInt(row.conversationId), timeMs };
        const { convSeq } = await this.#holder.request(Command.seek, seekRequest, request, seekResponse);
        return Math.max(row.joinSeq, convSeq);
      } catch (error) {
        this.#logger.debug(describe(error), 'a date was not found by the server');
      }
    }
    return nearest ?? row.headSeq + 1;
  }

  async #within(row: ConversationRow, from: number, to: number, timeMs: number): Promise<number> {
    let [low, high] = [from, to];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const time = await this.#timeOf(row, middle);
      if (time === undefined || time < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  async #timeOf({ conversationId }: ConversationRow, convSeq: number): Promise<number | undefined> {
    const query = { conversationId, fromSeq: convSeq, toSeq: convSeq, limit: 1, newestFirst: false };
    const [found] = await this.#store.messages(this.#state.generation, query);
    return found?.serverTimeMs;
  }
}
