import type { Clock } from '@fastim/core';
import type { Logger } from '../observe/logger.ts';
import type { ClusterBus, ClusterEvent } from '../registry/contract.ts';
import type { SessionStore } from '../storage/session-store.ts';

export interface TellSessionEndsOptions {
  readonly bus: Pick<ClusterBus, 'publish'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const RETRY_MS = 1_000;
/** Past it the oldest are left to the look that logic nodes take at the storage. */
const MOST_WAITING = 10_000;

/** Tells all nodes that sessions ended; what cannot be told now is told as soon as it can. */
export class TellSessionEnds {
  readonly #options: TellSessionEndsOptions;
  readonly #waiting: ClusterEvent[] = [];
  #sending = false;
  #cancel: (() => void) | undefined;

  constructor(options: TellSessionEndsOptions) {
    this.#options = options;
  }

  ended(sessionId: bigint, closeCode: number): void {
    this.#waiting.push({ type: 'end-session', sessionId: String(sessionId), closeCode });
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    if (!this.#cancel) void this.#send();
  }

  stop(): void {
    this.#cancel?.();
  }

  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    this.#cancel = undefined;
    const { bus, clock, logger } = this.#options;
    try {
      for (let event = this.#waiting[0]; event; event = this.#waiting[0]) {
        await bus.publish(event);
        if (this.#waiting[0] === event) this.#waiting.shift();
      }
    } catch (error) {
      logger.warn({ err: error, waiting: this.#waiting.length }, 'the end of sessions could not be told yet');
      this.#cancel = clock.setTimer(RETRY_MS, () => void this.#send());
    } finally {
      this.#sending = false;
    }
  }
}

export interface HearSessionEndsOptions {
  readonly bus: Pick<ClusterBus, 'subscribe' | 'onResumed'>;
  readonly sessions: Pick<SessionStore, 'endedSince'>;
  /** May be called several times for one session. */
  readonly ended: (sessionId: bigint, closeCode: number) => void;
  /** For those found in the storage, where nobody says why they ended. */
  readonly closeCode: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const LOOK_EVERY_MS = 30_000;
/** Times in the storage are of other processes' clocks, taken before their commit. */
const OVERLAP_MS = 20_000;
const PAGE = 500;

/**
 * Hears of sessions that ended anywhere: from the bus at once, and from the storage what the bus lost (a process that died
 * before it told, a registry that was down).
 */
export class HearSessionEnds {
  readonly #options: HearSessionEndsOptions;
  readonly #ends: (() => void)[] = [];
  /** Everything that ended before it has been heard. */
  #heardUntil: number;
  #cancel: (() => void) | undefined;
  #looking: Promise<void> | undefined;
  #stopped = false;

  constructor(options: HearSessionEndsOptions) {
    this.#options = options;
    this.#heardUntil = options.clock.now();
  }

  start(): void {
    const { bus, ended } = this.#options;
    this.#ends.push(
      bus.subscribe((event) => {
        if (event.type === 'end-session') ended(BigInt(event.sessionId), event.closeCode);
      }),
      bus.onResumed((lostAtMs) => {
        this.#heardUntil = Math.min(this.#heardUntil, lostAtMs);
        void this.#look();
      }),
    );
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    for (const end of this.#ends.splice(0)) end();
    await this.#looking;
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#cancel = this.#options.clock.setTimer(LOOK_EVERY_MS, () => void this.#look().then(() => this.#schedule()));
  }

  #look(): Promise<void> {
    this.#looking ??= this.#read().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #read(): Promise<void> {
    const { sessions, ended, closeCode, clock, logger } = this.#options;
    const began = clock.now();
    const from = this.#heardUntil;
    let [since, afterId] = [from - OVERLAP_MS, undefined as bigint | undefined];
    try {
      for (;;) {
        const page = await sessions.endedSince(since, PAGE, afterId);
        for (const session of page) ended(session.sessionId, closeCode);
        const last = page.at(-1);
        if (!last || page.length < PAGE) break;
        since = last.endedMs ?? since;
        afterId = last.sessionId;
      }
      // A connection that was lost meanwhile has set it back.
      if (this.#heardUntil === from) this.#heardUntil = began;
    } catch (error) {
      logger.warn({ err: error }, 'which sessions ended could not be read; it is tried again');
    }
  }
}
