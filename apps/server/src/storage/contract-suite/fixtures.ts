import { afterAll, beforeAll } from 'vitest';
import type { AppendOutcome, AppendRequest } from '../message-store.ts';
import type { NewSession, SessionRecord } from '../session-store.ts';
import type { Storage } from '../storage.ts';
import type { UserRecord } from '../user-store.ts';

/** Opens an empty storage; the suite closes it. */
export type OpenStorage = () => Promise<Storage>;

export type StoredOutcome = Extract<AppendOutcome, { outcome: 'stored' | 'repeated' }>;

/** More rounds for a long run. */
export const TEST_SCALE = Math.max(1, Number(process.env.FASTIM_TEST_SCALE ?? 1) || 1);

const START_MS = 1_800_000_000_000;

/** One storage for a group of tests that each use their own users and conversations. */
export function useStorage(open: OpenStorage): Fixture {
  const fixture = new Fixture();
  beforeAll(async () => {
    fixture.storage = await open();
  });
  afterAll(async () => {
    await fixture.storage.close();
  });
  return fixture;
}

/** Makes people, conversations and messages with ids that were never used before. */
export class Fixture {
  storage!: Storage;
  #ids = 0n;
  #nowMs = START_MS;

  /** A new 63-bit id, past what a JavaScript number holds. */
  id(): bigint {
    this.#ids += 1n;
    return (1n << 61n) + this.#ids * 4_194_305n;
  }

  /** Later by a second at each call. */
  later(): number {
    this.#nowMs += 1_000;
    return this.#nowMs;
  }

  clientMsgId(): Uint8Array {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setBigInt64(0, this.id());
    return bytes;
  }

  hash(): Uint8Array {
    const bytes = new Uint8Array(32);
    new DataView(bytes.buffer).setBigInt64(12, this.id());
    return bytes;
  }

  async user(overrides: Partial<UserRecord> = {}): Promise<UserRecord> {
    const userId = this.id();
    const user: UserRecord = {
      userId,
      username: `User-${userId}`,
      usernameKey: `user-${userId}`,
      displayName: `Person ${userId}`,
      passwordHash: '$argon2id$v=19$m=19456,t=2,p=1$salt$hash',
      createdMs: this.later(),
      ...overrides,
    };
    if ((await this.storage.users.create(user)) === 'taken') throw new Error(`${user.usernameKey} is taken`);
    return user;
  }

  /** Two users with a direct conversation. */
  async pair(): Promise<{ conversationId: bigint; first: UserRecord; second: UserRecord }> {
    const [first, second] = [await this.user(), await this.user()];
    const { conversationId } = await this.storage.conversations.openDirect(
      first.userId,
      second.userId,
      this.id(),
      this.later(),
    );
    return { conversationId, first, second };
  }

  request(conversationId: bigint, senderId: bigint, overrides: Partial<AppendRequest> = {}): AppendRequest {
    return {
      conversationId,
      senderId,
      clientMsgId: this.clientMsgId(),
      msgId: this.id(),
      kind: 1,
      body: new TextEncoder().encode('hello 你好'),
      serverTimeMs: this.later(),
      counts: true,
      ...overrides,
    };
  }

  /** Stores `count` messages of one sender, one batch. */
  async send(conversationId: bigint, senderId: bigint, count = 1): Promise<StoredOutcome[]> {
    const batch = Array.from({ length: count }, () => this.request(conversationId, senderId));
    return (await this.storage.messages.append(batch)).map(stored);
  }

  newSession(userId: bigint, overrides: Partial<NewSession> = {}): NewSession {
    const nowMs = this.later();
    return {
      sessionId: this.id(),
      userId,
      deviceId: 'd'.repeat(32),
      deviceName: 'test device',
      accessHash: this.hash(),
      accessExpiresMs: nowMs + 15 * 60_000,
      refreshHash: this.hash(),
      refreshExpiresMs: nowMs + 30 * 24 * 3_600_000,
      nowMs,
      ...overrides,
    };
  }

  async session(userId: bigint, overrides: Partial<NewSession> = {}): Promise<SessionRecord> {
    return this.storage.sessions.create(this.newSession(userId, overrides));
  }
}

export function stored(outcome: AppendOutcome | undefined): StoredOutcome {
  if (!outcome || outcome.outcome === 'not-a-member') throw new Error('was not stored');
  return outcome;
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

export function sorted(ids: readonly bigint[]): bigint[] {
  return [...ids].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
