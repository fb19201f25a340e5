/** One login of a device. Tokens are stored as SHA-256 only. */
export interface SessionRecord {
  sessionId: bigint;
  userId: bigint;
  deviceId: string;
  deviceName: string;
  epoch: number;
  accessHash: Uint8Array;
  accessExpiresMs: number;
  refreshHash: Uint8Array;
  refreshExpiresMs: number;
  createdMs: number;
  lastSeenMs: number;
  endedMs: number | undefined;
}

export interface NewSession {
  sessionId: bigint;
  userId: bigint;
  deviceId: string;
  deviceName: string;
  accessHash: Uint8Array;
  accessExpiresMs: number;
  refreshHash: Uint8Array;
  refreshExpiresMs: number;
  nowMs: number;
}

export interface Rotation {
  oldRefreshHash: Uint8Array;
  deviceId: string;
  accessHash: Uint8Array;
  accessExpiresMs: number;
  refreshHash: Uint8Array;
  refreshExpiresMs: number;
  nowMs: number;
  /** A spent token within this time of its rotation is a lost answer, not theft. */
  graceMs: number;
}

export type RotationOutcome =
  | { outcome: 'rotated'; session: SessionRecord }
  /**
   * The token was spent within the grace time by the same device: its answer was lost on the way. The tokens offered
   * now replace the successor, which nobody has used: still one live successor.
   */
  | { outcome: 'replaced'; session: SessionRecord }
  /** A spent token came back: theft. The session is ended by this call. */
  | { outcome: 'reused'; session: SessionRecord }
  /** Never was, expired, of an ended session, or a live token offered by another device. Nothing changes. */
  | { outcome: 'unknown' };

/**
 * create: ends the device's earlier session of the same user, if any, and sets epoch to the device's last epoch + 1, in
 * one transaction.
 * rotate: one transaction; of many at once with one token, exactly one gets 'rotated'.
 * byAccessHash, byId: also sessions that ended; the hash of a token that was rotated away is not found.
 * end: idempotent; the time of the first call stays. ofUser: those that have not ended, newest first.
 * endedSince: sessions that ended at or after a time, by (endedMs, sessionId), for nodes that may have missed an order to
 * end them. The next page begins at the last one's endedMs with its sessionId as `afterId`. Times are the callers' own,
 * taken before their commit: who asks for "since my last read" has to go back by as long as a commit may take.
 */
export interface SessionStore {
  create(session: NewSession): Promise<SessionRecord>;
  byAccessHash(accessHash: Uint8Array): Promise<SessionRecord | undefined>;
  byId(sessionId: bigint): Promise<SessionRecord | undefined>;
  rotate(rotation: Rotation): Promise<RotationOutcome>;
  end(sessionId: bigint, nowMs: number): Promise<SessionRecord | undefined>;
  ofUser(userId: bigint): Promise<SessionRecord[]>;
  touch(sessionId: bigint, nowMs: number): Promise<void>;
  /** `afterId`: of those that ended at `sinceMs` itself only the ones with a higher id; not given: all of them. */
  endedSince(sinceMs: number, limit: number, afterId?: bigint): Promise<SessionRecord[]>;
}
