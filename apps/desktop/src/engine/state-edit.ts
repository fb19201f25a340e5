import type { ConversationRow, OutboxRow, StoreBatch, StoredMessage } from './store.ts';
import type { UserView } from './views.ts';

/** What one transaction changed, told after it is on disk. */
export interface Commit {
  /** Conversations before and after; `before` is undefined for a new one. */
  readonly conversations: ReadonlyArray<{ before: ConversationRow | undefined; after: ConversationRow }>;
  readonly messages: readonly StoredMessage[];
  /** Messages that look another way now: targets of events, and those that met some on arrival. */
  readonly changed: readonly StoredMessage[];
  readonly outboxPut: readonly OutboxRow[];
  readonly outboxRemoved: readonly OutboxRow[];
  readonly cuts: readonly Cut[];
  readonly hides: readonly Hide[];
  /** Names that are new or changed. */
  readonly users: readonly UserView[];
}

/** Stored messages that are removed: those from `fromSeq` on, and their keys, for whoever shows them. */
export interface Cut {
  readonly conversationId: string;
  readonly fromSeq: number;
  readonly keys: readonly string[];
}

/** Messages deleted for me, and the keys of those that are here. */
export interface Hide {
  readonly conversationId: string;
  readonly convSeqs: readonly number[];
  readonly keys: readonly string[];
}

/**
 * Changes being prepared: reads see what this edit (and those before it in the same transaction) put. An edit is
 * synchronous; one that throws leaves nothing behind.
 */
export class StateEdit {
  readonly #base: StateView;
  readonly conversations = new Map<string, ConversationRow>();
  readonly messages: StoredMessage[] = [];
  readonly cuts: Cut[] = [];
  readonly hides: Hide[] = [];
  readonly users = new Map<string, UserView>();
  /** null: removed. */
  readonly outbox = new Map<string, OutboxRow | null>();
  account: NonNullable<StoreBatch['account']> | undefined;
  durable = false;

  constructor(base: StateView) {
    this.#base = base;
  }

  conversation(id: string): ConversationRow | undefined {
    return this.conversations.get(id) ?? this.#base.conversation(id);
  }

  put(row: ConversationRow): void {
    this.conversations.set(row.conversationId, row);
  }

  addMessage(message: StoredMessage): void {
    this.messages.push(message);
  }

  /** Before what the transaction adds. */
  cutMessages(cut: Cut): void {
    this.cuts.push(cut);
  }

  hideMessages(hide: Hide): void {
    this.hides.push(hide);
  }

  user(userId: string): UserView | undefined {
    return this.users.get(userId) ?? this.#base.user(userId);
  }

  /** A name as the server told it. */
  putUser(user: UserView): void {
    const known = this.user(user.userId);
    if (known?.username === user.username && known.displayName === user.displayName) return;
    this.users.set(user.userId, user);
  }

  /** The conversation on the screen. */
  get openConversationId(): string | null {
    const own = this.account?.openConversationId;
    return own === undefined ? this.#base.openConversationId : own;
  }

  /** The message of this key left the outbox, in this transaction or not long ago, because it is stored. */
  wasSent(key: string): boolean {
    const own = this.outbox.get(key);
    return own === null ? this.messages.some((message) => message.key === key) : !own && this.#base.wasSent(key);
  }

  outboxRow(key: string): OutboxRow | undefined {
    const own = this.outbox.get(key);
    return own === null ? undefined : (own ?? this.#base.outboxRow(key));
  }

  /** An outbox row is what a power loss must not take: makes the transaction durable. */
  putOutbox(row: OutboxRow): void {
    this.outbox.set(row.key, row);
    this.durable = true;
  }

  removeOutbox(key: string): void {
    this.outbox.set(key, null);
  }

  setAccount(patch: NonNullable<StoreBatch['account']>): void {
    this.account = { ...this.account, ...patch };
  }

  /** Puts the changes of a nested edit. */
  merge(edit: StateEdit): void {
    for (const [id, row] of edit.conversations) this.conversations.set(id, row);
    for (const message of edit.messages) this.messages.push(message);
    for (const cut of edit.cuts) this.cuts.push(cut);
    for (const hide of edit.hides) this.hides.push(hide);
    for (const [id, user] of edit.users) this.users.set(id, user);
    for (const [key, row] of edit.outbox) this.outbox.set(key, row);
    if (edit.account) this.setAccount(edit.account);
    this.durable ||= edit.durable;
  }

  get empty(): boolean {
    return (
      this.conversations.size === 0 &&
      this.messages.length === 0 &&
      this.cuts.length === 0 &&
      this.hides.length === 0 &&
      this.users.size === 0 &&
      this.outbox.size === 0 &&
      this.account === undefined
    );
  }
}

interface StateView {
  readonly openConversationId: string | null;
  conversation(id: string): ConversationRow | undefined;
  outboxRow(key: string): OutboxRow | undefined;
  wasSent(key: string): boolean;
  user(userId: string): UserView | undefined;
}
