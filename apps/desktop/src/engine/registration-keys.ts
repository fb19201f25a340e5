import { errorCatalogue } from '@fastim/protocol';
import { asFastimError } from './errors.ts';

const MAX_OPEN = 8;

/**
 * The Idempotency-Keys of registrations whose outcome is not known: the answer may have been lost when the account was
 * made already, and then the same words tried again must bring that account instead of NAME_TAKEN. In memory only; a
 * registration that came to an end, either way, is forgotten.
 */
export class RegistrationKeys {
  readonly #makeKey: () => string;
  /** Oldest first; few, since a person tries one after the other. */
  readonly #open = new Map<string, string>();

  constructor(makeKey: () => string) {
    this.#makeKey = makeKey;
  }

  /** Runs `register` with the key that the same registration had before, or a new one. */
  async run<T>(registration: readonly string[], register: (key: string) => Promise<T>): Promise<T> {
    const identity = JSON.stringify(registration);
    const key = this.#open.get(identity) ?? this.#makeKey();
    this.#open.set(identity, key);
    const [oldest] = this.#open.keys();
    if (this.#open.size > MAX_OPEN && oldest !== undefined) this.#open.delete(oldest);
    try {
      const result = await register(key);
      this.#open.delete(identity);
      return result;
    } catch (error) {
      if (errorCatalogue[asFastimError(error).reason].retry !== 'later') this.#open.delete(identity);
      throw error;
    }
  }

  /** They hold passwords. */
  clear(): void {
    this.#open.clear();
  }
}
