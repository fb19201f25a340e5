import type { UserRecord } from '../../user-store.ts';

export const USER_COLUMNS = 'user_id, username, username_key, display_name, password_hash, created_ms, show_online';

/** A row of USER_COLUMNS. */
export interface UserRow {
  readonly user_id: bigint;
  readonly username: string;
  readonly username_key: string;
  readonly display_name: string;
  readonly password_hash: string;
  readonly created_ms: bigint;
  readonly show_online: boolean;
}

export function userOf(row: UserRow): UserRecord {
  return {
    userId: row.user_id,
    username: row.username,
    usernameKey: row.username_key,
    displayName: row.display_name,
    passwordHash: row.password_hash,
    createdMs: Number(row.created_ms),
    showOnline: row.show_online,
  };
}
