import { type Clock, type Random, toHex } from '@fastim/core';
import { FastimError } from '@fastim/protocol';
import { AccountCalls } from './account-calls.ts';
import { AccountRuntime } from './account-runtime.ts';
import type { ClientApi, ClientEvents } from './client-api.ts';
import { Emitter } from './emitter.ts';
import { asFastimError, describe } from './errors.ts';
import { IdempotencyKeys } from './idempotency-keys.ts';
import { defaultLimits, type EngineLimits } from './limits.ts';
import { PendingLogOuts, pendingLogOut } from './pending-log-outs.ts';
import type { HttpPort, Logger, Transport } from './ports.ts';
import { ServerApi } from './server-api.ts';
import { normalizeServerUrl } from './server-url.ts';
import type { AccountRow, ProfileRow, SessionTokens, Store } from './store.ts';
import type { AccountView, AppView, ConnectionView, ServerCheckView, SettingsView, UserView } from './views.ts';

export interface ClientParts {
  /** Shown to the user; one profile is one store. */
  readonly profile: string;
  /** Where the login form starts before any server was used. */
  readonly suggestedServerUrl: string;
  /** "name/semver". */
  readonly clientVersion: string;
  /** What the account's device list calls this installation. */
  readonly deviceName: string;
  readonly store: Store;
  readonly transport: Transport;
  readonly http: HttpPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits?: Partial<EngineLimits>;
}

const defaultSettings: SettingsView = { theme: 'system', language: 'system', sendKey: 'enter' };

interface Opened {
  profile: ProfileRow;
}

/**
 * The client: profile and accounts here, everything of the account that is logged in in its AccountRuntime.
 * start, stop, register, logIn and logOut take turns; each of them leaves either the old account or the new one, whole.
 */
export class Client extends AccountCalls implements ClientApi {
  readonly #parts: ClientParts;
  readonly #limits: EngineLimits;
  readonly #events: Emitter<ClientEvents>;
  readonly #logOuts: PendingLogOuts;
  readonly #registrations: IdempotencyKeys;
  #opened: Opened | undefined;
  #runtime: AccountRuntime | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: ClientParts) {
    super();
    this.#parts = parts;
    this.#limits = { ...defaultLimits, ...parts.limits };
    this.#events = new Emitter((error) => parts.logger.error(describe(error), 'a listener threw'));
    this.#registrations = new IdempotencyKeys(() => toHex(parts.random.bytes(16)));
    this.#logOuts = new PendingLogOuts({
      store: parts.store,
      apiOf: (serverUrl) => this.#api(serverUrl),
      clock: parts.clock,
      logger: parts.logger,
      retryMs: this.#limits.logOutRetryMs,
    });
  }

  on<E extends keyof ClientEvents>(event: E, listener: (payload: ClientEvents[E]) => void): () => void {
    return this.#events.on(event, listener);
  }

  start(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#opened) return;
      const { profile, account, pendingLogOuts } = await this.#parts.store.open();
      try {
        this.#opened = { profile };
        if (account) await this.#openRuntime(account.generation, account.row.serverUrl);
      } catch (error) {
        this.#opened = undefined;
        await this.#parts.store.close();
        throw error;
      }
      this.#logOuts.start(pendingLogOuts);
    });
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#opened) return;
      this.#logOuts.stop();
      this.#registrations.clear();
      const runtime = this.#runtime;
      this.#runtime = undefined;
      await runtime?.close();
      this.#opened = undefined;
      await this.#parts.store.close();
    });
  }

  app(): Promise<AppView> {
    return this.#guard(async () => {
      const { profile } = this.#open();
      return {
        profile: this.#parts.profile,
        account: this.#runtime?.account ?? null,
        connection: this.#connection(),
        settings: profile.settings ?? defaultSettings,
        suggestedServerUrl: profile.lastServerUrl ?? this.#parts.suggestedServerUrl,
        openConversationId: this.#runtime?.state.account.openConversationId ?? null,
      };
    });
  }

  checkServer({ serverUrl }: { serverUrl: string }): Promise<ServerCheckView> {
    return this.#guard(() => this.#api(normalizeServerUrl(serverUrl)).check());
  }

  register(params: {
    serverUrl: string;
    username: string;
    displayName: string;
    password: string;
  }): Promise<AccountView> {
    const { username, displayName, password } = params;
    return this.#inTurn(async () => {
      const serverUrl = normalizeServerUrl(params.serverUrl);
      // The key lives on until the account is in the store: a full disk is no reason to lose the name.
      return this.#registrations.run([serverUrl, username, displayName, password], (key) =>
        this.#enter(serverUrl, (api, deviceId) =>
          api.register({ username, displayName, password, device: { deviceId, name: this.#parts.deviceName } }, key),
        ),
      );
    });
  }

  logIn({ serverUrl, username, password }: { serverUrl: string; username: string; password: string }) {
    return this.#inTurn(async () =>
      this.#enter(normalizeServerUrl(serverUrl), (api, deviceId) =>
        api.logIn({ username, password, device: { deviceId, name: this.#parts.deviceName } }),
      ),
    );
  }

  logOut(): Promise<void> {
    return this.#inTurn(async () => {
      const runtime = this.#runtime;
      if (!runtime) return;
      const pending = pendingLogOut(runtime.state.account);
      await runtime.close();
      try {
        await this.#parts.store.endAccount(runtime.state.generation, pending);
      } catch (error) {
        // Still logged in, then: what was not removed must stay in use and in sight.
        await this.#openRuntime(runtime.state.generation, pending.serverUrl);
        throw error;
      }
      this.#runtime = undefined;
      this.#events.emit('account', null);
      this.#events.emit('connection', this.#connection());
      this.#logOuts.add(pending);
    });
  }

  setSettings({ patch }: { patch: Partial<SettingsView> }): Promise<SettingsView> {
    return this.#inTurn(async () => {
      const opened = this.#open();
      const settings = { ...(opened.profile.settings ?? defaultSettings), ...patch };
      await this.#parts.store.saveProfile({ settings });
      opened.profile = { ...opened.profile, settings };
      this.#events.emit('settings', settings);
      return settings;
    });
  }

  retryConnection(): Promise<void> {
    return this.#guard(async () => this.#runtime?.retryConnection());
  }

  /** In turn only. */
  async #enter(
    serverUrl: string,
    ask: (api: ServerApi, deviceId: string) => Promise<{ user: UserView; session: SessionTokens }>,
  ): Promise<AccountView> {
    this.#open();
    const deviceId = await this.#deviceId();
    const { user, session } = await ask(this.#api(serverUrl), deviceId);
    const row: AccountRow = {
      serverUrl,
      user,
      deviceId,
      session,
      sinceMs: 0,
      openConversationId: null,
      historyEpoch: '',
    };
    const runtime = await this.#replaceAccount(row);
    await this.#saveProfile({ lastServerUrl: serverUrl });
    return runtime.account;
  }

  async #replaceAccount(row: AccountRow): Promise<AccountRuntime> {
    const old = this.#runtime;
    const oldRow = old?.state.account;
    const isOther =
      oldRow !== undefined && (oldRow.user.userId !== row.user.userId || oldRow.serverUrl !== row.serverUrl);
    const pending = isOther ? pendingLogOut(oldRow) : null;
    await old?.close();
    let generation: number;
    try {
      generation = await this.#parts.store.beginAccount(row, pending);
    } catch (error) {
      if (old && oldRow) await this.#openRuntime(old.state.generation, oldRow.serverUrl);
      throw error;
    }
    const runtime = await this.#openRuntime(generation, row.serverUrl);
    if (pending) this.#logOuts.add(pending);
    return runtime;
  }

  async #openRuntime(generation: number, serverUrl: string): Promise<AccountRuntime> {
    const { store, transport, clock, random, logger, clientVersion } = this.#parts;
    const runtime: AccountRuntime = await AccountRuntime.open({
      store,
      generation,
      api: this.#api(serverUrl),
      transport,
      clock,
      random,
      logger,
      limits: this.#limits,
      clientVersion,
      // An earlier account's last words are not for whoever listens now.
      emit: (event, payload) => {
        if (this.#runtime === runtime) this.#events.emit(event, payload);
      },
    });
    this.#runtime = runtime;
    this.#events.emit('account', runtime.account);
    runtime.start();
    return runtime;
  }

  async #deviceId(): Promise<string> {
    const known = this.#open().profile.deviceId;
    if (known !== null) return known;
    const deviceId = toHex(this.#parts.random.bytes(16));
    await this.#saveProfile({ deviceId });
    return deviceId;
  }

  async #saveProfile(patch: Partial<ProfileRow>): Promise<void> {
    const opened = this.#open();
    await this.#parts.store.saveProfile(patch);
    opened.profile = { ...opened.profile, ...patch };
  }

  #api(serverUrl: string): ServerApi {
    return new ServerApi(serverUrl, this.#parts.http, this.#parts.clock, this.#limits);
  }

  #connection(): ConnectionView {
    return this.#runtime?.connection ?? { state: 'idle' };
  }

  #open(): Opened {
    if (!this.#opened) throw new FastimError('UNAVAILABLE', 'the client is not started');
    return this.#opened;
  }

  protected withAccount<T>(work: (account: AccountRuntime) => T | Promise<T>): Promise<T> {
    return this.#guard(async () => {
      this.#open();
      if (!this.#runtime) throw new FastimError('UNAUTHENTICATED');
      return work(this.#runtime);
    });
  }

  /** One after the other, whatever the outcome of the one before. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(() => this.#guard(work));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** Only errors of the catalogue leave the engine. */
  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const reason = asFastimError(error);
      if (reason.reason === 'INTERNAL') this.#parts.logger.error(describe(error), 'a call failed');
      throw reason;
    }
  }
}
