import { type Clock, Heartbeat, type Random } from '@fastim/core';
import {
  Command,
  type HeartbeatResponse,
  heartbeatRequest,
  heartbeatResponse,
  type LoginResponse,
  type SyncMark,
} from '@fastim/protocol';
import type { ConnectionLink } from './connection-link.ts';
import { asFastimError, describe } from './errors.ts';
import type { EngineLimits } from './limits.ts';
import type { Logger } from './ports.ts';

/**
 * The heartbeats of one connection after the other. They go out whatever else is under way: each carries the mark, and its
 * answer what moved, so a notification that was lost in one conversation is found while another one is busy.
 */
export class Beats {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #limits: EngineLimits;
  readonly #mark: () => SyncMark;
  readonly #answered: (answer: HeartbeatResponse) => void;
  readonly #dead: () => void;
  #link: ConnectionLink | undefined;
  #heartbeat: Heartbeat | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(parts: {
    clock: Clock;
    random: Random;
    logger: Logger;
    limits: EngineLimits;
    mark: () => SyncMark;
    answered: (answer: HeartbeatResponse) => void;
    /** Nobody is there any more. */
    dead: () => void;
  }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#logger = parts.logger;
    this.#limits = parts.limits;
    this.#mark = parts.mark;
    this.#answered = parts.answered;
    this.#dead = parts.dead;
  }

  start(link: ConnectionLink, { heartbeatIntervalMs, heartbeatTimeoutMs }: LoginResponse): void {
    this.#link = link;
    this.#heartbeat = new Heartbeat(
      {
        intervalMs: heartbeatIntervalMs || 30_000,
        timeoutMs: heartbeatTimeoutMs || 75_000,
        jitter: 0.1,
        random: () => this.#random.fraction(),
      },
      this.#clock.now(),
    );
    this.#schedule();
  }

  stop(): void {
    this.#link = undefined;
    this.#heartbeat = undefined;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** Anything came from the other side. */
  received(): void {
    this.#heartbeat?.received(this.#clock.now());
  }

  /** Is there anybody? Asked after sleep and network changes, when TCP itself would find out much later. */
  probe(): void {
    this.#beat(this.#limits.probeTimeoutMs, () => this.#dead());
  }

  #schedule(): void {
    const heartbeat = this.#heartbeat;
    if (!heartbeat) return;
    this.#cancelTimer = this.#clock.setTimer(Math.max(1, heartbeat.nextTimeout() - this.#clock.now()), () => {
      this.#cancelTimer = undefined;
      this.#check();
    });
  }

  #check(): void {
    const due = this.#heartbeat?.check(this.#clock.now());
    if (due === 'dead') {
      this.#logger.info({}, 'the gate is silent');
      this.#dead();
      return;
    }
    if (due === 'beat') this.#beat(this.#limits.requestTimeoutMs, () => undefined);
    this.#schedule();
  }

  #beat(timeoutMs: number, onSilence: () => void): void {
    const link = this.#link;
    if (!link) return;
    this.#heartbeat?.sent(this.#clock.now());
    link.request(Command.heartbeat, heartbeatRequest, { mark: this.#mark() }, heartbeatResponse, timeoutMs).then(
      (answer) => {
        if (link === this.#link) this.#answered(answer);
      },
      (error: unknown) => {
        if (link !== this.#link) return;
        if (asFastimError(error).reason === 'TIMEOUT') onSilence();
        else this.#logger.debug(describe(error), 'heartbeat refused');
      },
    );
  }
}
