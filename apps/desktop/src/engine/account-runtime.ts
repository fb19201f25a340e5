import type { LoginResponse } from '@fastim/protocol';
import { AccessTokens } from './access-tokens.ts';
import { type AccountParts, type RuntimeParts, wireAccount } from './account-parts.ts';
import { AccountState } from './account-state.ts';
import type { ConnectionLink } from './connection-link.ts';
import { emptyRow } from './conversation-rows.ts';
import { describe } from './errors.ts';
import { routePush } from './push-router.ts';
import { Session } from './session.ts';
import type { AccountView, ConnectionView, ConversationView, DeviceView, PrivacyView, UserView } from './views.ts';
import { wireId } from './wire-values.ts';

const SEARCH_LIMIT = 20;

/**
 * Everything that runs for the one account that is logged in, wired together. Made by `open`, ended by `close`; another
 * account gets another runtime on another generation of the store, so nothing of one can reach the other.
 */
export class AccountRuntime {
  readonly state: AccountState;
  readonly tokens: AccessTokens;
  readonly parts: AccountParts;
  readonly #outside: RuntimeParts;
  readonly #session: Session;
  #shown: ConnectionView = { state: 'idle' };

  static async open(outside: RuntimeParts): Promise<AccountRuntime> {
    let runtime: AccountRuntime | undefined;
    const state = await AccountState.load(outside.store, outside.generation, (commit) =>
      runtime?.parts.announcer.committed(commit),
    );
    runtime = new AccountRuntime(outside, state);
    return runtime;
  }

  private constructor(outside: RuntimeParts, state: AccountState) {
    this.#outside = outside;
    this.state = state;
    const { clock, random, logger, limits, api, transport, clientVersion } = outside;
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
    this.parts = wireAccount(outside, state, () => this.#show());
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
      mark: () => this.parts.sync.mark(),
      events: {
        view: () => this.#show(),
        online: (link, login) => this.#online(link, login),
        offline: () => this.#offline(),
        notify: (cmd, data) => this.#notified(cmd, data),
        heartbeat: (answer) => {
          this.parts.serverClock.told(answer.serverTimeMs);
          this.parts.sync.heartbeat(answer);
        },
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
    this.parts.holder.close();
    this.parts.announcer.stop();
    await this.state.close();
  }

  retryConnection(): void {
    this.#session.retryNow();
  }

  async searchUsers(query: string): Promise<UserView[]> {
    return this.tokens.authorized((token) => this.#outside.api.searchUsers(token, query, SEARCH_LIMIT));
  }

  devices(): Promise<DeviceView[]> {
    return this.tokens.authorized((token) => this.#outside.api.devices(token));
  }

  async endDevice(sessionId: string): Promise<void> {
    wireId(sessionId);
    await this.tokens.authorized((token) => this.#outside.api.endSession(token, sessionId));
  }

  privacy(): Promise<PrivacyView> {
    return this.tokens.authorized((token) => this.#outside.api.privacy(token));
  }

  setPrivacy(showOnline: boolean): Promise<PrivacyView> {
    return this.tokens.authorized((token) => this.#outside.api.setPrivacy(token, showOnline));
  }

  /** A conversation known here is answered without the server. */
  async openDirect(userId: string): Promise<ConversationView> {
    wireId(userId);
    const { viewer, sync } = this.parts;
    const known = [...this.state.conversations()].find((row) => row.kind === 'direct' && row.peer?.userId === userId);
    if (known) return viewer.conversation(known);
    const { api, logger, clock } = this.#outside;
    const { conversationId, peer } = await this.tokens.authorized((token) => api.openDirect(token, userId));
    await sync
      .fetch([conversationId])
      .catch((error: unknown) => logger.debug(describe(error), 'the conversation comes with the next sync'));
    const row =
      this.state.conversation(conversationId) ??
      (await this.state.change((edit) => {
        const now = clock.now();
        const fresh = edit.conversation(conversationId) ?? { ...emptyRow(conversationId), peer, lastActivityMs: now };
        edit.put(fresh);
        return fresh;
      }));
    return viewer.conversation(row);
  }

  async setOpenConversation(conversationId: string | null): Promise<void> {
    await this.parts.reading.setOpen(conversationId);
    this.parts.viewing.tell();
    if (conversationId !== null) this.parts.sync.opened(conversationId);
  }

  #online(link: ConnectionLink, login: LoginResponse): void {
    const { serverClock, holder, history, cursors, inbox, heads, sync, outbox } = this.parts;
    const { names, settings, hidden, presence, viewing } = this.parts;
    serverClock.told(login.serverTimeMs);
    serverClock.windows = { editMs: login.editWindowMs, recallMs: login.recallWindowMs };
    holder.connected(link);
    history.connected(link);
    cursors.connected(link);
    inbox.connected();
    heads.connected();
    sync.connected(link, login.historyEpoch);
    outbox.connected(link);
    settings.connected();
    names.connected();
    hidden.connected();
    presence.connected();
    viewing.tell();
  }

  #offline(): void {
    const { holder, history, cursors, inbox, heads, sync, outbox } = this.parts;
    const { names, settings, presence, typing, states } = this.parts;
    holder.disconnected();
    outbox.disconnected();
    sync.disconnected();
    states.disconnected();
    heads.disconnected();
    inbox.disconnected();
    cursors.disconnected();
    history.disconnected();
    settings.disconnected();
    names.disconnected();
    presence.disconnected();
    typing.disconnected();
  }

  #notified(cmd: number, data: Uint8Array): void {
    const { inbox, heads, settings, typing, presence } = this.parts;
    const { logger, emit } = this.#outside;
    const isKnown = routePush(cmd, data, {
      messages: (messages) => inbox.pushed(messages),
      cursors: (cursors) => inbox.cursorsPushed(cursors),
      heads: (list) => heads.pushed(list),
      settings: (list) => {
        settings
          .pushed(list)
          .catch((error: unknown) => logger.warn(describe(error), 'settings from elsewhere were not stored'));
      },
      typing: (list) => typing.pushed(list),
      presence: (list) => presence.pushed(list),
      readers: (ids) => {
        for (const id of ids) emit('readers', { conversationId: id.toString() });
      },
    });
    if (!isKnown) logger.debug({ cmd }, 'dropped a notification of no known kind');
  }

  #show(): void {
    const view = this.#session.view;
    const shown: ConnectionView = view.state === 'online' && this.parts.sync.busy ? { state: 'syncing' } : view;
    if (shown.state === this.#shown.state && shown.state !== 'offline') return;
    this.#shown = shown;
    this.#outside.emit('connection', shown);
  }
}
