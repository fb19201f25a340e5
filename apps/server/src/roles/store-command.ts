import type { Clock } from '@fastim/core';
import type { Logger } from 'pino';
import { moveStore } from '../storage/move/move-store.ts';
import { restoredStore } from '../storage/postgres/restore/restored-store.ts';

export type StoreCommand = 'migrate-store' | 'restored-store';

export function isStoreCommand(word: string | undefined): word is StoreCommand {
  return word === 'migrate-store' || word === 'restored-store';
}

export interface StoreCommandOptions {
  /** The data folder that is moved; restored-store has none. */
  readonly data: string;
  /** The database. */
  readonly url: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Lines for whoever waits, at most one a second. */
  readonly say: (line: string) => void;
}

const SAY_MS = 1_000;

/**
 * What an operator does with the database of a cluster besides running servers on it. Resolves with what was done, as one
 * object for a line of JSON, and with what is wrong, if anything; rejects with StorageRefusal or StorageError, whose
 * messages are for the operator too.
 */
export async function runStoreCommand(
  command: StoreCommand,
  options: StoreCommandOptions,
): Promise<{ result: Readonly<Record<string, unknown>>; problems: readonly string[] }> {
  const startMs = options.clock.now();
  const { result, problems } = await (command === 'migrate-store' ? move(options) : restored(options));
  return { result: { command, ...result, seconds: (options.clock.now() - startMs) / 1_000 }, problems };
}

async function move({ data, url, clock, logger, say }: StoreCommandOptions) {
  let saidMs = clock.now();
  const { outcome, rows, tables, historyEpoch } = await moveStore({
    data,
    url,
    clock,
    logger,
    onProgress: (progress) => {
      const nowMs = clock.now();
      if (nowMs - saidMs < SAY_MS) return;
      saidMs = nowMs;
      say(`${progress.table}: ${progress.rows} of ${progress.of} rows`);
    },
  });
  return { result: { outcome, rows, tables, historyEpoch: String(historyEpoch) }, problems: [] };
}

async function restored({ url, clock, logger }: StoreCommandOptions) {
  const { historyEpoch, conversations, messages, problems } = await restoredStore({ url, clock, logger });
  return {
    result: {
      outcome: historyEpoch === undefined ? 'damaged' : 'ready',
      conversations,
      messages,
      historyEpoch: historyEpoch === undefined ? null : String(historyEpoch),
      problems,
    },
    problems,
  };
}
