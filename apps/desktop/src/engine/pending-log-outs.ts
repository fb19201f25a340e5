import type { Clock } from '@fastim/core';
import { asFastimError, describe } from './errors.ts';
import type { Logger } from './ports.ts';
import type { ServerApi } from './server-api.ts';
import type { AccountRow, PendingLogOut, Store } from './store.ts';

/**
 * Sessions that ended on this device and that their server may not know of yet: told as soon as it can be reached, kept
 * over restarts, forgotten when the tokens are past their time anyway.
 */
export class PendingLogOuts {
  readonly #store: Store;
  readonly #apiOf: (serverUrl: string) => ServerApi;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #retryMs: number;
  readonly #pending = new Map<string, PendingLogOut>();
  #cancelTimer: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #stopped = true;

  constructor(parts: {
    store: Store;
    apiOf: (serverUrl: string) => ServerApi;
    clock: Clock;
    logger: Logger;
    retryMs: number;
  }) {
    this.#store = parts.store;
    this.#apiOf = parts.apiOf;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#retryMs = parts.retryMs;
  }

  start(stored: readonly PendingLogOut[]): void {
    this.#stopped = false;
    for (const pending of stored) this.#pending.set(pending.sessionId, pending);
    this.#run();
  }

  /** Already in the store. */
  add(pending: PendingLogOut): void {
    this.#pending.set(pending.sessionId, pending);
    this.#run();
  }

  /** Does not wait for a call that is under way; what it brings is asked again after the next start. */
  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#pending.clear();
  }

  #run(): void {
    if (this.#stopped || this.#running || this.#pending.size === 0) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#running = this.#tellAll().finally(() => {
      this.#running = undefined;
      if (this.#stopped || this.#pending.size === 0) return;
      this.#cancelTimer = this.#clock.setTimer(this.#retryMs, () => this.#run());
    });
  }

  async #tellAll(): Promise<void> {
    for (const pending of [...this.#pending.values()]) {
      if (this.#stopped) return;
      try {
        await this.#tell(pending);
      } catch (error) {
        this.#logger.info(describe(error), 'the server does not know of a log-out yet');
      }
    }
  }

  async #tell(pending: PendingLogOut): Promise<void> {
    const api = this.#apiOf(pending.serverUrl);
    try {
      await api.logOut(pending.accessToken);
    } catch (error) {
      const { reason } = asFastimError(error);
      if (reason === 'UNAUTHENTICATED') {
        const renewed = await this.#renew(api, pending);
        if (renewed) await api.logOut(renewed.accessToken);
      } else if (reason !== 'SESSION_ENDED' && pending.refreshExpiresAt > this.#clock.now()) {
        throw error;
      }
    }
    this.#pending.delete(pending.sessionId);
    if (!this.#stopped) await this.#store.removePendingLogOut(pending.sessionId);
  }

  /** New tokens to end the session with; undefined: it is over already. Stored before use. */
  async #renew(api: ServerApi, pending: PendingLogOut): Promise<PendingLogOut | undefined> {
    try {
      const { accessToken, refreshToken, refreshExpiresAt } = await api.refresh(pending.refreshToken, pending.deviceId);
      const renewed = { ...pending, accessToken, refreshToken, refreshExpiresAt };
      await this.#store.putPendingLogOut(renewed);
      this.#pending.set(pending.sessionId, renewed);
      return renewed;
    } catch (error) {
      const { reason } = asFastimError(error);
      if (reason === 'SESSION_ENDED' || reason === 'UNAUTHENTICATED' || reason === 'INVALID_CREDENTIALS')
        return undefined;
      throw error;
    }
  }
}

/** What has to be said to the server when the account ends here. */
export function pendingLogOut({ serverUrl, deviceId, session }: AccountRow): PendingLogOut {
  const { sessionId, accessToken, refreshToken, refreshExpiresAt } = session;
  return { sessionId, serverUrl, deviceId, accessToken, refreshToken, refreshExpiresAt };
}
