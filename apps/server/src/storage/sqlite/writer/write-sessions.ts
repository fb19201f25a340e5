import type { Database, Statement } from 'better-sqlite3';
import type { NewSession, Rotation, RotationOutcome, SessionRecord } from '../../session-store.ts';
import { plannedOnce } from '../planned-once.ts';
import { SESSION_COLUMNS, type SessionRow, sessionOf } from '../session-rows.ts';

/**
 * Sessions and the rotation of refresh tokens, inside the caller's transaction.
 *
 * A session has one live refresh token and a generation, which each rotation raises. A spent token notes the generation
 * of its successor: for as long as that is the session's own, nobody has used the successor, and the spent token may
 * come back within the grace time. A successor replaced that way is spent too, for the same generation.
 */
export class WriteSessions {
  readonly #lastEpoch: Statement<[bigint, string]>;
  readonly #endOfDevice: Statement<[number, bigint, string]>;
  readonly #add: Statement;
  readonly #byId: Statement<[bigint]>;
  readonly #byRefresh: Statement<[Uint8Array]>;
  readonly #generation: Statement<[bigint]>;
  readonly #spent: Statement<[Uint8Array]>;
  readonly #spend: Statement;
  readonly #purge: Statement<[bigint, number]>;
  readonly #renew: Statement;
  readonly #end: Statement<[number, bigint]>;
  readonly #touch: Statement<[number, bigint]>;

  constructor(database: Database) {
    this.#lastEpoch = database
      .prepare<[bigint, string]>(plannedOnce('SELECT max(epoch) FROM session WHERE user_id = ? AND device_id = ?'))
      .pluck();
    this.#endOfDevice = database.prepare(
      'UPDATE session SET ended_ms = ? WHERE user_id = ? AND device_id = ? AND ended_ms IS NULL',
    );
    this.#add = database.prepare(
      `INSERT INTO session (${SESSION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)`,
    );
    this.#byId = database
      .prepare<[bigint]>(`SELECT ${SESSION_COLUMNS} FROM session WHERE session_id = ?`)
      .raw()
      .safeIntegers();
    this.#byRefresh = database
      .prepare<[Uint8Array]>(`SELECT ${SESSION_COLUMNS} FROM session WHERE refresh_hash = ?`)
      .raw()
      .safeIntegers();
    this.#generation = database
      .prepare<[bigint]>('SELECT refresh_generation FROM session WHERE session_id = ?')
      .pluck();
    this.#spent = database
      .prepare<[Uint8Array]>(
        'SELECT session_id, spent_ms, successor_generation, expires_ms FROM spent_refresh WHERE refresh_hash = ?',
      )
      .raw()
      .safeIntegers();
    this.#spend = database.prepare(
      `INSERT INTO spent_refresh (refresh_hash, session_id, spent_ms, expires_ms, successor_generation)
       VALUES (?, ?, ?, ?, ?)`,
    );
    this.#purge = database.prepare('DELETE FROM spent_refresh WHERE session_id = ? AND expires_ms <= ?');
    this.#renew = database.prepare(
      `UPDATE session SET access_hash = ?, access_expires_ms = ?, refresh_hash = ?, refresh_expires_ms = ?,
              refresh_generation = ?, last_seen_ms = max(last_seen_ms, ?)
       WHERE session_id = ?`,
    );
    this.#end = database.prepare('UPDATE session SET ended_ms = ? WHERE session_id = ? AND ended_ms IS NULL');
    this.#touch = database.prepare('UPDATE session SET last_seen_ms = max(last_seen_ms, ?) WHERE session_id = ?');
  }

  create(session: NewSession): SessionRecord {
    const { sessionId, userId, deviceId, deviceName, nowMs } = session;
    const epoch = Number(this.#lastEpoch.get(userId, deviceId) ?? 0) + 1;
    this.#endOfDevice.run(nowMs, userId, deviceId);
    this.#add.run(
      sessionId,
      userId,
      deviceId,
      deviceName,
      epoch,
      session.accessHash,
      session.accessExpiresMs,
      session.refreshHash,
      session.refreshExpiresMs,
      nowMs,
      nowMs,
    );
    return this.#required(sessionId);
  }

  rotate(rotation: Rotation): RotationOutcome {
    const { oldRefreshHash, deviceId, nowMs } = rotation;
    const live = this.#byRefresh.get(oldRefreshHash) as SessionRow | undefined;
    if (live) {
      const session = sessionOf(live);
      if (!usable(session, deviceId) || session.refreshExpiresMs <= nowMs) return { outcome: 'unknown' };
      return { outcome: 'rotated', session: this.#succeed(session, rotation, 1) };
    }
    const spent = this.#spent.get(oldRefreshHash) as [bigint, bigint, bigint, bigint] | undefined;
    if (!spent) return { outcome: 'unknown' };
    const [sessionId, spentMs, successorGeneration, expiresMs] = spent;
    const session = this.#required(sessionId);
    if (session.endedMs !== undefined || Number(expiresMs) <= nowMs) return { outcome: 'unknown' };
    const lostAnswer =
      session.deviceId === deviceId &&
      nowMs - Number(spentMs) <= rotation.graceMs &&
      Number(successorGeneration) === this.#generationOf(sessionId);
    if (lostAnswer) return { outcome: 'replaced', session: this.#succeed(session, rotation, 0) };
    this.#end.run(nowMs, sessionId);
    return { outcome: 'reused', session: this.#required(sessionId) };
  }

  /** Spends the live token and puts the offered ones in its place. */
  #succeed(session: SessionRecord, rotation: Rotation, step: 0 | 1): SessionRecord {
    const { sessionId } = session;
    const generation = this.#generationOf(sessionId) + step;
    this.#purge.run(sessionId, rotation.nowMs);
    this.#spend.run(session.refreshHash, sessionId, rotation.nowMs, session.refreshExpiresMs, generation);
    this.#renew.run(
      rotation.accessHash,
      rotation.accessExpiresMs,
      rotation.refreshHash,
      rotation.refreshExpiresMs,
      generation,
      rotation.nowMs,
      sessionId,
    );
    return this.#required(sessionId);
  }

  /** Undefined for a session that never was; one that had ended keeps its time. */
  end(sessionId: bigint, nowMs: number): SessionRecord | undefined {
    this.#end.run(nowMs, sessionId);
    const row = this.#byId.get(sessionId) as SessionRow | undefined;
    return row && sessionOf(row);
  }

  touch(sessionId: bigint, nowMs: number): void {
    this.#touch.run(nowMs, sessionId);
  }

  #generationOf(sessionId: bigint): number {
    return Number(this.#generation.get(sessionId));
  }

  #required(sessionId: bigint): SessionRecord {
    return sessionOf(this.#byId.get(sessionId) as SessionRow);
  }
}

function usable(session: SessionRecord, deviceId: string): boolean {
  return session.endedMs === undefined && session.deviceId === deviceId;
}
