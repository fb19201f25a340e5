import type { SessionRecord } from '../../session-store.ts';

export const SESSION_COLUMNS = `session_id, user_id, device_id, device_name, epoch, access_hash, access_expires_ms,
  refresh_hash, refresh_expires_ms, created_ms, last_seen_ms, ended_ms`;

/** A row of SESSION_COLUMNS. */
export interface SessionRow {
  readonly session_id: bigint;
  readonly user_id: bigint;
  readonly device_id: string;
  readonly device_name: string;
  readonly epoch: bigint;
  readonly access_hash: Uint8Array;
  readonly access_expires_ms: bigint;
  readonly refresh_hash: Uint8Array;
  readonly refresh_expires_ms: bigint;
  readonly created_ms: bigint;
  readonly last_seen_ms: bigint;
  readonly ended_ms: bigint | null;
}

export function sessionOf(row: SessionRow): SessionRecord {
  return {
    sessionId: row.session_id,
    userId: row.user_id,
    deviceId: row.device_id,
    deviceName: row.device_name,
    epoch: Number(row.epoch),
    // Copies of their own: the driver's are views of the buffer that came from the socket.
    accessHash: new Uint8Array(row.access_hash),
    accessExpiresMs: Number(row.access_expires_ms),
    refreshHash: new Uint8Array(row.refresh_hash),
    refreshExpiresMs: Number(row.refresh_expires_ms),
    createdMs: Number(row.created_ms),
    lastSeenMs: Number(row.last_seen_ms),
    endedMs: row.ended_ms === null ? undefined : Number(row.ended_ms),
  };
}
