import type { Database, Statement } from 'better-sqlite3';
import { foldText } from '../../fold-text.ts';
import type { UserRecord } from '../../user-store.ts';
import { plannedOnce } from '../planned-once.ts';
import { USER_COLUMNS, type UserRow, userOf } from '../user-rows.ts';

const MOST_ROWS = 1_000;
/** Above every character that a folded name can hold: the end of a prefix's range. */
const AFTER_ANY_TEXT = '\u{10ffff}';

export class ReadUsers {
  readonly #byKey: Statement<[string]>;
  readonly #byId: Statement<[bigint]>;
  readonly #searches: readonly Statement[];

  constructor(database: Database) {
    const prepare = <Bind extends unknown[]>(rest: string) =>
      database
        .prepare<Bind>(plannedOnce(`SELECT ${USER_COLUMNS} FROM user ${rest}`))
        .raw()
        .safeIntegers();
    this.#byKey = prepare<[string]>('WHERE username_key = ?');
    this.#byId = prepare<[bigint]>('WHERE user_id = ?');
    // From best to worst; the text is compared as it is, so % and _ are characters like any other.
    this.#searches = [
      prepare(`WHERE username_key = :query OR display_key = :query ORDER BY username_key LIMIT :limit`),
      prepare(`WHERE username_key >= :query AND username_key < :after ORDER BY username_key LIMIT :limit`),
      prepare(`WHERE display_key >= :query AND display_key < :after ORDER BY display_key, username_key LIMIT :limit`),
      prepare(
        `WHERE user_id IN (SELECT user_id FROM user INDEXED BY user_names
                           WHERE instr(username_key, :query) > 0 OR instr(display_key, :query) > 0
                           ORDER BY username_key LIMIT :limit)
         ORDER BY username_key`,
      ),
    ];
  }

  byUsernameKey(usernameKey: string): UserRecord | undefined {
    const row = this.#byKey.get(usernameKey) as UserRow | undefined;
    return row && userOf(row);
  }

  /** In the order asked for; unknown ids are left out. */
  byIds(userIds: readonly bigint[]): UserRecord[] {
    const users: UserRecord[] = [];
    for (const userId of new Set(userIds)) {
      const row = this.#byId.get(userId) as UserRow | undefined;
      if (row) users.push(userOf(row));
    }
    return users;
  }

  /** Each search is only made when the better ones left room. */
  search(queryKey: string, limit: number): UserRecord[] {
    const query = foldText(queryKey);
    const most = Math.max(0, Math.min(Math.floor(limit) || 0, MOST_ROWS));
    const found = new Map<bigint, UserRecord>();
    for (const statement of this.#searches) {
      if (found.size >= most) break;
      // Those found by a better search come again: room for them too.
      const parameters = { query, after: query + AFTER_ANY_TEXT, limit: most + found.size };
      for (const row of statement.all(named(statement, parameters)) as UserRow[]) {
        if (found.size >= most) break;
        if (!found.has(row[0])) found.set(row[0], userOf(row));
      }
    }
    return [...found.values()];
  }
}

/** better-sqlite3 refuses parameters that the statement does not have. */
function named(statement: Statement, parameters: Record<string, string | number>): Record<string, string | number> {
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => statement.source.includes(`:${name}`)));
}
