import { foldText } from '../../storage/fold-text.ts';
import type {
  NewSession,
  Rotation,
  RotationOutcome,
  SessionRecord,
  SessionStore,
} from '../../storage/session-store.ts';
import type { UserRecord, UserStore } from '../../storage/user-store.ts';

/** Users of the fake storage. */
export class MemoryUsers implements UserStore {
  readonly byId = new Map<bigint, UserRecord>();
  readonly #byKey = new Map<string, UserRecord>();
  readonly #assertOpen: () => void;

  constructor(assertOpen: () => void) {
    this.#assertOpen = assertOpen;
  }

  async create(user: UserRecord): Promise<'created' | 'taken'> {
    this.#assertOpen();
    if (this.#byKey.has(user.usernameKey)) return 'taken';
    this.#byKey.set(user.usernameKey, { ...user });
    this.byId.set(user.userId, this.#byKey.get(user.usernameKey)!);
    return 'created';
  }

  async byUsernameKey(usernameKey: string): Promise<UserRecord | undefined> {
    this.#assertOpen();
    const user = this.#byKey.get(usernameKey);
    return user && { ...user };
  }

  async byIds(userIds: readonly bigint[]): Promise<UserRecord[]> {
    this.#assertOpen();
    return [...new Set(userIds)].flatMap((userId) => {
      const user = this.byId.get(userId);
      return user ? [{ ...user }] : [];
    });
  }

  async setShowOnline(userId: bigint, showOnline: boolean): Promise<void> {
    this.#assertOpen();
    const user = this.byId.get(userId);
    if (user) user.showOnline = showOnline;
  }

  async setPasswordHash(userId: bigint, passwordHash: string): Promise<void> {
    this.#assertOpen();
    const user = this.byId.get(userId);
    if (user) user.passwordHash = passwordHash;
  }

  async search(queryKey: string, limit: number): Promise<UserRecord[]> {
    this.#assertOpen();
    const rank = (user: UserRecord): number => {
      const names = [user.usernameKey, foldText(user.displayName)];
      if (names.includes(queryKey)) return 0;
      if (names.some((name) => name.startsWith(queryKey))) return 1;
      return names.some((name) => name.includes(queryKey)) ? 2 : 3;
    };
    return [...this.byId.values()]
      .filter((user) => rank(user) < 3)
      .sort((a, b) => rank(a) - rank(b) || (a.usernameKey < b.usernameKey ? -1 : 1))
      .slice(0, Math.max(0, limit))
      .map((user) => ({ ...user }));
  }
}

interface Spent {
  readonly sessionId: bigint;
  readonly spentMs: number;
  /** How often the session had been rotated after this token was spent. */
  readonly generation: number;
}

/** Sessions of the fake storage. */
export class MemorySessions implements SessionStore {
  readonly #sessions = new Map<bigint, SessionRecord>();
  readonly #generation = new Map<bigint, number>();
  readonly #spent = new Map<string, Spent>();
  readonly #assertOpen: () => void;

  constructor(assertOpen: () => void) {
    this.#assertOpen = assertOpen;
  }

  async create(session: NewSession): Promise<SessionRecord> {
    this.#assertOpen();
    let epoch = 0;
    for (const earlier of this.#sessions.values()) {
      if (earlier.userId !== session.userId || earlier.deviceId !== session.deviceId) continue;
      epoch = Math.max(epoch, earlier.epoch);
      earlier.endedMs ??= session.nowMs;
    }
    const { nowMs, ...rest } = session;
    const record = { ...rest, epoch: epoch + 1, createdMs: nowMs, lastSeenMs: nowMs, endedMs: undefined };
    this.#sessions.set(session.sessionId, record);
    return { ...record };
  }

  ids(): Iterable<bigint> {
    return this.#sessions.keys();
  }

  async byAccessHash(accessHash: Uint8Array): Promise<SessionRecord | undefined> {
    this.#assertOpen();
    const found = this.#find((session) => sameBytes(session.accessHash, accessHash));
    return found && { ...found };
  }

  async byId(sessionId: bigint): Promise<SessionRecord | undefined> {
    this.#assertOpen();
    const session = this.#sessions.get(sessionId);
    return session && { ...session };
  }

  async rotate(rotation: Rotation): Promise<RotationOutcome> {
    this.#assertOpen();
    const key = hex(rotation.oldRefreshHash);
    const live = this.#find(
      (session) => session.endedMs === undefined && sameBytes(session.refreshHash, rotation.oldRefreshHash),
    );
    if (live) {
      if (live.deviceId !== rotation.deviceId || live.refreshExpiresMs <= rotation.nowMs) return { outcome: 'unknown' };
      const generation = (this.#generation.get(live.sessionId) ?? 0) + 1;
      this.#generation.set(live.sessionId, generation);
      this.#spent.set(key, { sessionId: live.sessionId, spentMs: rotation.nowMs, generation });
      return { outcome: 'rotated', session: this.#renew(live, rotation) };
    }
    const spent = this.#spent.get(key);
    const session = spent && this.#sessions.get(spent.sessionId);
    if (!spent || !session || session.endedMs !== undefined) return { outcome: 'unknown' };
    const successorUnused = this.#generation.get(session.sessionId) === spent.generation;
    const inGrace = rotation.nowMs - spent.spentMs <= rotation.graceMs;
    if (successorUnused && inGrace && session.deviceId === rotation.deviceId) {
      this.#spent.set(hex(session.refreshHash), { ...spent, spentMs: rotation.nowMs });
      return { outcome: 'replaced', session: this.#renew(session, rotation) };
    }
    session.endedMs = rotation.nowMs;
    return { outcome: 'reused', session: { ...session } };
  }

  async end(sessionId: bigint, nowMs: number): Promise<SessionRecord | undefined> {
    this.#assertOpen();
    const session = this.#sessions.get(sessionId);
    if (!session) return undefined;
    session.endedMs ??= nowMs;
    return { ...session };
  }

  async ofUser(userId: bigint): Promise<SessionRecord[]> {
    this.#assertOpen();
    return [...this.#sessions.values()]
      .filter((session) => session.userId === userId && session.endedMs === undefined)
      .sort((a, b) => b.createdMs - a.createdMs)
      .map((session) => ({ ...session }));
  }

  async endedSince(sinceMs: number, limit: number, afterId = -(2n ** 63n)): Promise<SessionRecord[]> {
    this.#assertOpen();
    return [...this.#sessions.values()]
      .flatMap((session) => (session.endedMs === undefined ? [] : [{ ...session, endedMs: session.endedMs }]))
      .filter(({ endedMs, sessionId }) => endedMs > sinceMs || (endedMs === sinceMs && sessionId > afterId))
      .sort((a, b) => a.endedMs - b.endedMs || (a.sessionId < b.sessionId ? -1 : 1))
      .slice(0, Math.max(0, Math.floor(limit) || 0));
  }

  async touch(sessionId: bigint, nowMs: number): Promise<void> {
    this.#assertOpen();
    const session = this.#sessions.get(sessionId);
    if (session) session.lastSeenMs = Math.max(session.lastSeenMs, nowMs);
  }

  #renew(session: SessionRecord, rotation: Rotation): SessionRecord {
    session.accessHash = rotation.accessHash;
    session.accessExpiresMs = rotation.accessExpiresMs;
    session.refreshHash = rotation.refreshHash;
    session.refreshExpiresMs = rotation.refreshExpiresMs;
    session.lastSeenMs = Math.max(session.lastSeenMs, rotation.nowMs);
    return { ...session };
  }

  #find(matches: (session: SessionRecord) => boolean): SessionRecord | undefined {
    for (const session of this.#sessions.values()) if (matches(session)) return session;
    return undefined;
  }
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
