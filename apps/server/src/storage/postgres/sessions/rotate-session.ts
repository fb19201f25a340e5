import type { Rotation, RotationOutcome, SessionRecord } from '../../session-store.ts';
import type { Queries } from '../connection/queries.ts';
import { SESSION_COLUMNS, type SessionRow, sessionOf } from './session-rows.ts';

interface LockedSession {
  readonly session: SessionRecord;
  readonly generation: bigint;
}

type SpentRow = readonly [spentMs: bigint, successorGeneration: bigint, expiresMs: bigint];

/** By the live token or by one that was spent. */
const lockByToken = `
  SELECT ${SESSION_COLUMNS}, refresh_generation FROM session
  WHERE session_id = (
    SELECT session_id FROM session WHERE refresh_hash = $1
    UNION ALL SELECT session_id FROM spent_refresh WHERE refresh_hash = $1
    LIMIT 1)
  FOR NO KEY UPDATE`;
const findSpent = 'SELECT spent_ms, successor_generation, expires_ms FROM spent_refresh WHERE refresh_hash = $1';
const endForTheft = `UPDATE session SET ended_ms = $2 WHERE session_id = $1 RETURNING ${SESSION_COLUMNS}`;
const renew = `WITH purged AS (
     DELETE FROM spent_refresh WHERE session_id = $1 AND expires_ms <= $2
   ), spent AS (
     INSERT INTO spent_refresh (refresh_hash, session_id, spent_ms, expires_ms, successor_generation)
     VALUES ($3, $1, $2, $4, $5)
   )
   UPDATE session SET access_hash = $6, access_expires_ms = $7, refresh_hash = $8, refresh_expires_ms = $9,
          refresh_generation = $5, last_seen_ms = greatest(last_seen_ms, $2)
   WHERE session_id = $1 RETURNING ${SESSION_COLUMNS}`;

/**
 * One rotation, inside the caller's transaction. Everything is decided with the session's row locked: of many at once with
 * one token the first finds it live, and each that waited gets the row as it is then, which does not hold that token any
 * more, and finds it among the spent ones.
 *
 * A session has one live refresh token and a generation, which each rotation raises. A spent token notes the generation
 * of its successor: for as long as that is the session's own, nobody has used the successor, and the spent token may
 * come back within the grace time. A successor replaced that way is spent too, for the same generation.
 */
export async function rotateSession(queries: Queries, rotation: Rotation): Promise<RotationOutcome> {
  const { oldRefreshHash, deviceId, nowMs, graceMs } = rotation;
  // The second sees what was committed before the first had its lock.
  const [[row], [spent]] = await Promise.all([
    queries.arrays<SessionRow>(lockByToken, [oldRefreshHash]),
    queries.arrays<SpentRow>(findSpent, [oldRefreshHash]),
  ]);
  const session = row && sessionOf(row);
  if (!session || session.endedMs !== undefined) return { outcome: 'unknown' };
  const locked = { session, generation: row.at(-1) as bigint };
  if (Buffer.compare(session.refreshHash, oldRefreshHash) === 0) {
    if (session.deviceId !== deviceId || session.refreshExpiresMs <= nowMs) return { outcome: 'unknown' };
    return { outcome: 'rotated', session: await succeed(queries, locked, rotation, 1n) };
  }
  if (!spent) return { outcome: 'unknown' };
  const [spentMs, successorGeneration, expiresMs] = spent;
  if (Number(expiresMs) <= nowMs) return { outcome: 'unknown' };
  const lostAnswer =
    session.deviceId === deviceId && nowMs - Number(spentMs) <= graceMs && successorGeneration === locked.generation;
  if (lostAnswer) return { outcome: 'replaced', session: await succeed(queries, locked, rotation, 0n) };
  const [ended] = await queries.arrays<SessionRow>(endForTheft, [session.sessionId, nowMs]);
  return { outcome: 'reused', session: sessionOf(ended!) };
}

/** Spends the live token and puts the offered ones in its place. */
async function succeed(
  queries: Queries,
  { session, generation }: LockedSession,
  rotation: Rotation,
  step: 0n | 1n,
): Promise<SessionRecord> {
  const [row] = await queries.arrays<SessionRow>(renew, [
    session.sessionId,
    rotation.nowMs,
    session.refreshHash,
    session.refreshExpiresMs,
    generation + step,
    rotation.accessHash,
    rotation.accessExpiresMs,
    rotation.refreshHash,
    rotation.refreshExpiresMs,
  ]);
  return sessionOf(row!);
}
