import type { UserRecord } from '../user-store.ts';

export const USER_COLUMNS = 'user_id, username, username_key, display_name, password_hash, created_ms';

/** A row of USER_COLUMNS, read raw with safe integers. */
export type UserRow = [bigint, string, string, string, string, bigint];

export function userOf([userId, username, usernameKey, displayName, passwordHash, createdMs]: UserRow): UserRecord {
  return { userId, username, usernameKey, displayName, passwordHash, createdMs: Number(createdMs) };
}
