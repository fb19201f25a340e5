import { type Clock, OverloadControl, userLevel } from '@fastim/core';
import type { Logger } from 'pino';
import type { UplinkPacket } from '../../cluster/contract.ts';
import type { Route } from '../../routing/route-table.ts';
import type { Answer, Refusal } from '../answer.ts';
import { CLIENT_PATIENCE, overloadRetry } from '../logic-limits.ts';
import type { LogicMetrics } from '../logic-metrics.ts';
import type { QueueWait } from './queue-wait.ts';
import { WorkClass, workClassNames } from './work-class.ts';

/** Nothing was refused for so long: it is over. */
const OVER_MS = 5_000;

/**
 * Whether a request is begun or refused because there is too much to do (DESIGN 8). Decided by its class and its user
 * alone, before anything of it is decoded or read. Who is refused is told how long to stay away: longer the further he is
 * above what is let in now, each a little differently.
 *
 * What has waited for longer than its client does is not begun either: the client has given it up, or has sent it again
 * behind this one. It is answered all the same, and a SEND comes again.
 */
export class OverloadGuard {
  readonly #wait: QueueWait;
  readonly #answer: Answer;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metrics: LogicMetrics;
  readonly #control: OverloadControl;
  #began: number | undefined;
  #lastRefusing = 0;
  #refused = 0;

  constructor(parts: {
    wait: QueueWait;
    waitLimitMs: number;
    answer: Answer;
    clock: Clock;
    logger: Logger;
    metrics: LogicMetrics;
  }) {
    this.#wait = parts.wait;
    this.#answer = parts.answer;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#metrics = parts.metrics;
    this.#control = new OverloadControl({
      classes: workClassNames.length,
      waitLimitMs: parts.waitLimitMs,
      meanWaitMs: () => parts.wait.take(),
    });
  }

  get meanWaitMs(): number {
    return this.#control.meanWaitMs;
  }

  /** The first class that is not let in as a whole; one more than there are: all are. */
  get threshold(): { readonly class: number; readonly level: number } {
    return this.#control.threshold;
  }

  /** Undefined: let it in. */
  check(packet: UplinkPacket, route: Route, workClass: number): Refusal | undefined {
    const now = this.#clock.now();
    const waited = this.#wait.arrived(packet, now);
    const above = this.#control.offer(workClass, userLevel(route.identity.userId, now), now);
    if (this.#control.refusing || this.#began !== undefined) this.#watch(now);
    if (above === undefined && (waited < CLIENT_PATIENCE || workClass === WorkClass.vital)) return undefined;
    this.#refused += 1;
    this.#metrics.overloadRefused.inc({ class: workClassNames[workClass] ?? 'unknown' });
    const { least, most } = overloadRetry;
    const retryAfterMs = this.#answer.spread(least + (most - least) * (above ?? 0));
    return { reason: 'OVERLOADED', message: undefined, retryAfterMs };
  }

  #watch(now: number): void {
    if (this.#control.refusing) {
      this.#lastRefusing = now;
      if (this.#began !== undefined) return;
      this.#began = now;
      this.#refused = 0;
      const waitMs = Math.round(this.#control.meanWaitMs);
      this.#logger.warn({ waitMs, threshold: this.#control.threshold }, 'overload: requests are refused');
    } else if (this.#began !== undefined && Math.abs(now - this.#lastRefusing) >= OVER_MS) {
      this.#logger.info({ lastedMs: this.#lastRefusing - this.#began, refused: this.#refused }, 'overload is over');
      this.#began = undefined;
    }
  }
}
