import { Command, FastimError, historyRequest, historyResponse, MAX_HISTORY_PAGE } from '@fastim/protocol';
import { missing } from './ranges.js';
import { storedMessage } from './wire-values.js';
/**
 * Pulls of stored messages. Pulls of one conversation run one after the other and ask only for what is still missing
 * when their turn comes, so nothing is pulled twice. Each rejects with a FastimError when the server cannot answer; what
 * came until then is kept.
 */
export class History {
  #state;
  #limits;
  #receive;
  #turns = new Map();
  #link;
  constructor(parts) {
    this.#state = parts.state;
    this.#limits = parts.limits;
    this.#receive = parts.receive;
  }
  get online() {
    return this.#link !== undefined;
  }
  connected(link) {
    this.#link = link;
  }
  disconnected() {
    this.#link = undefined;
  }
  /** Everything from the tail to the head; when that is too much, the newest page, and the rest stays a hole. */
  pullTail(conversationId) {
    return this.#inTurn(conversationId, async () => {
      const row = this.#row(conversationId);
      await this.#followTo(conversationId, row.headSeq);
    });
  }
  /** A gap before pushes that wait for it. */
  pullGap(conversationId, gap) {
    return this.#inTurn(conversationId, () => this.#followTo(conversationId, gap.to));
  }
  /** What is missing of from..to; at most `budget` messages, the newest of them unless it begins with the oldest. */
  pullRange(conversationId, from, to, { budget = Number.POSITIVE_INFINITY, oldestFirst = false } = {}) {
    return this.#inTurn(conversationId, async () => {
      let left = budget;
      for (;;) {
        const row = this.#row(conversationId);
        const holes = missing(row.ranges, Math.max(from, row.joinSeq), Math.min(to, row.headSeq));
        const hole = holes.at(oldestFirst ? 0 : -1);
        if (!hole || left <= 0) return;
        const limit = Math.min(MAX_HISTORY_PAGE, left);
        const first = oldestFirst ? hole.from : Math.max(hole.from, hole.to - limit + 1);
        const last = oldestFirst ? Math.min(hole.to, hole.from + limit - 1) : hole.to;
        left -= await this.#page(conversationId, first, last, !oldestFirst, 'pull');
      }
    });
  }
  async #followTo(conversationId, head) {
    for (;;) {
      const row = this.#row(conversationId);
      const target = row.leaveSeq > 0 ? row.leaveSeq : Math.max(head, row.headSeq);
      if (row.tailSeq >= target) return;
      // Where nothing is here yet, the newest page is what somebody looks at first; the rest comes behind it.
      const most = row.ranges.length === 0 ? this.#limits.lastPage : this.#limits.gapMax;
      if (target - row.tailSeq > most) {
        const from = Math.max(row.joinSeq, target - this.#limits.lastPage + 1);
        await this.#page(conversationId, from, target, true, 'tail');
      } else {
        await this.#page(conversationId, row.tailSeq + 1, target, false, 'pull');
      }
      if (this.#row(conversationId).tailSeq <= row.tailSeq)
        throw new FastimError('INTERNAL', 'the pull brought no progress');
    }
  }
  /** One request; returns how many messages came. Rejects when none did, so that no caller asks for ever. */
  async #page(conversationId, fromSeq, toSeq, newestFirst, arrival) {
    const link = this.#link;
    if (!link) throw new FastimError('UNAVAILABLE', 'offline');
    const limit = Math.min(MAX_HISTORY_PAGE, toSeq - fromSeq + 1);
    const answer = await link.request(
      Command.history,
      historyRequest,
      { conversationId: BigInt(conversationId), fromSeq, toSeq, limit, newestFirst },
      historyResponse,
      this.#limits.requestTimeoutMs,
    );
    const messages = answer.messages
      .filter(({ convSeq }) => convSeq >= fromSeq && convSeq <= toSeq)
      .map(storedMessage)
      .filter((message) => message.conversationId === conversationId);
    if (messages.length === 0) throw new FastimError('NOT_FOUND', 'the server has no such history');
    await this.#receive(conversationId, messages, arrival);
    return messages.length;
  }
  #row(conversationId) {
    const row = this.#state.conversation(conversationId);
    if (!row) throw new FastimError('NOT_FOUND', 'no such conversation here');
    return row;
  }
  #inTurn(conversationId, work) {
    const before = this.#turns.get(conversationId) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#turns.set(conversationId, mine);
    const forget = () => {
      if (this.#turns.get(conversationId) === mine) this.#turns.delete(conversationId);
    };
    mine.then(forget, forget);
    return mine;
  }
}
//# sourceMappingURL=history.js.map
