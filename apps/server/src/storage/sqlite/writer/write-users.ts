import type { Database, Statement } from 'better-sqlite3';
import { foldText } from '../../fold-text.ts';
import type { UserRecord } from '../../user-store.ts';

export class WriteUsers {
  readonly #add: Statement<[bigint, string, string, string, string, string, number, number]>;
  readonly #setPassword: Statement<[string, bigint]>;
  readonly #setShowOnline: Statement<[number, bigint]>;

  constructor(database: Database) {
    this.#add = database.prepare(
      `INSERT INTO user (user_id, username, username_key, display_name, display_key, password_hash, created_ms,
                         show_online)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (username_key) DO NOTHING`,
    );
    this.#setPassword = database.prepare('UPDATE user SET password_hash = ? WHERE user_id = ?');
    this.#setShowOnline = database.prepare('UPDATE user SET show_online = ? WHERE user_id = ?');
  }

  create(user: UserRecord): 'created' | 'taken' {
    const { changes } = this.#add.run(
      user.userId,
      user.username,
      user.usernameKey,
      user.displayName,
      foldText(user.displayName),
      user.passwordHash,
      user.createdMs,
      user.showOnline ? 1 : 0,
    );
    return changes === 1 ? 'created' : 'taken';
  }

  setPasswordHash(userId: bigint, passwordHash: string): void {
    this.#setPassword.run(passwordHash, userId);
  }

  setShowOnline(userId: bigint, showOnline: boolean): void {
    this.#setShowOnline.run(showOnline ? 1 : 0, userId);
  }
}
