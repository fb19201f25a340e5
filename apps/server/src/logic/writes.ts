import type { Answer } from './answer.ts';
import { retryAfter } from './logic-limits.ts';

/** Writes that are answered one by one (not messages, not cursors): none begins after stop, which waits for the last. */
export class Writes {
  readonly #answer: Answer;
  readonly #underWay = new Set<Promise<unknown>>();
  #stopping = false;

  constructor(answer: Answer) {
    this.#answer = answer;
  }

  /** Rejects with what the write rejects with, and with UNAVAILABLE after stop. */
  async run<T>(write: () => Promise<T>): Promise<T> {
    if (this.#stopping) throw this.#answer.notNow('UNAVAILABLE', retryAfter.unavailable);
    const running = write();
    this.#underWay.add(running);
    try {
      return await running;
    } finally {
      this.#underWay.delete(running);
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }
}
