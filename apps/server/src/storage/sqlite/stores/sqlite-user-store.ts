import type { UserRecord, UserStore } from '../../user-store.ts';
import type { ReaderOperations, WriterOperations } from '../worker/operations.ts';
import type { WorkerClient } from '../worker/worker-client.ts';
import { storedId } from './stored-id.ts';

export class SqliteUserStore implements UserStore {
  readonly #writer: WorkerClient<WriterOperations>;
  readonly #reader: WorkerClient<ReaderOperations>;

  constructor(writer: WorkerClient<WriterOperations>, reader: WorkerClient<ReaderOperations>) {
    this.#writer = writer;
    this.#reader = reader;
  }

  create(user: UserRecord): Promise<'created' | 'taken'> {
    return this.#writer.call('createUser', { ...user, userId: storedId(user.userId) });
  }

  byUsernameKey(usernameKey: string): Promise<UserRecord | undefined> {
    return this.#reader.call('userByKey', usernameKey);
  }

  byIds(userIds: readonly bigint[]): Promise<UserRecord[]> {
    return this.#reader.call('usersByIds', userIds.map(storedId));
  }

  setPasswordHash(userId: bigint, passwordHash: string): Promise<void> {
    return this.#writer.call('setPasswordHash', { userId: storedId(userId), passwordHash });
  }

  setShowOnline(userId: bigint, showOnline: boolean): Promise<void> {
    return this.#writer.call('setShowOnline', { userId: storedId(userId), showOnline });
  }

  search(queryKey: string, limit: number): Promise<UserRecord[]> {
    return this.#reader.call('searchUsers', { queryKey, limit });
  }
}
