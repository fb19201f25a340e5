import type { SessionRecord } from '../../session-store.ts';

export const SESSION_COLUMNS = `session_id, user_id, device_id, device_name, epoch, access_hash, access_expires_ms,
  refresh_hash, refresh_expires_ms, created_ms, last_seen_ms, ended_ms`;

/** A row of SESSION_COLUMNS; others may follow. */
export type SessionRow = readonly [
  sessionId: bigint,
  userId: bigint,
  deviceId: string,
  deviceName: string,
  epoch: bigint,
  accessHash: Uint8Array,
  accessExpiresMs: bigint,
  refreshHash: Uint8Array,
  refreshExpiresMs: bigint,
  createdMs: bigint,
  lastSeenMs: bigint,
  endedMs: bigint | null,
  ...rest: unknown[],
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
    // Copies of their own: the driver's are views of what came from the socket.
    accessHash: new Uint8Array(access),
    accessExpiresMs: Number(accessMs),
    refreshHash: new Uint8Array(refresh),
    refreshExpiresMs: Number(refreshMs),
    createdMs: Number(created),
    lastSeenMs: Number(seen),
    endedMs: ended === null ? undefined : Number(ended),
  };
}
