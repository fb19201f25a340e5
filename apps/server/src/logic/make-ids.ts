import type { BusinessLine, Clock, Snowflake } from '@fastim/core';
import type { Logger } from 'pino';
import type { Answer } from './answer.ts';
import { retryAfter } from './logic-limits.ts';

/** Where ids come from; in a cluster under a leased number, which may change or be missing for a while. */
export type IdSource = Pick<Snowflake, 'next'>;

/** Snowflakes for what logic stores. */
export class MakeIds {
  readonly #snowflake: IdSource;
  readonly #clock: Clock;
  readonly #answer: Answer;
  readonly #logger: Logger;

  constructor(parts: { snowflake: IdSource; clock: Clock; answer: Answer; logger: Logger }) {
    this.#snowflake = parts.snowflake;
    this.#clock = parts.clock;
    this.#answer = parts.answer;
    this.#logger = parts.logger;
  }

  /** Throws UNAVAILABLE when no id can be made now: never one that was given before. */
  next(line: BusinessLine, logId: number): bigint {
    const id = this.#snowflake.next(this.#clock.now(), line);
    if (id.ok) return id.id;
    this.#logger.error({ ...id, logId }, 'no ids: writing stands still until this is mended');
    throw this.#answer.notNow('UNAVAILABLE', retryAfter.unavailable);
  }
}

/** An id says which kind of conversation it belongs to, as the conversation's own id does. */
export function lineOf(conversationId: bigint): number {
  return Number((conversationId >> 7n) & 7n);
}
