import { type Clock, type Random, RateLimiter } from '@fastim/core';
import type { Registry } from 'prom-client';
import type { AuthConfig } from '../config.ts';
import type { Logger } from '../observe/logger.ts';
import type { SessionStore } from '../storage/session-store.ts';
import type { UserStore } from '../storage/user-store.ts';
import { AccountService } from './account-service.ts';
import { AuthMetrics } from './auth-metrics.ts';
import { LoginThrottle } from './login-throttle.ts';
import { type Argon2, PasswordHasher } from './password-hasher.ts';
import type { SessionAccess } from './session-access.ts';
import { SessionService } from './session-service.ts';

export interface AuthOptions {
  config: AuthConfig;
  users: UserStore;
  sessions: SessionStore;
  access: SessionAccess;
  clock: Clock;
  random: Random;
  logger: Logger;
  registry: Registry;
  /** For users and sessions. */
  makeId: () => bigint;
  /** Closes the session's connections on every gate. */
  endSession: (sessionId: bigint, closeCode: number) => void;
  cores: number;
  argon2?: Argon2;
}

export interface Auth {
  accounts: AccountService;
  sessions: SessionService;
  hasher: PasswordHasher;
}

/** Accounts and sessions over the stores. Rejects when password hashing does not work as configured. */
export async function createAuth(options: AuthOptions): Promise<Auth> {
  const { config, clock, random, logger, makeId } = options;
  const hasher = await PasswordHasher.create({
    parameters: config.argon2,
    random,
    concurrency: options.cores,
    ...(options.argon2 && { engine: options.argon2 }),
  });
  const metrics = new AuthMetrics(options.registry, () => ({ running: hasher.running, waiting: hasher.waiting }));
  const sessions = new SessionService({
    sessions: options.sessions,
    access: options.access,
    clock,
    random,
    logger,
    config,
    metrics,
    makeId,
    endSession: options.endSession,
  });
  const accounts = new AccountService({
    users: options.users,
    sessions,
    hasher,
    throttle: new LoginThrottle({
      clock,
      failuresPerAccount: config.failuresPerAccount,
      failuresPerAddress: config.failuresPerAddress,
    }),
    registrations: new RateLimiter({
      burst: config.registrationsPerHourPerAddress,
      perSecond: config.registrationsPerHourPerAddress / 3_600,
    }),
    clock,
    logger,
    metrics,
    makeId,
  });
  return { accounts, sessions, hasher };
}
