import type { Rotation, RotationOutcome, SessionRecord } from '../../session-store.ts';
import type { Queries } from '../database.ts';
import { SESSION_COLUMNS, type SessionRow, sessionOf } from './session-rows.ts';

interface LockedRow extends SessionRow {
  readonly refresh_generation: bigint;
}

interface SpentRow {
  readonly session_id: bigint;
  readonly spent_ms: bigint;
  readonly successor_generation: bigint;
  readonly expires_ms: bigint;
}

/**
 * One rotation, inside the caller's transaction. Everything is decided with the session's row locked, so of many at once
 * with one token the first finds it live, and each that waited finds it spent: a locked row is looked at again as it is
 * now, and does not hold that token any more.
 *
 * A session has one live refresh token and a generation, which each rotation raises. A spent token notes the generation
 * of its successor: for as long as that is the session's own, nobody has used the successor, and the spent token may
 * come back within the grace time. A successor replaced that way is spent too, for the same generation.
 */
export async function rotateSession(queries: Queries, rotation: Rotation): Promise<RotationOutcome> {
  const { oldRefreshHash, deviceId, nowMs, graceMs } = rotation;
  const live = await lock(queries, 'refresh_hash', oldRefreshHash);
  if (live) {
    const session = sessionOf(live);
    const usable = session.endedMs === undefined && session.deviceId === deviceId && session.refreshExpiresMs > nowMs;
    if (!usable) return { outcome: 'unknown' };
    return { outcome: 'rotated', session: await succeed(queries, live, rotation, 1n) };
  }
  const [spent] = await queries.rows<SpentRow>(
    'SELECT session_id, spent_ms, successor_generation, expires_ms FROM spent_refresh WHERE refresh_hash = $1',
    [oldRefreshHash],
  );
  const locked = spent && (await lock(queries, 'session_id', spent.session_id));
  if (!spent || !locked) return { outcome: 'unknown' };
  const session = sessionOf(locked);
  if (session.endedMs !== undefined || Number(spent.expires_ms) <= nowMs) return { outcome: 'unknown' };
  const lostAnswer =
    session.deviceId === deviceId &&
    nowMs - Number(spent.spent_ms) <= graceMs &&
    spent.successor_generation === locked.refresh_generation;
  if (lostAnswer) return { outcome: 'replaced', session: await succeed(queries, locked, rotation, 0n) };
  const [ended] = await queries.rows<SessionRow>(
    `UPDATE session SET ended_ms = $2 WHERE session_id = $1 RETURNING ${SESSION_COLUMNS}`,
    [session.sessionId, nowMs],
  );
  return { outcome: 'reused', session: sessionOf(ended!) };
}

async function lock(
  queries: Queries,
  column: 'refresh_hash' | 'session_id',
  value: Uint8Array | bigint,
): Promise<LockedRow | undefined> {
  const [row] = await queries.rows<LockedRow>(
    `SELECT ${SESSION_COLUMNS}, refresh_generation FROM session WHERE ${column} = $1 FOR UPDATE`,
    [value],
  );
  return row;
}

/** Spends the live token and puts the offered ones in its place. */
async function succeed(
  queries: Queries,
  before: LockedRow,
  rotation: Rotation,
  step: 0n | 1n,
): Promise<SessionRecord> {
  const generation = before.refresh_generation + step;
  const [row] = await queries.rows<SessionRow>(
    `WITH purged AS (
       DELETE FROM spent_refresh WHERE session_id = $1 AND expires_ms <= $2
     ), spent AS (
       INSERT INTO spent_refresh (refresh_hash, session_id, spent_ms, expires_ms, successor_generation)
       VALUES ($3, $1, $2, $4, $5)
     )
     UPDATE session SET access_hash = $6, access_expires_ms = $7, refresh_hash = $8, refresh_expires_ms = $9,
            refresh_generation = $5, last_seen_ms = greatest(last_seen_ms, $2)
     WHERE session_id = $1 RETURNING ${SESSION_COLUMNS}`,
    [
      before.session_id,
      rotation.nowMs,
      before.refresh_hash,
      before.refresh_expires_ms,
      generation,
      rotation.accessHash,
      rotation.accessExpiresMs,
      rotation.refreshHash,
      rotation.refreshExpiresMs,
    ],
  );
  return sessionOf(row!);
}
