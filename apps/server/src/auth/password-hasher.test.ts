import { FastimError } from '@fastim/protocol';
import { hash, verify } from '@node-rs/argon2';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../roles/system-ports.ts';
import { type Argon2, PasswordHasher } from './password-hasher.ts';

const parameters = { memoryKiB: 19_456, passes: 2, parallelism: 1 };

/** The real hashing, with a look at how much of it runs. */
class WatchedArgon2 implements Argon2 {
  calls: string[] = [];
  running = 0;
  mostRunning = 0;

  hash: Argon2['hash'] = (password, options) => this.#watch('hash', () => hash(password, options));
  verify: Argon2['verify'] = (record, password) => this.#watch('verify', () => verify(record, password));

  async #watch<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.calls.push(name);
    this.running += 1;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    try {
      return await work();
    } finally {
      this.running -= 1;
    }
  }
}

const make = (options: { concurrency?: number; queueLimit?: number; engine?: Argon2 } = {}) =>
  PasswordHasher.create({ parameters, random: systemRandom, concurrency: 2, ...options });

describe('the password hasher', () => {
  it('writes argon2id records of the strength asked for, each with its own salt', async () => {
    const hasher = await make();
    const [one, other] = await Promise.all([hasher.hash('correct horse'), hasher.hash('correct horse')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(one).not.toBe(other);
    expect(await hasher.verify(one, 'correct horse')).toEqual({ matches: true, outdated: false });
    expect(await hasher.verify(one, 'correct horsf')).toEqual({ matches: false, outdated: false });
  });

  it('says when a record was made with other parameters', async () => {
    const record = await (await make()).hash('correct horse');
    const stronger = await PasswordHasher.create({
      parameters: { ...parameters, passes: 3 },
      random: systemRandom,
      concurrency: 2,
    });
    expect(await stronger.verify(record, 'correct horse')).toEqual({ matches: true, outdated: true });
  });

  it('does the same work for an absent record, which nothing matches', async () => {
    const engine = new WatchedArgon2();
    const hasher = await make({ engine });
    const record = await hasher.hash('correct horse');
    engine.calls = [];
    await hasher.verify(record, 'wrong horse');
    const known = engine.calls;
    engine.calls = [];
    expect(await hasher.verify(undefined, 'wrong horse')).toEqual({ matches: false, outdated: false });
    expect(engine.calls).toEqual(known);
    expect(known).toEqual(['verify']);
  });

  it('rejects a damaged record instead of calling the password wrong', async () => {
    const hasher = await make();
    await expect(hasher.verify('', 'x')).rejects.toThrow('damaged');
    await expect(hasher.verify('$argon2i$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA', 'x')).rejects.toThrow(
      'damaged',
    );
  });

  it('refuses to start with a hashing that makes weaker records than allowed', async () => {
    const weak: Argon2 = { hash: (password) => hash(password, { memoryCost: 1024, timeCost: 2 }), verify };
    await expect(make({ engine: weak })).rejects.toThrow('weaker');
  });

  it('runs as many at a time as there are cores, queues some and turns the rest away', async () => {
    const engine = new WatchedArgon2();
    const hasher = await make({ concurrency: 2, queueLimit: 3, engine });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => hasher.verify(undefined, 'some password')),
    );
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected').map((outcome) => outcome.reason);
    expect(refused).toHaveLength(5);
    for (const error of refused) expect(error).toMatchObject({ reason: 'OVERLOADED', retryAfterMs: 2_000 });
    expect(refused[0]).toBeInstanceOf(FastimError);
    expect(engine.mostRunning).toBe(2);
    expect({ running: hasher.running, waiting: hasher.waiting }).toEqual({ running: 0, waiting: 0 });
  });

  it('goes on after a hash that failed', async () => {
    const hasher = await make({ concurrency: 1 });
    await expect(hasher.verify('$damaged', 'x')).rejects.toThrow();
    expect((await hasher.verify(undefined, 'x')).matches).toBe(false);
  });
});
