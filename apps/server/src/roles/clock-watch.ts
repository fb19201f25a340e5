import type { Clock } from '@fastim/core';
import { Gauge, type Registry } from 'prom-client';
import type { Logger } from '../observe/logger.ts';
import { RoleRefusal } from './running-role.ts';

export interface ClockWatchOptions {
  /** The database's clock: the one that all processes of a cluster can ask. */
  readonly timeMs: () => Promise<number>;
  readonly maxSkewMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: Registry;
  /** The clock was found to be off, for the operator's list. */
  readonly refused: (reason: string) => void;
}

const LOOK_EVERY_MS = 15_000;
/** An answer that took longer says too little. */
const SLOW_MS = 2_000;

/**
 * Compares this process's clock with the database's. At the start a clock that is off is a refusal; later it turns
 * `isGood` false, until it is right again.
 */
export class ClockWatch {
  readonly #options: ClockWatchOptions;
  #skewMs = 0;
  #good = true;
  #cancel: (() => void) | undefined;
  #stopped = false;

  private constructor(options: ClockWatchOptions) {
    this.#options = options;
    const skew: Gauge = new Gauge({
      name: 'fastim_clock_skew_seconds',
      help: "How far this process's clock is ahead of the database's.",
      registers: [options.registry],
      collect: () => {
        skew.set(this.#skewMs / 1_000);
      },
    });
  }

  /** Rejects with RoleRefusal, or with what the storage said. */
  static async open(options: ClockWatchOptions): Promise<ClockWatch> {
    const watch = new ClockWatch(options);
    await watch.#look();
    if (!watch.#good) throw new RoleRefusal(`${watch.#reason()}: set the clock (NTP) and start again`);
    watch.#schedule();
    return watch;
  }

  get isGood(): boolean {
    return this.#good;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#cancel = this.#options.clock.setTimer(LOOK_EVERY_MS, () => {
      // A database that does not answer says nothing about our clock, and its own log lines tell of it.
      this.#look()
        .catch((error: unknown) => this.#options.logger.debug({ err: error }, 'the clock could not be compared'))
        .finally(() => this.#schedule());
    });
  }

  async #look(): Promise<void> {
    const { timeMs, maxSkewMs, clock, logger, refused } = this.#options;
    const before = clock.now();
    const theirs = await timeMs();
    const after = clock.now();
    if (after < before || after - before > SLOW_MS) return;
    this.#skewMs = (before + after) / 2 - theirs;
    const good = Math.abs(this.#skewMs) <= maxSkewMs;
    if (good === this.#good) return;
    this.#good = good;
    if (good) {
      logger.info('the clock is right again');
    } else {
      logger.error({ skewMs: Math.round(this.#skewMs) }, `${this.#reason()}: no ids are given until it is right`);
      refused(this.#reason());
    }
  }

  #reason(): string {
    const seconds = (Math.abs(this.#skewMs) / 1_000).toFixed(1);
    const direction = this.#skewMs > 0 ? 'ahead of' : 'behind';
    return `the clock of this machine is ${seconds} s ${direction} that of the database`;
  }
}
