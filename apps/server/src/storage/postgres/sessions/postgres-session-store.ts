import type { NewSession, Rotation, RotationOutcome, SessionRecord, SessionStore } from '../../session-store.ts';
import type { Database, Queries } from '../database.ts';
import { LOWEST_ID, storedId } from '../stored-id.ts';
import { rotateSession } from './rotate-session.ts';
import { SESSION_COLUMNS, type SessionRow, sessionOf } from './session-rows.ts';

const MOST_ROWS = 1_000;

export class PostgresSessionStore implements SessionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Two statements: the row of the device's epoch is locked by the first, so the second sees every session that was made
   * for the device before.
   */
  create(session: NewSession): Promise<SessionRecord> {
    const { deviceId, deviceName, nowMs } = session;
    const [sessionId, userId] = [storedId(session.sessionId), storedId(session.userId)];
    return this.#database.transaction(async (queries) => {
      const [device] = await queries.rows<{ epoch: bigint }>(
        `INSERT INTO device_epoch (user_id, device_id, epoch) VALUES ($1, $2, 1)
         ON CONFLICT (user_id, device_id) DO UPDATE SET epoch = device_epoch.epoch + 1
         RETURNING epoch`,
        [userId, deviceId],
      );
      return await required(
        queries,
        `WITH ended AS (
           UPDATE session SET ended_ms = $10 WHERE user_id = $2 AND device_id = $3 AND ended_ms IS NULL
         )
         INSERT INTO session (${SESSION_COLUMNS}, refresh_generation)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, NULL, 0)
         RETURNING ${SESSION_COLUMNS}`,
        [
          sessionId,
          userId,
          deviceId,
          deviceName,
          device!.epoch,
          session.accessHash,
          session.accessExpiresMs,
          session.refreshHash,
          session.refreshExpiresMs,
          nowMs,
        ],
      );
    });
  }

  byAccessHash(accessHash: Uint8Array): Promise<SessionRecord | undefined> {
    return this.#one('WHERE access_hash = $1', [accessHash]);
  }

  byId(sessionId: bigint): Promise<SessionRecord | undefined> {
    return this.#one('WHERE session_id = $1', [storedId(sessionId)]);
  }

  rotate(rotation: Rotation): Promise<RotationOutcome> {
    return this.#database.transaction((queries) => rotateSession(queries, rotation));
  }

  /** Undefined for a session that never was; one that had ended keeps its time. */
  async end(sessionId: bigint, nowMs: number): Promise<SessionRecord | undefined> {
    const [row] = await this.#database.rows<SessionRow>(
      `UPDATE session SET ended_ms = coalesce(ended_ms, $2) WHERE session_id = $1 RETURNING ${SESSION_COLUMNS}`,
      [storedId(sessionId), nowMs],
    );
    return row && sessionOf(row);
  }

  ofUser(userId: bigint): Promise<SessionRecord[]> {
    return this.#all('WHERE user_id = $1 AND ended_ms IS NULL ORDER BY created_ms DESC, session_id DESC', [
      storedId(userId),
    ]);
  }

  endedSince(sinceMs: number, limit: number, afterId = LOWEST_ID): Promise<SessionRecord[]> {
    const most = Math.max(0, Math.min(Math.floor(limit) || 0, MOST_ROWS));
    return this.#all(
      'WHERE ended_ms IS NOT NULL AND (ended_ms, session_id) > ($1, $2) ORDER BY ended_ms, session_id LIMIT $3',
      [sinceMs, storedId(afterId), most],
    );
  }

  async touch(sessionId: bigint, nowMs: number): Promise<void> {
    await this.#database.run('UPDATE session SET last_seen_ms = $2 WHERE session_id = $1 AND last_seen_ms < $2', [
      storedId(sessionId),
      nowMs,
    ]);
  }

  async #one(rest: string, values: unknown[]): Promise<SessionRecord | undefined> {
    const [row] = await this.#database.rows<SessionRow>(`SELECT ${SESSION_COLUMNS} FROM session ${rest}`, values);
    return row && sessionOf(row);
  }

  async #all(rest: string, values: unknown[]): Promise<SessionRecord[]> {
    const rows = await this.#database.rows<SessionRow>(`SELECT ${SESSION_COLUMNS} FROM session ${rest}`, values);
    return rows.map(sessionOf);
  }
}

async function required(queries: Queries, sql: string, values: unknown[]): Promise<SessionRecord> {
  const [row] = await queries.rows<SessionRow>(sql, values);
  return sessionOf(row!);
}
