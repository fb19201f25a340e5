import { ManualClock } from '@fastim/core/testing';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../roles/system-ports.ts';
import type { SessionRecord, SessionStore } from '../storage/session-store.ts';
import { StorageError } from '../storage/storage.ts';
import { SessionAccess } from './session-access.ts';
import { hashToken, makeToken } from './tokens.ts';

type Lookups = Pick<SessionStore, 'byAccessHash' | 'touch'>;

/** A store of one session whose answers wait for the test: the moments in between are what is tested here. */
class OneSession implements Lookups {
  readonly token = makeToken(systemRandom);
  record: SessionRecord;
  lookups = 0;
  touched = 0;
  answer: Promise<unknown> = Promise.resolve();

  constructor(clock: ManualClock) {
    this.record = {
      sessionId: 7n,
      userId: 1n,
      deviceId: 'a'.repeat(32),
      deviceName: 'test',
      epoch: 1,
      accessHash: hashToken(this.token)!,
      accessExpiresMs: clock.now() + 900_000,
      refreshHash: new Uint8Array(32),
      refreshExpiresMs: clock.now() + 9_000_000,
      createdMs: clock.now(),
      lastSeenMs: clock.now(),
      endedMs: undefined,
    };
  }

  async byAccessHash(hash: Uint8Array): Promise<SessionRecord | undefined> {
    this.lookups += 1;
    const found = Buffer.from(hash).equals(this.record.accessHash) ? { ...this.record } : undefined;
    await this.answer;
    return found;
  }

  async touch(): Promise<void> {
    this.touched += 1;
    throw new StorageError('full', 'no space');
  }
}

function make() {
  const clock = new ManualClock();
  const store = new OneSession(clock);
  const access = new SessionAccess({ sessions: store, clock, logger: pino({ level: 'silent' }) });
  return { clock, store, access };
}

describe('checking access tokens', () => {
  it('asks the store once per session, and never for what cannot be a token', async () => {
    const { store, access } = make();
    for (let index = 0; index < 10; index += 1) {
      expect(await access.verify(store.token)).toMatchObject({
        outcome: 'granted',
        identity: { userId: 1n, epoch: 1 },
      });
    }
    expect(store.lookups).toBe(1);
    for (const text of ['', 'x', `${store.token}A`, `${store.token.slice(1)}é`]) {
      expect(await access.verify(text)).toEqual({ outcome: 'unauthenticated' });
    }
    expect(store.lookups).toBe(1);
  });

  it('grants to the last millisecond of the token and not longer, cached or not', async () => {
    const { clock, store, access } = make();
    await access.verify(store.token);
    clock.advance(899_999);
    expect((await access.verify(store.token)).outcome).toBe('granted');
    clock.advance(1);
    expect((await access.verify(store.token)).outcome).toBe('unauthenticated');
  });

  it('refuses at once after forget', async () => {
    const { clock, store, access } = make();
    await access.verify(store.token);
    store.record.endedMs = clock.now();
    expect((await access.verify(store.token)).outcome).toBe('granted');
    access.forget(7n);
    expect((await access.verify(store.token)).outcome).toBe('ended');
  });

  it('does not cache a lookup that was under way when the session ended', async () => {
    const { clock, store, access } = make();
    let release = (_value?: unknown) => {};
    store.answer = new Promise((resolve) => {
      release = resolve;
    });
    const early = access.verify(store.token);
    store.record.endedMs = clock.now();
    access.forget(7n);
    release();
    expect((await early).outcome).toBe('granted');
    expect((await access.verify(store.token)).outcome).toBe('ended');
  });

  it('says unavailable when the store cannot answer, and asks again the next time', async () => {
    const { store, access } = make();
    store.answer = Promise.reject(new StorageError('io', 'read failed'));
    expect(await access.verify(store.token)).toEqual({ outcome: 'unavailable' });
    store.answer = Promise.resolve();
    expect((await access.verify(store.token)).outcome).toBe('granted');
  });

  it('notes when a session was last seen, seldom, and fails nothing when that fails', async () => {
    const { clock, store, access } = make();
    await access.verify(store.token);
    expect(store.touched).toBe(0);
    access.forget(7n);
    clock.advance(600_000);
    expect((await access.verify(store.token)).outcome).toBe('granted');
    expect(store.touched).toBe(1);
  });
});
