import type { UserRecord } from '../../user-store.ts';

export const USER_COLUMNS = 'user_id, username, username_key, display_name, password_hash, created_ms, show_online';

/** A row of USER_COLUMNS. */
export type UserRow = readonly [
  userId: bigint,
  username: string,
  usernameKey: string,
  displayName: string,
  passwordHash: string,
  createdMs: bigint,
  showOnline: boolean,
];

export function userOf([
  userId,
  username,
  usernameKey,
  displayName,
  passwordHash,
  createdMs,
  showOnline,
]: UserRow): UserRecord {
  return { userId, username, usernameKey, displayName, passwordHash, createdMs: Number(createdMs), showOnline };
}
