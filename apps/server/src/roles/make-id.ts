import type { BusinessLine, Clock, Snowflake } from '@fastim/core';
import { FastimError } from '@fastim/protocol';
import type { Logger } from '../observe/logger.ts';

const RETRY_AFTER_MS = 5_000;

/** The next id of a business line; throws UNAVAILABLE when the clock or the lease does not allow one. */
export function idMaker(
  snowflake: Pick<Snowflake, 'next'>,
  clock: Clock,
  logger: Logger,
  line: BusinessLine,
): () => bigint {
  return () => {
    const result = snowflake.next(clock.now(), line);
    if (result.ok) return result.id;
    logger.error({ refusal: result }, 'no id can be made');
    throw new FastimError('UNAVAILABLE', undefined, { retryAfterMs: RETRY_AFTER_MS });
  };
}
