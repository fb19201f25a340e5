export interface UserRecord {
  userId: bigint;
  /** As the user wrote it. */
  username: string;
  /** NFKC, case-folded: what is unique. */
  usernameKey: string;
  displayName: string;
  /** PHC string. */
  passwordHash: string;
  createdMs: number;
  /** Whether others may see when this user is online; then this user sees it of others. */
  showOnline: boolean;
}

/**
 * create: answers 'taken' when usernameKey exists; decided by a unique index, so of two at once one wins.
 * byIds: in the order asked for, each once, without the unknown. search: the query is text, not a pattern.
 */
export interface UserStore {
  create(user: UserRecord): Promise<'created' | 'taken'>;
  byUsernameKey(usernameKey: string): Promise<UserRecord | undefined>;
  byIds(userIds: readonly bigint[]): Promise<UserRecord[]>;
  setShowOnline(userId: bigint, showOnline: boolean): Promise<void>;
  setPasswordHash(userId: bigint, passwordHash: string): Promise<void>;
  /** Users whose usernameKey or folded display name starts with or contains `queryKey`; exact, then prefix, then the rest. */
  search(queryKey: string, limit: number): Promise<UserRecord[]>;
}
