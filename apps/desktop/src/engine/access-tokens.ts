import { FastimError } from '@fastim/protocol';
import type { ServerApi } from './server-api.ts';
import type { SessionTokens } from './store.ts';

/** Reasons that end a session for good when a refresh is answered with them. */
const sessionIsOver: ReadonlySet<string> = new Set([
  'SESSION_ENDED',
  'UNAUTHENTICATED',
  'INVALID_CREDENTIALS',
  'NOT_FOUND',
]);

/**
 * The tokens of one session.
 *
 * Promises: one refresh at a time, whoever asks; the new tokens are on disk before anybody uses them, so a crash never
 * leaves only a spent token behind. A refresh whose answer was lost is asked again with the same token, which the
 * server takes as such for a while.
 */
export class AccessTokens {
  readonly #api: ServerApi;
  readonly #deviceId: string;
  readonly #read: () => SessionTokens;
  readonly #persist: (tokens: SessionTokens) => Promise<void>;
  readonly #onEnded: () => void;
  #refreshing: Promise<void> | undefined;

  constructor(parts: {
    api: ServerApi;
    deviceId: string;
    read: () => SessionTokens;
    persist: (tokens: SessionTokens) => Promise<void>;
    /** The server said that the session is over. */
    onEnded: () => void;
  }) {
    this.#api = parts.api;
    this.#deviceId = parts.deviceId;
    this.#read = parts.read;
    this.#persist = parts.persist;
    this.#onEnded = parts.onEnded;
  }

  get accessToken(): string {
    return this.#read().accessToken;
  }

  /**
   * Gets a new access token, unless that has happened since `used` was read. Rejects with SESSION_ENDED when the session
   * is over, else with what a later try may mend.
   */
  async refresh(used: string): Promise<void> {
    if (this.#read().accessToken !== used) return;
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    await this.#refreshing;
  }

  /** Runs `call` with the access token; when that is past its time, once more with a new one. */
  async authorized<T>(call: (accessToken: string) => Promise<T>): Promise<T> {
    const used = this.accessToken;
    try {
      return await call(used);
    } catch (error) {
      if (error instanceof FastimError && error.reason === 'SESSION_ENDED') this.#onEnded();
      if (!(error instanceof FastimError) || error.reason !== 'UNAUTHENTICATED') throw error;
    }
    await this.refresh(used);
    return await call(this.accessToken);
  }

  async #refresh(): Promise<void> {
    let tokens: SessionTokens;
    try {
      tokens = await this.#api.refresh(this.#read().refreshToken, this.#deviceId);
    } catch (error) {
      if (error instanceof FastimError && sessionIsOver.has(error.reason)) {
        this.#onEnded();
        throw new FastimError('SESSION_ENDED', error.message, { cause: error });
      }
      throw error;
    }
    await this.#persist(tokens);
  }
}
