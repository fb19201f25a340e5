import { errorCatalogue } from '@fastim/protocol';
import { asFastimError } from './errors.ts';

const MAX_OPEN = 8;

/**
 * The keys of requests whose outcome is not known: the answer may have been lost when the request was done already, and
 * then the same words tried again must bring its result instead of a second effect (or NAME_TAKEN). In memory only; a
 * request that came to an end, either way, is forgotten.
 */
export class IdempotencyKeys {
  readonly #makeKey: () => string;
  /** Oldest first; few, since a person tries one after the other. */
  readonly #open = new Map<string, string>();

  constructor(makeKey: () => string) {
    this.#makeKey = makeKey;
  }

  /** Runs `request` with the key that the same words had before, or a new one. */
  async run<T>(words: readonly unknown[], request: (key: string) => Promise<T>): Promise<T> {
    const identity = JSON.stringify(words);
    const key = this.#open.get(identity) ?? this.#makeKey();
    this.#open.set(identity, key);
    const [oldest] = this.#open.keys();
    if (this.#open.size > MAX_OPEN && oldest !== undefined) this.#open.delete(oldest);
    try {
      const result = await request(key);
      this.#open.delete(identity);
      return result;
    } catch (error) {
      if (errorCatalogue[asFastimError(error).reason].retry !== 'later') this.#open.delete(identity);
      throw error;
    }
  }

  /** They may hold passwords. */
  clear(): void {
    this.#open.clear();
  }
}
