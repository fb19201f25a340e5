import type { NewSession, Rotation, RotationOutcome, SessionRecord, SessionStore } from '../../session-store.ts';
import type { Database } from '../connection/database.ts';
import { isUniqueViolation } from '../connection/postgres-faults.ts';
import type { Value } from '../connection/queries.ts';
import { LOWEST_ID, storedId, storedNumber } from '../connection/stored-values.ts';
import { rotateSession } from './rotate-session.ts';
import { SESSION_COLUMNS, type SessionRow, sessionOf } from './session-rows.ts';

const MOST_ROWS = 1_000;

const createSession = `WITH last AS (
     SELECT coalesce(max(epoch), 0) AS epoch FROM session WHERE user_id = $2 AND device_id = $3
   ), ended AS (
     UPDATE session SET ended_ms = $9 WHERE user_id = $2 AND device_id = $3 AND ended_ms IS NULL
   )
   INSERT INTO session (${SESSION_COLUMNS})
   SELECT $1, $2, $3, $4, epoch + 1, $5, $6, $7, $8, $9, $9, NULL FROM last
   RETURNING ${SESSION_COLUMNS}`;
const endSession = `UPDATE session SET ended_ms = coalesce(ended_ms, $2) WHERE session_id = $1 RETURNING ${SESSION_COLUMNS}`;
const touchSession = 'UPDATE session SET last_seen_ms = $2 WHERE session_id = $1 AND last_seen_ms < $2';
const select = (rest: string) => `SELECT ${SESSION_COLUMNS} FROM session ${rest}`;
const byAccessHash = select('WHERE access_hash = $1');
const byId = select('WHERE session_id = $1');
const ofUser = select('WHERE user_id = $1 AND ended_ms IS NULL ORDER BY created_ms DESC, session_id DESC');
const endedSince = select(
  'WHERE ended_ms IS NOT NULL AND (ended_ms, session_id) > ($1, $2) ORDER BY ended_ms, session_id LIMIT $3',
);

export class PostgresSessionStore implements SessionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * One statement. A session that another call makes for the device meanwhile is not seen by it, but has the same epoch:
   * the one that comes second is undone and tried again, and one of any that meet gets through.
   */
  async create(session: NewSession): Promise<SessionRecord> {
    const values = [
      storedId(session.sessionId),
      storedId(session.userId),
      session.deviceId,
      session.deviceName,
      session.accessHash,
      session.accessExpiresMs,
      session.refreshHash,
      session.refreshExpiresMs,
      session.nowMs,
    ];
    for (;;) {
      try {
        const [row] = await this.#database.arrays<SessionRow>(createSession, values);
        return sessionOf(row!);
      } catch (error) {
        if (!isUniqueViolation(error, 'session_by_device')) throw error;
      }
    }
  }

  byAccessHash(accessHash: Uint8Array): Promise<SessionRecord | undefined> {
    return this.#one(byAccessHash, [accessHash]);
  }

  byId(sessionId: bigint): Promise<SessionRecord | undefined> {
    return this.#one(byId, [storedId(sessionId)]);
  }

  rotate(rotation: Rotation): Promise<RotationOutcome> {
    return this.#database.transaction((queries) => rotateSession(queries, rotation));
  }

  /** Undefined for a session that never was; one that had ended keeps its time. */
  end(sessionId: bigint, nowMs: number): Promise<SessionRecord | undefined> {
    return this.#one(endSession, [storedId(sessionId), nowMs]);
  }

  ofUser(userId: bigint): Promise<SessionRecord[]> {
    return this.#all(ofUser, [storedId(userId)]);
  }

  endedSince(sinceMs: number, limit: number, afterId = LOWEST_ID): Promise<SessionRecord[]> {
    const most = Math.max(0, Math.min(Math.floor(limit) || 0, MOST_ROWS));
    return this.#all(endedSince, [storedNumber(sinceMs), storedId(afterId), most]);
  }

  async touch(sessionId: bigint, nowMs: number): Promise<void> {
    await this.#database.run(touchSession, [storedId(sessionId), nowMs]);
  }

  async #one(find: string, values: Value[]): Promise<SessionRecord | undefined> {
    const [row] = await this.#database.arrays<SessionRow>(find, values);
    return row && sessionOf(row);
  }

  async #all(find: string, values: Value[]): Promise<SessionRecord[]> {
    return (await this.#database.arrays<SessionRow>(find, values)).map(sessionOf);
  }
}
