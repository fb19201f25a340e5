import type { Clock, RateLimiter } from '@fastim/core';
import { FastimError } from '@fastim/protocol';
import { addressKey } from '../net/client-address.ts';
import type { Logger } from '../observe/logger.ts';
import { foldText } from '../storage/fold-text.ts';
import type { UserRecord, UserStore } from '../storage/user-store.ts';
import type { AuthMetrics } from './auth-metrics.ts';
import type { LoginAttempt, LoginThrottle } from './login-throttle.ts';
import type { PasswordHasher } from './password-hasher.ts';
import { preparePassword, requireGoodPassword } from './password-rules.ts';
import type { Device, IssuedSession, SessionService } from './session-service.ts';
import { parseDisplayName, parseUsername } from './username.ts';

export interface AccountServiceOptions {
  users: UserStore;
  sessions: SessionService;
  hasher: PasswordHasher;
  throttle: LoginThrottle;
  registrations: RateLimiter<string>;
  clock: Clock;
  logger: Logger;
  metrics: AuthMetrics;
  makeId: () => bigint;
}

export interface Registration {
  username: string;
  displayName: string | undefined;
  password: string;
  device: Device;
}

export interface Credentials {
  username: string;
  password: string;
  device: Device;
}

export interface LoggedIn {
  user: UserRecord;
  session: IssuedSession;
}

/** Who may come in, and as whom. */
export class AccountService {
  readonly #options: AccountServiceOptions;

  constructor(options: AccountServiceOptions) {
    this.#options = options;
  }

  /**
   * A new user with a first session. The two are not one transaction: when the second fails the account exists, and its
   * owner logs in.
   */
  async register(request: Registration, remoteAddress: string): Promise<LoggedIn> {
    const { users, sessions, hasher, registrations, clock, logger, makeId } = this.#options;
    const { username, usernameKey } = parseUsername(request.username);
    const displayName = parseDisplayName(request.displayName ?? username);
    const password = requireGoodPassword(request.password, usernameKey);
    const waitMs = registrations.take(addressKey(remoteAddress), clock.now());
    if (waitMs > 0) {
      throw new FastimError('RATE_LIMITED', 'Too many registrations from this address.', { retryAfterMs: waitMs });
    }
    // Asked first only to save the hashing; create decides.
    if (await users.byUsernameKey(usernameKey)) throw new FastimError('NAME_TAKEN');
    const user: UserRecord = {
      userId: makeId(),
      username,
      usernameKey,
      displayName,
      passwordHash: await hasher.hash(password),
      createdMs: clock.now(),
      showOnline: true,
    };
    if ((await users.create(user)) === 'taken') throw new FastimError('NAME_TAKEN');
    this.#options.metrics.registered();
    logger.info({ userId: String(user.userId) }, 'user registered');
    return { user, session: await sessions.create(user.userId, request.device) };
  }

  /**
   * Throws INVALID_CREDENTIALS, alike in text, time and throttling whether the name exists or not, or
   * TOO_MANY_ATTEMPTS with the time to wait; during the wait no password is looked at, the right one included.
   */
  async logIn(credentials: Credentials, remoteAddress: string): Promise<LoggedIn> {
    const { sessions, logger, metrics } = this.#options;
    const usernameKey = foldText(credentials.username);
    const attempt = this.#begin(usernameKey, remoteAddress);
    const password = preparePassword(credentials.password);
    const user = password === undefined ? undefined : await this.#match(usernameKey, password, attempt);
    if (!user) {
      metrics.login('failed');
      throw new FastimError('INVALID_CREDENTIALS');
    }
    attempt.succeeded();
    metrics.login('succeeded');
    const session = await sessions.create(user.userId, credentials.device);
    logger.info({ userId: String(user.userId), sessionId: String(session.sessionId) }, 'user logged in');
    return { user, session };
  }

  #begin(usernameKey: string, remoteAddress: string): LoginAttempt {
    try {
      return this.#options.throttle.begin(usernameKey, addressKey(remoteAddress));
    } catch (error) {
      this.#options.metrics.login('throttled');
      throw error;
    }
  }

  /** The user whose password it is; undefined after the same work when there is none. */
  async #match(usernameKey: string, password: string, attempt: LoginAttempt): Promise<UserRecord | undefined> {
    const { users, hasher, metrics } = this.#options;
    try {
      const user = await users.byUsernameKey(usernameKey);
      const { matches, outdated } = await hasher.verify(user?.passwordHash, password);
      if (!user || !matches) return undefined;
      if (outdated) await this.#rehash(user.userId, password);
      return user;
    } catch (error) {
      attempt.withdrawn();
      metrics.login('undecided');
      throw error;
    }
  }

  /** The log-in does not depend on it: the old record still works, and the next log-in tries again. */
  async #rehash(userId: bigint, password: string): Promise<void> {
    try {
      await this.#options.users.setPasswordHash(userId, await this.#options.hasher.hash(password));
    } catch (error) {
      this.#options.logger.warn({ err: error, userId: String(userId) }, 'the password record was not renewed');
    }
  }
}
