import type { Rotation, RotationOutcome, SessionRecord } from '../../session-store.ts';
import type { Queries, Value } from '../connection/queries.ts';
import { SESSION_COLUMNS, type SessionRow, sessionOf } from './session-rows.ts';

interface LockedSession {
  readonly session: SessionRecord;
  readonly generation: bigint;
}

type SpentRow = readonly [sessionId: bigint, spentMs: bigint, successorGeneration: bigint, expiresMs: bigint];

const lockBy = (column: 'refresh_hash' | 'session_id') =>
  `SELECT ${SESSION_COLUMNS}, refresh_generation FROM session WHERE ${column} = $1 FOR NO KEY UPDATE`;
const lockByRefresh = lockBy('refresh_hash');
const lockById = lockBy('session_id');
const findSpent =
  'SELECT session_id, spent_ms, successor_generation, expires_ms FROM spent_refresh WHERE refresh_hash = $1';
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
 * One rotation, inside the caller's transaction. Everything is decided with the session's row locked, so of many at once
 * with one token the first finds it live, and each that waited finds it spent: a row that had to be waited for is looked
 * at again as it is now, and does not hold that token any more.
 *
 * A session has one live refresh token and a generation, which each rotation raises. A spent token notes the generation
 * of its successor: for as long as that is the session's own, nobody has used the successor, and the spent token may
 * come back within the grace time. A successor replaced that way is spent too, for the same generation.
 */
export async function rotateSession(queries: Queries, rotation: Rotation): Promise<RotationOutcome> {
  const { oldRefreshHash, deviceId, nowMs, graceMs } = rotation;
  const live = await lock(queries, lockByRefresh, oldRefreshHash);
  if (live) {
    const { session } = live;
    const usable = session.endedMs === undefined && session.deviceId === deviceId && session.refreshExpiresMs > nowMs;
    if (!usable) return { outcome: 'unknown' };
    return { outcome: 'rotated', session: await succeed(queries, live, rotation, 1n) };
  }
  const [spent] = await queries.arrays<SpentRow>(findSpent, [oldRefreshHash]);
  if (!spent) return { outcome: 'unknown' };
  const [sessionId, spentMs, successorGeneration, expiresMs] = spent;
  const locked = await lock(queries, lockById, sessionId);
  if (!locked || locked.session.endedMs !== undefined || Number(expiresMs) <= nowMs) return { outcome: 'unknown' };
  const lostAnswer =
    locked.session.deviceId === deviceId &&
    nowMs - Number(spentMs) <= graceMs &&
    successorGeneration === locked.generation;
  if (lostAnswer) return { outcome: 'replaced', session: await succeed(queries, locked, rotation, 0n) };
  const [ended] = await queries.arrays<SessionRow>(endForTheft, [sessionId, nowMs]);
  return { outcome: 'reused', session: sessionOf(ended!) };
}

async function lock(queries: Queries, by: string, value: Value): Promise<LockedSession | undefined> {
  const [row] = await queries.arrays<SessionRow>(by, [value]);
  return row && { session: sessionOf(row), generation: row.at(-1) as bigint };
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
