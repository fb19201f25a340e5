import type { Database, Statement } from 'better-sqlite3';
import type { SessionRecord } from '../../session-store.ts';
import { plannedOnce } from '../planned-once.ts';
import { SESSION_COLUMNS, type SessionRow, sessionOf } from '../session-rows.ts';

const MOST_ROWS = 1_000;

export class ReadSessions {
  readonly #byAccess: Statement<[Uint8Array]>;
  readonly #byId: Statement<[bigint]>;
  readonly #ofUser: Statement<[bigint]>;
  readonly #endedSince: Statement<[number, bigint, number]>;

  constructor(database: Database) {
    const prepare = <Bind extends unknown[]>(rest: string) =>
      database
        .prepare<Bind>(plannedOnce(`SELECT ${SESSION_COLUMNS} FROM session ${rest}`))
        .raw()
        .safeIntegers();
    this.#byAccess = prepare<[Uint8Array]>('WHERE access_hash = ?');
    this.#byId = prepare<[bigint]>('WHERE session_id = ?');
    this.#ofUser = prepare<[bigint]>(
      'WHERE user_id = ? AND ended_ms IS NULL ORDER BY created_ms DESC, session_id DESC',
    );
    this.#endedSince = prepare<[number, bigint, number]>(
      'WHERE ended_ms IS NOT NULL AND (ended_ms, session_id) > (?, ?) ORDER BY ended_ms, session_id LIMIT ?',
    );
  }

  byAccessHash(accessHash: Uint8Array): SessionRecord | undefined {
    return one(this.#byAccess.get(accessHash));
  }

  byId(sessionId: bigint): SessionRecord | undefined {
    return one(this.#byId.get(sessionId));
  }

  ofUser(userId: bigint): SessionRecord[] {
    return (this.#ofUser.all(userId) as SessionRow[]).map(sessionOf);
  }

  endedSince(sinceMs: number, limit: number, afterId: bigint): SessionRecord[] {
    const most = Math.max(0, Math.min(Math.floor(limit) || 0, MOST_ROWS));
    return (this.#endedSince.all(sinceMs, afterId, most) as SessionRow[]).map(sessionOf);
  }
}

function one(row: unknown): SessionRecord | undefined {
  return row === undefined ? undefined : sessionOf(row as SessionRow);
}
