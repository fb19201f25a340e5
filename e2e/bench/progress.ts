import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenLoop } from './options.ts';

/** Nothing moved for so long: something is wrong. */
const STALL_MS = 15_000;

/** Calls `stalled` when `count` has been the same for too long. Returns how to stop watching. */
export function watchProgress(count: () => number, stalled: (error: Error) => void): () => void {
  let seen = -1;
  let since = performance.now();
  const timer = setInterval(() => {
    if (count() !== seen) {
      seen = count();
      since = performance.now();
    } else if (performance.now() - since > STALL_MS) {
      stalled(new Error(`nothing moved for ${STALL_MS / 1000} s, after ${seen} messages`));
    }
  }, 1_000);
  return () => clearInterval(timer);
}

/** Calls `send` for message i at began + i / rate; a late timer makes up for it, and `at` is the time by the plan. */
export async function paced({ rate, seconds }: OpenLoop, send: (index: number, at: number) => void): Promise<void> {
  const messages = rate * seconds;
  const began = performance.now();
  for (let next = 0; next < messages; ) {
    const now = performance.now();
    for (; next < messages && began + (next * 1000) / rate <= now; next += 1) send(next, began + (next * 1000) / rate);
    if (next < messages) await sleep(1);
  }
}

/** Does something for each, some at a time. */
export async function forEach<T>(items: readonly T[], atATime: number, run: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const item = items[next]!;
      next += 1;
      await run(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atATime, items.length) }, worker));
}

/** The first error that anybody reports ends the run. */
export class Breaker {
  readonly #broken = Promise.withResolvers<never>();

  constructor() {
    this.#broken.promise.catch(() => {});
  }

  readonly report = (error: Error): void => this.#broken.reject(error);

  race<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#broken.promise]);
  }
}
