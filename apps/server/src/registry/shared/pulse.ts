import type { Clock } from '@fastim/core';
import type { Logger } from 'pino';
import { RegistryUnavailable } from '../contract.ts';
import { type BackendListener, channels, type Look, type RegistryBackend } from './registry-backend.ts';

/** A look at the registry this long after the one before it. */
export const LOOK_MS = 1_000;
/** News come in swarms. */
const SOON_MS = 30;
/** Less than what is written lives for. */
const LONG_AWAY_MS = 60_000;

/** What a part of the registry is told. All are called in order, by one look after the other; none may throw. */
export interface PulseListener {
  /** The registry answered. `number` counts the looks, in the order in which they were started. */
  looked?(look: Look, number: number): void;
  /** It did not answer. */
  failed?(): void;
  /**
   * What this process wrote may be gone (a flush, a restart, a lost connection): everything of it is written again.
   * `lost`: that of the others is gone too, or may be, until they have done the same.
   */
  rewrite?(lost: boolean): void;
  message?(channel: string, text: string): void;
  subscriptionLost?(): void;
  subscribed?(): void;
}

/**
 * Looks at the registry every second, for all parts of this process. It knows whether the registry can be reached, and
 * finds out when it lost what was in it: the era is another one.
 */
export class Pulse implements BackendListener {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #listeners = new Set<PulseListener>();
  #backend: RegistryBackend | undefined;
  #era: string | undefined;
  #connectedAnew = false;
  #reachable = false;
  #told: boolean | undefined;
  #looks = 0;
  #looking = false;
  #again = false;
  #soon = false;
  #answeredMs: number;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(options: { clock: Clock; logger: Logger }) {
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#answeredMs = options.clock.now();
  }

  get reachable(): boolean {
    return this.#reachable;
  }

  /** Of the look that was started last. */
  get looks(): number {
    return this.#looks;
  }

  /** Before `start`. */
  listen(listener: PulseListener): void {
    this.#listeners.add(listener);
  }

  start(backend: RegistryBackend): void {
    this.#backend = backend;
    backend.subscribe(channels.nodes);
    this.#look();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Now, or right after the look that is under way. */
  lookSoon(): void {
    if (this.#stopped || this.#backend === undefined) return;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    if (!this.#soon) this.#schedule(SOON_MS);
    this.#soon = true;
  }

  connected(): void {
    this.#connectedAnew = true;
    this.lookSoon();
  }

  message(channel: string, text: string): void {
    if (channel === channels.nodes) this.lookSoon();
    for (const listener of this.#listeners) listener.message?.(channel, text);
  }

  subscriptionLost(): void {
    for (const listener of this.#listeners) listener.subscriptionLost?.();
  }

  subscribed(): void {
    for (const listener of this.#listeners) listener.subscribed?.();
  }

  #schedule(delayMs: number): void {
    this.#cancel?.();
    this.#cancel = this.#clock.setTimer(delayMs, () => this.#look());
  }

  #look(): void {
    this.#cancel = undefined;
    if (this.#stopped || this.#looking || this.#backend === undefined) return;
    this.#looking = true;
    this.#again = false;
    this.#soon = false;
    this.#looks += 1;
    const number = this.#looks;
    const anew = this.#connectedAnew;
    this.#connectedAnew = false;
    this.#backend.look().then(
      (look) => this.#looked(look, number, anew),
      (error: unknown) => {
        this.#connectedAnew ||= anew;
        this.#failed(error);
      },
    );
  }

  #looked(look: Look, number: number, anew: boolean): void {
    this.#looking = false;
    if (this.#stopped) return;
    if (this.#told !== true) this.#logger.info('the registry answers');
    this.#told = true;
    this.#reachable = true;
    const flushed = this.#era !== undefined && this.#era !== look.era;
    if (flushed) this.#logger.warn('the registry has lost what was in it: everything of this process is written again');
    const rewrite = anew || this.#era !== look.era;
    this.#era = look.era;
    // Also what lives for a time only ends while the registry stands still.
    const lost = flushed || this.#clock.now() - this.#answeredMs > LONG_AWAY_MS;
    this.#answeredMs = this.#clock.now();
    if (rewrite) for (const listener of this.#listeners) listener.rewrite?.(lost);
    for (const listener of this.#listeners) listener.looked?.(look, number);
    this.#schedule(this.#again ? SOON_MS : LOOK_MS);
  }

  #failed(error: unknown): void {
    this.#looking = false;
    if (this.#stopped) return;
    this.#reachable = false;
    if (this.#told !== false) {
      const reason = error instanceof RegistryUnavailable ? { reason: error.message } : { err: error };
      this.#logger.error(reason, 'the registry cannot be reached: log-ins wait, chat goes on where routes are known');
    }
    this.#told = false;
    for (const listener of this.#listeners) listener.failed?.();
    this.#schedule(LOOK_MS);
  }
}
