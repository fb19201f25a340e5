import type { Logger } from '../observe/logger.ts';

/**
 * What was started, to be stopped in reverse. One part that fails to stop does not keep the others from it; its fault is
 * logged. Running twice stops once.
 */
export class StopStack {
  readonly #logger: Logger;
  readonly #stops: { name: string; stop: () => void | Promise<void> }[] = [];
  #running: Promise<void> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(name: string, stop: () => void | Promise<void>): void {
    this.#stops.push({ name, stop });
  }

  run(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    for (const { name, stop } of this.#stops.toReversed()) {
      try {
        await stop();
      } catch (error) {
        this.#logger.error({ err: error, stopping: name }, 'a part did not stop cleanly');
      }
    }
  }
}
