import type { Random } from '@fastim/core';
import { FastimError } from '@fastim/protocol';
import * as argon2 from '@node-rs/argon2';
import type { AuthConfig } from '../config.ts';

/** The hashing itself; the real one is argon2id of @node-rs/argon2. */
export interface Argon2 {
  hash(password: string, options: argon2.Options): Promise<string>;
  verify(record: string, password: string): Promise<boolean>;
}

export interface PasswordHasherOptions {
  parameters: AuthConfig['argon2'];
  random: Random;
  /** Hashes at a time: the cores. More would only slow each other down. */
  concurrency: number;
  /** Calls that may wait; past it the answer is OVERLOADED, so that a flood of log-ins cannot pile up memory. */
  queueLimit?: number;
  engine?: Argon2;
}

/** OWASP's floor for argon2id. Records under it are never written. */
const recordShape = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$[A-Za-z0-9+/]{22,}\$[A-Za-z0-9+/]{43,}$/;
const MIN_MEMORY_KIB = 19_456;
const MIN_PASSES = 2;
const RETRY_AFTER_MS = 2_000;

/**
 * Password records (PHC strings), with bounded work. A verification costs the same whether the user exists or not: an
 * absent record is checked against a record made at start from random bytes, and never matches.
 */
export class PasswordHasher {
  readonly #options: Required<PasswordHasherOptions>;
  readonly #absentRecord: string;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  private constructor(options: Required<PasswordHasherOptions>, absentRecord: string) {
    this.#options = options;
    this.#absentRecord = absentRecord;
  }

  /** Rejects when the hashing does not give a record of the strength asked for: better no start than weak records. */
  static async create(options: PasswordHasherOptions): Promise<PasswordHasher> {
    const complete = { queueLimit: 64, engine: argon2, ...options };
    const hasher = new PasswordHasher(complete, '');
    const absentRecord = await hasher.hash(Buffer.from(options.random.bytes(32)).toString('base64'));
    return new PasswordHasher(complete, absentRecord);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get running(): number {
    return this.#running;
  }

  async hash(password: string): Promise<string> {
    const { memoryKiB, passes, parallelism } = this.#options.parameters;
    const record = await this.#inTurn(() =>
      this.#options.engine.hash(password, {
        // Algorithm.Argon2id; the package's enum is const and cannot be used with isolated modules.
        algorithm: 2,
        memoryCost: memoryKiB,
        timeCost: passes,
        parallelism,
        salt: this.#options.random.bytes(16),
      }),
    );
    const strength = readStrength(record);
    if (strength.memoryKiB < MIN_MEMORY_KIB || strength.passes < MIN_PASSES) {
      throw new Error('the password record is weaker than allowed');
    }
    return record;
  }

  /** `record` undefined: no such user. Rejects for a stored record that is not one: that is damage, not a wrong password. */
  async verify(record: string | undefined, password: string): Promise<{ matches: boolean; outdated: boolean }> {
    const strength = readStrength(record ?? this.#absentRecord);
    const matches = await this.#inTurn(() => this.#options.engine.verify(record ?? this.#absentRecord, password));
    const { memoryKiB, passes, parallelism } = this.#options.parameters;
    return {
      matches: matches && record !== undefined,
      outdated: strength.memoryKiB !== memoryKiB || strength.passes !== passes || strength.parallelism !== parallelism,
    };
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#options.concurrency) {
      if (this.#waiting.length >= this.#options.queueLimit) {
        throw new FastimError('OVERLOADED', 'Too many log-ins at once.', { retryAfterMs: RETRY_AFTER_MS });
      }
      // The one that ends hands its place over, so #running does not change in between.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running += 1;
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}

function readStrength(record: string): { memoryKiB: number; passes: number; parallelism: number } {
  const found = recordShape.exec(record);
  if (!found) throw new Error('a stored password record is damaged');
  return { memoryKiB: Number(found[1]), passes: Number(found[2]), parallelism: Number(found[3]) };
}
