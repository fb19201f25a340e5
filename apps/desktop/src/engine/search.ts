import type { AccountState } from './account-state.ts';
import { titleOf } from './conversation-views.ts';
import type { SearchQuery, Store, StoredMessage } from './store.ts';
import type { Viewer } from './viewer.ts';
import type { SearchHitView, SearchPageView } from './views.ts';

export interface SearchParams {
  query: string;
  conversationId?: string;
  senderId?: string;
  fromMs?: number;
  toMs?: number;
  after?: { timeMs: number; msgId: string };
  limit: number;
}

/** Everything on this device, by words; what I may not see any more (from before I joined again) is not found. */
export class Search {
  readonly #state: AccountState;
  readonly #store: Store;
  readonly #viewer: Viewer;

  constructor(parts: { state: AccountState; store: Store; viewer: Viewer }) {
    this.#state = parts.state;
    this.#store = parts.store;
    this.#viewer = parts.viewer;
  }

  async page({ after, ...params }: SearchParams): Promise<SearchPageView> {
    const before = after && { serverTimeMs: after.timeMs, msgId: after.msgId };
    const query: SearchQuery = { ...params, ...(before && { before }) };
    const found = await this.#store.search(this.#state.generation, query);
    const hits = await Promise.all(found.filter((message) => this.#isVisible(message)).map((one) => this.#hit(one)));
    const last = found.length >= params.limit ? found.at(-1) : undefined;
    return { hits, next: last ? { timeMs: last.serverTimeMs, msgId: last.msgId } : null };
  }

  #isVisible({ conversationId, convSeq }: StoredMessage): boolean {
    const row = this.#state.conversation(conversationId);
    return row !== undefined && convSeq >= row.joinSeq;
  }

  async #hit(message: StoredMessage): Promise<SearchHitView> {
    const [view] = await this.#viewer.messages(message.conversationId, [message]);
    const row = this.#state.conversation(message.conversationId);
    return { message: view!, conversationTitle: row ? titleOf(row) : '' };
  }
}
