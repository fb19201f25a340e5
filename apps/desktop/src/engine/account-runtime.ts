import type { Clock, Random } from '@fastim/core';
import { Command, cursorPush, FastimError, messagePush } from '@fastim/protocol';
import { AccessTokens } from './access-tokens.ts';
import { AccountState } from './account-state.ts';
import { Announcer } from './announcer.ts';
import type { ClientEvents, PageAnchor } from './client-api.ts';
import type { ConnectionLink } from './connection-link.ts';
import { emptyRow } from './conversation-rows.ts';
import { CursorSender } from './cursor-sender.ts';
import { describe } from './errors.ts';
import { History } from './history.ts';
import { Inbox } from './inbox.ts';
import type { EngineLimits } from './limits.ts';
import { LostHistory } from './lost-history.ts';
import { MessagesPage } from './messages-page.ts';
import { Outbox } from './outbox.ts';
import type { Logger, Transport } from './ports.ts';
import type { ServerApi } from './server-api.ts';
import { Session } from './session.ts';
import type { ConversationRow, Store, StoredMessage } from './store.ts';
import { Sync } from './sync.ts';
import { listViews, outboxView, storedView, viewOf } from './view-models.ts';
import type {
  AccountView,
  ConnectionView,
  ConversationView,
  MessagePageView,
  MessageView,
  PositionView,
  UserView,
} from './views.ts';
import { wireId } from './wire-values.ts';

/** Own messages among which a repeated key is looked for. */
const SENT_BEFORE_LOOKED_THROUGH = 100;

export interface RuntimeParts {
  readonly store: Store;
  readonly generation: number;
  readonly api: ServerApi;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits: EngineLimits;
  readonly clientVersion: string;
  readonly emit: <E extends keyof ClientEvents>(event: E, payload: ClientEvents[E]) => void;
}

const SEARCH_LIMIT = 20;

/**
 * Everything that runs for the one account that is logged in, wired together. Made by `open`, ended by `close`; another
 * account gets another runtime on another generation of the store, so nothing of one can reach the other.
 */
export class AccountRuntime {
  readonly state: AccountState;
  readonly tokens: AccessTokens;
  readonly #parts: RuntimeParts;
  readonly #session: Session;
  readonly #cursors: CursorSender;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #history: History;
  readonly #sync: Sync;
  readonly #pages: MessagesPage;
  #shown: ConnectionView = { state: 'idle' };

  static async open(parts: RuntimeParts): Promise<AccountRuntime> {
    let announcer: Announcer | undefined;
    const state = await AccountState.load(parts.store, parts.generation, (commit) => announcer?.committed(commit));
    const runtime = new AccountRuntime(parts, state);
    announcer = new Announcer({
      state: () => state,
      emit: parts.emit,
      ticksChanged: (row, from, to, limit) => runtime.#announceTicks(row, from, to, limit),
    });
    return runtime;
  }

  private constructor(parts: RuntimeParts, state: AccountState) {
    this.#parts = parts;
    this.state = state;
    const { clock, random, logger, limits, api, transport, clientVersion, store } = parts;
    this.tokens = new AccessTokens({
      api,
      deviceId: state.account.deviceId,
      read: () => this.state.account.session,
      persist: (session) =>
        this.state.change((edit) => {
          edit.setAccount({ session });
          edit.durable = true;
        }),
      onEnded: () => this.#session.revoked(),
    });
    this.#cursors = new CursorSender({ state, clock, random, logger, limits });
    this.#inbox = new Inbox({
      state,
      clock,
      random,
      logger,
      limits,
      cursors: this.#cursors,
      settled: (key) => this.#outbox.settled(key),
      pullGap: (conversationId, gap) => this.#history.pullGap(conversationId, gap),
      askFor: (conversationIds) => this.#sync.askFor(conversationIds),
    });
    const receive = this.#inbox.receive.bind(this.#inbox);
    this.#history = new History({ state, limits, receive });
    this.#outbox = new Outbox({ state, clock, random, logger, limits, receive });
    this.#sync = new Sync({
      state,
      lostHistory: new LostHistory({
        state,
        store,
        logger,
        limits,
        rewound: (conversationId, outgoing) => {
          this.#inbox.rewound(conversationId);
          this.#outbox.added(outgoing);
          const row = state.conversation(conversationId);
          if (row) this.#cursors.changed(row);
        },
      }),
      history: this.#history,
      inbox: this.#inbox,
      clock,
      random,
      logger,
      limits,
      busyChanged: () => this.#show(),
    });
    this.#pages = new MessagesPage({ state, store, history: this.#history, clock, logger, limits });
    this.#session = new Session({
      api,
      tokens: this.tokens,
      transport,
      clock,
      random,
      logger,
      limits,
      clientVersion,
      userId: state.userId,
      mark: () => this.#sync.mark(),
      events: {
        view: () => this.#show(),
        online: (link) => this.#online(link),
        offline: () => this.#offline(),
        notify: (cmd, data) => this.#notified(cmd, data),
        heartbeat: (answer) => this.#sync.heartbeat(answer),
      },
    });
  }

  get connection(): ConnectionView {
    return this.#shown;
  }

  get account(): AccountView {
    const { user, deviceId, serverUrl } = this.state.account;
    return { user, deviceId, serverUrl };
  }

  start(): void {
    this.#session.start();
  }

  /** Disconnects; resolves when what was accepted is stored. Idempotent. */
  async close(): Promise<void> {
    this.#session.stop();
    await this.state.close();
  }

  retryConnection(): void {
    this.#session.retryNow();
  }

  async searchUsers(query: string): Promise<UserView[]> {
    return this.tokens.authorized((token) => this.#parts.api.searchUsers(token, query, SEARCH_LIMIT));
  }

  listConversations(): ConversationView[] {
    return listViews(this.state);
  }

  /** A conversation known here is answered without the server. */
  async openDirect(userId: string): Promise<ConversationView> {
    wireId(userId);
    const known = [...this.state.conversations()].find((row) => row.kind === 'direct' && row.peer?.userId === userId);
    if (known) return viewOf(this.state, known);
    const { conversationId, peer } = await this.tokens.authorized((token) => this.#parts.api.openDirect(token, userId));
    await this.#sync
      .fetch([conversationId])
      .catch((error: unknown) =>
        this.#parts.logger.debug(describe(error), 'the conversation comes with the next sync'),
      );
    const row =
      this.state.conversation(conversationId) ??
      (await this.state.change((edit) => {
        const now = this.#parts.clock.now();
        const fresh = edit.conversation(conversationId) ?? { ...emptyRow(conversationId), peer, lastActivityMs: now };
        edit.put(fresh);
        return fresh;
      }));
    return viewOf(this.state, row);
  }

  async setOpenConversation(conversationId: string | null): Promise<void> {
    if (conversationId !== null) this.#row(conversationId);
    if (this.state.account.openConversationId !== conversationId) {
      await this.state.change((edit) => edit.setAccount({ openConversationId: conversationId }));
    }
    if (conversationId !== null) this.#sync.opened(conversationId);
  }

  messagesPage(conversationId: string, anchor: PageAnchor, limit: number): Promise<MessagePageView> {
    return this.#pages.read(conversationId, anchor, limit);
  }

  async sendMessage(conversationId: string, text: string, key?: string): Promise<MessageView> {
    const stored = key === undefined ? undefined : await this.#sentBefore(conversationId, key);
    if (stored) return storedView(stored, this.state.conversation(conversationId), this.state.userId);
    return outboxView(await this.#outbox.compose(conversationId, text, key), this.state.userId);
  }

  /**
   * My message of that key, if it left the outbox already. Only the newest are looked through: an older one would go
   * to the server again, which answers with the first ack.
   */
  async #sentBefore(conversationId: string, key: string): Promise<StoredMessage | undefined> {
    const newest = await this.#parts.store.messages(this.state.generation, {
      conversationId,
      fromSeq: 1,
      toSeq: Number.MAX_SAFE_INTEGER,
      limit: SENT_BEFORE_LOOKED_THROUGH,
      newestFirst: true,
      senderId: this.state.userId,
    });
    return newest.find((message) => message.key === key);
  }

  retryMessage(key: string): Promise<void> {
    return this.#outbox.retry(key);
  }

  discardMessage(key: string): Promise<void> {
    return this.#outbox.discard(key);
  }

  /** Stored here first, marked as to be told; the server hears of it when it can be reached. */
  async markRead(conversationId: string, convSeq: number): Promise<void> {
    const row = this.#row(conversationId);
    if (convSeq <= row.readSeq) return;
    const countNo = await this.#countNoAt(row, convSeq);
    const after = await this.state.change((edit) => {
      const now = edit.conversation(conversationId);
      if (!now) return undefined;
      const readSeq = Math.max(now.readSeq, Math.min(convSeq, now.headSeq));
      if (readSeq === now.readSeq) return undefined;
      const read = { ...now, readSeq, unreadBaseCountNo: Math.max(now.unreadBaseCountNo, countNo) };
      edit.put(read);
      return read;
    });
    if (after) this.#cursors.changed(after);
  }

  setDraft(conversationId: string, text: string): Promise<void> {
    return this.#patch(conversationId, (row) => (row.draft === text ? row : { ...row, draft: text }));
  }

  getPosition(conversationId: string): PositionView | null {
    return this.#row(conversationId).position;
  }

  setPosition(conversationId: string, position: PositionView): Promise<void> {
    return this.#patch(conversationId, (row) => ({ ...row, position }));
  }

  async #patch(conversationId: string, change: (row: ConversationRow) => ConversationRow): Promise<void> {
    await this.state.change((edit) => {
      const row = edit.conversation(conversationId);
      if (!row) throw new FastimError('NOT_FOUND', 'no such conversation');
      const after = change(row);
      if (after !== row) edit.put(after);
    });
  }

  /** count_no at a conv_seq, or at the last one before it that is stored here. */
  async #countNoAt(row: ConversationRow, convSeq: number): Promise<number> {
    if (convSeq >= row.headSeq) return row.headCountNo;
    const found = await this.#parts.store.messages(this.state.generation, {
      conversationId: row.conversationId,
      fromSeq: 1,
      toSeq: convSeq,
      limit: 1,
      newestFirst: true,
    });
    return found[0]?.countNo ?? 0;
  }

  #row(conversationId: string): ConversationRow {
    const row = this.state.conversation(conversationId);
    if (!row) throw new FastimError('NOT_FOUND', 'no such conversation');
    return row;
  }

  #online(link: ConnectionLink): void {
    this.#history.connected(link);
    this.#cursors.connected(link);
    this.#inbox.connected();
    this.#sync.connected(link);
    this.#outbox.connected(link);
  }

  #offline(): void {
    this.#outbox.disconnected();
    this.#sync.disconnected();
    this.#inbox.disconnected();
    this.#cursors.disconnected();
    this.#history.disconnected();
  }

  #notified(cmd: number, data: Uint8Array): void {
    if (cmd === Command.messages) this.#inbox.pushed(messagePush.decode(data).messages);
    else if (cmd === Command.cursors) this.#inbox.cursorsPushed(cursorPush.decode(data).cursors);
    else this.#parts.logger.debug({ cmd }, 'dropped a notification of no known kind');
  }

  #announceTicks(row: ConversationRow, fromSeq: number, toSeq: number, limit: number): void {
    const { conversationId } = row;
    const query = { conversationId, fromSeq, toSeq, limit, newestFirst: true, senderId: this.state.userId };
    this.state
      .read(async () => {
        const messages = await this.#parts.store.messages(this.state.generation, query);
        if (messages.length === 0) return;
        const now = this.state.conversation(conversationId);
        const changed = messages.map((message) => storedView(message, now, this.state.userId));
        this.#parts.emit('messages', { conversationId, changed, removed: [] });
      })
      .catch((error: unknown) => this.#parts.logger.debug(describe(error), 'ticks were not told'));
  }

  #show(): void {
    const view = this.#session.view;
    const shown: ConnectionView = view.state === 'online' && this.#sync.busy ? { state: 'syncing' } : view;
    if (shown.state === this.#shown.state && shown.state !== 'offline') return;
    this.#shown = shown;
    this.#parts.emit('connection', shown);
  }
}
