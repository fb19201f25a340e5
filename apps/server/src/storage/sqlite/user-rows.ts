import type { UserRecord } from '../user-store.ts';

export const USER_COLUMNS = 'user_id, username, username_key, display_name, password_hash, created_ms, show_online';

/** A row of USER_COLUMNS, read raw with safe integers. */
export type UserRow = [bigint, string, string, string, string, bigint, bigint];

export function userOf(row: UserRow): UserRecord {
  const [userId, username, usernameKey, displayName, passwordHash, createdMs, showOnline] = row;
  return {
    userId,
    username,
    usernameKey,
    displayName,
    passwordHash,
    createdMs: Number(createdMs),
    showOnline: showOnline === 1n,
  };
}
