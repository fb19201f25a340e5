import type { Clock } from '@fastim/core';
import type { Logger } from '../observe/logger.ts';
import { StartAborted } from './running-role.ts';

export interface WaitForOptions {
  /** "PostgreSQL", for the log. */
  readonly what: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stopping?: AbortSignal | undefined;
  /** Waiting would not help. */
  readonly isFinal: (error: unknown) => boolean;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 2_000;
const SAY_EVERY_MS = 10_000;

/** Tries until it succeeds, and says so while it has to wait. Rejects with what is final, or StartAborted. */
export async function waitFor<T>(attempt: () => Promise<T>, options: WaitForOptions): Promise<T> {
  const { what, clock, logger, stopping, isFinal } = options;
  let pauseMs = FIRST_PAUSE_MS;
  let saidAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    if (stopping?.aborted) throw new StartAborted();
    try {
      return await attempt();
    } catch (error) {
      if (isFinal(error)) throw error;
      if (clock.now() - saidAt >= SAY_EVERY_MS) {
        saidAt = clock.now();
        logger.warn({ err: error }, `waiting for ${what}, which does not answer`);
      }
    }
    await pause(pauseMs, clock, stopping);
    pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
  }
}

/** The same for something that only has to come: rejects with StartAborted. */
export async function untilStopping<T>(promise: Promise<T>, stopping: AbortSignal | undefined): Promise<T> {
  if (!stopping) return promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(new StartAborted());
  if (stopping.aborted) abort();
  stopping.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    stopping.removeEventListener('abort', abort);
  }
}

function pause(ms: number, clock: Clock, stopping: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      stopping?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.setTimer(ms, done);
    stopping?.addEventListener('abort', done, { once: true });
  });
}
