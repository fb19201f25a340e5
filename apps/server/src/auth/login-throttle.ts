import { type Clock, RateLimiter } from '@fastim/core';
import { FastimError } from '@fastim/protocol';

export interface LoginThrottleOptions {
  clock: Clock;
  failuresPerAccount: number;
  failuresPerAddress: number;
  maxAccounts?: number;
}

/** One try that was let through. Exactly one of its ends is said, once. */
export interface LoginAttempt {
  /** The password was right: the account starts anew. */
  succeeded(): void;
  /** The try was not decided (overload, storage): it does not count. */
  withdrawn(): void;
}

interface Account {
  failures: number;
  blockedUntilMs: number;
  forgetAtMs: number;
}

const WINDOW_MS = 15 * 60_000;
const MAX_DELAY_MS = 15 * 60_000;
const FIRST_DELAY_MS = 1_000;
const ADDRESS_WINDOW_SECONDS = 3_600;

/**
 * Slows guessing down: an account has `failuresPerAccount` free failures, then each further one costs a wait that
 * doubles from 1 s to 15 min, and is never locked for good; an address has `failuresPerAddress` an hour. Accounts are
 * counted by name whether they exist or not, so that the answers do not tell them apart. A try counts as failed from
 * its start, so that many at once do not slip through; success or withdrawal takes it back.
 */
export class LoginThrottle {
  readonly #clock: Clock;
  readonly #free: number;
  readonly #maxAccounts: number;
  readonly #accounts = new Map<string, Account>();
  readonly #addresses: RateLimiter<string>;

  constructor(options: LoginThrottleOptions) {
    this.#clock = options.clock;
    this.#free = options.failuresPerAccount;
    this.#maxAccounts = options.maxAccounts ?? 50_000;
    this.#addresses = new RateLimiter({
      burst: options.failuresPerAddress,
      perSecond: options.failuresPerAddress / ADDRESS_WINDOW_SECONDS,
    });
  }

  /** Throws TOO_MANY_ATTEMPTS with the time to wait; that does not make the wait longer. */
  begin(usernameKey: string, addressKey: string): LoginAttempt {
    const now = this.#clock.now();
    const account = this.#account(usernameKey, now);
    if (account.blockedUntilMs > now) throw tooMany(account.blockedUntilMs - now);
    const addressWaitMs = this.#addresses.take(addressKey, now);
    if (addressWaitMs > 0) throw tooMany(addressWaitMs);

    const before = { ...account };
    account.failures += 1;
    account.blockedUntilMs = now + this.#delayMs(account.failures);
    account.forgetAtMs = Math.max(now, account.blockedUntilMs) + WINDOW_MS;
    // Anew, so that the map's order is the order of last use.
    this.#accounts.delete(usernameKey);
    this.#accounts.set(usernameKey, account);
    this.#forget(now);

    return {
      succeeded: () => {
        this.#accounts.delete(usernameKey);
        this.#addresses.giveBack(addressKey);
      },
      withdrawn: () => {
        account.failures = Math.max(0, account.failures - 1);
        account.blockedUntilMs = Math.min(account.blockedUntilMs, before.blockedUntilMs);
        this.#addresses.giveBack(addressKey);
      },
    };
  }

  #account(usernameKey: string, now: number): Account {
    const known = this.#accounts.get(usernameKey);
    if (known && known.forgetAtMs > now) return known;
    return { failures: 0, blockedUntilMs: 0, forgetAtMs: 0 };
  }

  /** After that many failures. */
  #delayMs(failures: number): number {
    const over = failures - this.#free;
    return over < 0 ? 0 : Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(over, 20));
  }

  #forget(now: number): void {
    for (const [key, account] of this.#accounts) {
      if (account.forgetAtMs > now && this.#accounts.size <= this.#maxAccounts) break;
      this.#accounts.delete(key);
    }
  }
}

function tooMany(waitMs: number): FastimError {
  return new FastimError('TOO_MANY_ATTEMPTS', 'Too many failed attempts. Wait before the next one.', {
    retryAfterMs: Math.ceil(waitMs),
  });
}
