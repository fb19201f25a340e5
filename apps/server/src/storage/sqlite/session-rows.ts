import type { SessionRecord } from '../session-store.ts';

export const SESSION_COLUMNS = `session_id, user_id, device_id, device_name, epoch, access_hash, access_expires_ms,
  refresh_hash, refresh_expires_ms, created_ms, last_seen_ms, ended_ms`;

/** A row of SESSION_COLUMNS, read raw with safe integers. */
export type SessionRow = [
  bigint,
  bigint,
  string,
  string,
  bigint,
  Uint8Array,
  bigint,
  Uint8Array,
  bigint,
  bigint,
  bigint,
  bigint | null,
];

export function sessionOf(row: SessionRow): SessionRecord {
  const [sessionId, userId, deviceId, deviceName, epoch, access, accessMs, refresh, refreshMs, created, seen, ended] =
    row;
  return {
    sessionId,
    userId,
    deviceId,
    deviceName,
    epoch: Number(epoch),
    // Copies of their own: a view of a shared buffer would be cloned whole on its way between the threads.
    accessHash: new Uint8Array(access),
    accessExpiresMs: Number(accessMs),
    refreshHash: new Uint8Array(refresh),
    refreshExpiresMs: Number(refreshMs),
    createdMs: Number(created),
    lastSeenMs: Number(seen),
    endedMs: ended === null ? undefined : Number(ended),
  };
}
