import type { ConversationStore } from './conversation-store.ts';
import type { GroupStore } from './group-store.ts';
import type { MessageStore } from './message-store.ts';
import type { SessionStore } from './session-store.ts';
import type { UserStore } from './user-store.ts';

/**
 * What a storage call rejects with. The batch or call it belongs to had no effect; only when the driver itself died
 * under the call (said in the message of an 'io') is that unknown. Every write may be repeated.
 */
export class StorageError extends Error {
  /**
   * full: no space (SQLITE_FULL, ENOSPC): recovers by itself when space returns. io: read, write or fsync failed.
   * busy: the writer's queue is over its bound. closed: the storage is stopped. corrupt: what was read is not what was
   * written. fenced: the node number under which the ids were made is another's now; with other ids it may be tried
   * again. other: a bug of ours.
   */
  readonly kind: 'full' | 'io' | 'busy' | 'closed' | 'corrupt' | 'fenced' | 'other';

  constructor(kind: StorageError['kind'], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StorageError';
    this.kind = kind;
  }
}

/** The data folder or the database cannot be used; the message tells the operator why and by whom. Start stops here. */
export class StorageRefusal extends Error {
  readonly kind: 'in-use' | 'newer-version' | 'not-durable' | 'unreadable';

  constructor(kind: StorageRefusal['kind'], message: string) {
    super(message);
    this.name = 'StorageRefusal';
    this.kind = kind;
  }
}

/** One open storage. Closing waits for what is under way and is idempotent. */
export interface Storage {
  readonly messages: MessageStore;
  readonly conversations: ConversationStore;
  readonly groups: GroupStore;
  readonly users: UserStore;
  readonly sessions: SessionStore;
  /** Made with the storage, and made anew when a backup is restored: clients then compare what they have. */
  readonly historyEpoch: bigint;
  /**
   * The highest snowflake stored, 0n for an empty storage: no id at or below it may be given again, whatever the clock
   * says after a restart.
   */
  highestId(): Promise<bigint>;
  /** Rejects when the storage cannot take a write now. */
  check(): Promise<void>;
  close(): Promise<void>;
}
