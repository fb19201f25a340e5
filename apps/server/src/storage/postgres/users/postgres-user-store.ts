import { foldText } from '../../fold-text.ts';
import type { UserRecord, UserStore } from '../../user-store.ts';
import type { Database } from '../connection/database.ts';
import type { Value } from '../connection/queries.ts';
import { isStorable, storedId } from '../connection/stored-values.ts';
import { USER_COLUMNS, type UserRow, userOf } from './user-rows.ts';

const MOST_ROWS = 1_000;
/** Above every character that a folded name can hold: the end of a prefix's range. */
const AFTER_ANY_TEXT = '\u{10ffff}';

const select = (rest: string) => `SELECT ${USER_COLUMNS} FROM chat_user ${rest}`;

const createUser = `INSERT INTO chat_user (user_id, username, username_key, display_name, display_key, password_hash, created_ms,
                          show_online)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (username_key) DO NOTHING`;
const byKey = select('WHERE username_key = $1');
const byIds = select('WHERE user_id = ANY($1::bigint[])');
const setShowOnline = 'UPDATE chat_user SET show_online = $2 WHERE user_id = $1';
const setPasswordHash = 'UPDATE chat_user SET password_hash = $2 WHERE user_id = $1';

/**
 * From best to worst; $1 the query, $2 the limit, $3 the end of the prefix's range. The text is compared as it is, so %
 * and _ are characters like any other.
 */
const exact = select('WHERE username_key = $1 OR display_key = $1 ORDER BY username_key LIMIT $2');
const byKeyPrefix = select('WHERE username_key >= $1 AND username_key < $3 ORDER BY username_key LIMIT $2');
const byNamePrefix = select('WHERE display_key >= $1 AND display_key < $3 ORDER BY display_key, username_key LIMIT $2');
const anywhere = select(
  'WHERE strpos(username_key, $1) > 0 OR strpos(display_key, $1) > 0 ORDER BY username_key LIMIT $2',
);
const searches = [
  { find: exact, isRange: false },
  { find: byKeyPrefix, isRange: true },
  { find: byNamePrefix, isRange: true },
  { find: anywhere, isRange: false },
] as const;

export class PostgresUserStore implements UserStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async create(user: UserRecord): Promise<'created' | 'taken'> {
    const created = await this.#database.run(createUser, [
      storedId(user.userId),
      user.username,
      user.usernameKey,
      user.displayName,
      foldText(user.displayName),
      user.passwordHash,
      user.createdMs,
      user.showOnline,
    ]);
    return created === 1 ? 'created' : 'taken';
  }

  async byUsernameKey(usernameKey: string): Promise<UserRecord | undefined> {
    const [row] = await this.#database.arrays<UserRow>(byKey, [isStorable(usernameKey) ? usernameKey : '']);
    return row && userOf(row);
  }

  async byIds(userIds: readonly bigint[]): Promise<UserRecord[]> {
    const ids = [...new Set(userIds.map(storedId))];
    if (ids.length === 0) return [];
    const rows = await this.#database.arrays<UserRow>(byIds, [ids]);
    const found = new Map(rows.map((row) => [row[0], userOf(row)]));
    return ids.flatMap((userId) => found.get(userId) ?? []);
  }

  async setShowOnline(userId: bigint, showOnline: boolean): Promise<void> {
    await this.#database.run(setShowOnline, [storedId(userId), showOnline]);
  }

  async setPasswordHash(userId: bigint, passwordHash: string): Promise<void> {
    await this.#database.run(setPasswordHash, [storedId(userId), passwordHash]);
  }

  /** Each search is only made when the better ones left room. */
  async search(queryKey: string, limit: number): Promise<UserRecord[]> {
    const query = foldText(queryKey);
    const most = Math.max(0, Math.min(Math.floor(limit) || 0, MOST_ROWS));
    const found = new Map<bigint, UserRecord>();
    if (!isStorable(query)) return [];
    for (const { find, isRange } of searches) {
      if (found.size >= most) break;
      // Those found by a better search come again: room for them too.
      const values: Value[] = [query, most + found.size];
      if (isRange) values.push(query + AFTER_ANY_TEXT);
      for (const row of await this.#database.arrays<UserRow>(find, values)) {
        if (found.size >= most) break;
        if (!found.has(row[0])) found.set(row[0], userOf(row));
      }
    }
    return [...found.values()];
  }
}
