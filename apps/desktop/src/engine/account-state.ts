import { DedupeWindow } from '@fastim/core';
import { FastimError } from '@fastim/protocol';
import { asFastimError } from './errors.ts';
import { type Commit, StateEdit } from './state-edit.ts';
import type { AccountRow, ConversationRow, OutboxRow, Store, StoreBatch, StoredMessage } from './store.ts';
import type { UserView } from './views.ts';

type Task =
  | {
      kind: 'edit';
      run: (edit: StateEdit) => unknown;
      resolve: (value: never) => void;
      reject: (error: unknown) => void;
    }
  | { kind: 'read'; run: () => Promise<unknown>; resolve: (value: never) => void; reject: (error: unknown) => void };

/** Messages in one transaction, so that a flood neither holds up a send for long nor grows one call without bound. */
const MAX_MESSAGES_A_TRANSACTION = 2_000;

/** Own messages stored lately whose keys are remembered. */
const SENT_REMEMBERED = 1_000;

/**
 * The account's data in memory, and the only way to change it.
 *
 * Promises: memory is never ahead of the disk: a change is seen (and told by `onCommit`, in order) once it is stored;
 * when storing fails the change is as if it had never been. Changes are made one after the other; those that wait while
 * a transaction runs share the next one. A `read` runs between two transactions, so it sees one consistent state.
 */
export class AccountState {
  readonly generation: number;
  readonly #store: Store;
  readonly #onCommit: (commit: Commit) => void;
  #account: AccountRow;
  readonly #conversations = new Map<string, ConversationRow>();
  readonly #outbox = new Map<string, OutboxRow>();
  readonly #users = new Map<string, UserView>();
  /** conversation → its outbox rows by rising number. */
  readonly #outboxOf = new Map<string, Map<string, OutboxRow>>();
  readonly #sentLately = new DedupeWindow<string, true>(SENT_REMEMBERED);
  #lastNumber = 0;
  #tasks: Task[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  static async load(store: Store, generation: number, onCommit: (commit: Commit) => void): Promise<AccountState> {
    return new AccountState(store, generation, await store.load(generation), onCommit);
  }

  private constructor(
    store: Store,
    generation: number,
    loaded: Awaited<ReturnType<Store['load']>>,
    onCommit: (commit: Commit) => void,
  ) {
    this.#store = store;
    this.generation = generation;
    this.#account = loaded.account;
    this.#onCommit = onCommit;
    for (const row of loaded.conversations) this.#conversations.set(row.conversationId, row);
    for (const user of loaded.users) this.#users.set(user.userId, user);
    for (const row of loaded.outbox) this.#indexOutbox(row);
  }

  get account(): AccountRow {
    return this.#account;
  }

  get userId(): string {
    return this.#account.user.userId;
  }

  get openConversationId(): string | null {
    return this.#account.openConversationId;
  }

  conversation(id: string): ConversationRow | undefined {
    return this.#conversations.get(id);
  }

  conversations(): Iterable<ConversationRow> {
    return this.#conversations.values();
  }

  /** The name as last heard of; undefined: never. */
  user(userId: string): UserView | undefined {
    return this.#users.get(userId);
  }

  /** The message of this key has left the outbox not long ago, and is stored. */
  wasSent(key: string): boolean {
    return this.#sentLately.get(key) === true;
  }

  outboxRow(key: string): OutboxRow | undefined {
    return this.#outbox.get(key);
  }

  /** By rising number. */
  outboxOf(conversationId: string): OutboxRow[] {
    return [...(this.#outboxOf.get(conversationId)?.values() ?? [])];
  }

  /** Texts of mine that the server does not have. */
  unsentOf(conversationId: string): { count: number; newest: OutboxRow | undefined } {
    let newest: OutboxRow | undefined;
    let count = 0;
    for (const row of this.#outboxOf.get(conversationId)?.values() ?? []) {
      if (row.content.type !== 'text') continue;
      newest = row;
      count += 1;
    }
    return { count, newest };
  }

  /** The first of the conversation that is to be sent. */
  oldestPendingOf(conversationId: string): OutboxRow | undefined {
    for (const row of this.#outboxOf.get(conversationId)?.values() ?? []) if (row.failure === null) return row;
    return undefined;
  }

  outbox(): OutboxRow[] {
    return [...this.#outbox.values()].sort((a, b) => a.number - b.number);
  }

  /** Rises for ever in this engine's life, so the order of writing is the order of numbers. */
  nextOutboxNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  /** Resolves when the change is stored; rejects with a FastimError when it is not (then nothing changed). */
  change<T>(run: (edit: StateEdit) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#push({ kind: 'edit', run, resolve, reject });
    });
  }

  /** Runs `run` while no transaction is under way. It must not wait for a `change`. */
  read<T>(run: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#push({ kind: 'read', run, resolve, reject });
    });
  }

  /** Nothing new is taken; resolves when what was taken is done. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  #push(task: Task): void {
    if (this.#closed) {
      task.reject(new FastimError('UNAVAILABLE', 'the account is closed on this device'));
      return;
    }
    this.#tasks.push(task);
    this.#running ??= this.#work();
  }

  async #work(): Promise<void> {
    // What comes in the same turn shares the first transaction.
    await Promise.resolve();
    while (this.#tasks.length > 0) {
      const first = this.#tasks[0]!;
      if (first.kind === 'read') {
        this.#tasks.shift();
        await first.run().then(first.resolve as (value: unknown) => void, (error: unknown) => {
          first.reject(asFastimError(error));
        });
      } else {
        await this.#transact();
      }
    }
    this.#running = undefined;
  }

  async #transact(): Promise<void> {
    const whole = new StateEdit(this);
    const done: Array<() => void> = [];
    const undo: Array<(error: unknown) => void> = [];
    let taken = 0;
    for (const task of this.#tasks) {
      if (task.kind === 'read' || whole.messages.length >= MAX_MESSAGES_A_TRANSACTION) break;
      taken += 1;
      const edit = new StateEdit(whole);
      try {
        const value = task.run(edit);
        whole.merge(edit);
        done.push(() => task.resolve(value as never));
        undo.push(task.reject);
      } catch (error) {
        task.reject(asFastimError(error));
      }
    }
    this.#tasks.splice(0, taken);
    if (!whole.empty) {
      const batch: StoreBatch = {
        durable: whole.durable,
        account: whole.account ?? null,
        conversations: [...whole.conversations.values()],
        messagesCut: whole.cuts.map(({ conversationId, fromSeq }) => ({ conversationId, fromSeq })),
        messages: whole.messages,
        hide: whole.hides.map(({ conversationId, convSeqs }) => ({ conversationId, convSeqs })),
        users: [...whole.users.values()],
        outboxPut: [...whole.outbox.values()].filter((row) => row !== null),
        outboxRemove: [...whole.outbox].filter(([, row]) => row === null).map(([key]) => key),
      };
      let changed: readonly StoredMessage[];
      try {
        ({ changed } = await this.#store.apply(this.generation, batch));
      } catch (error) {
        const reason = asFastimError(error);
        for (const reject of undo) reject(reason);
        return;
      }
      this.#commit(whole, batch, changed);
    }
    for (const resolve of done) resolve();
  }

  #commit(whole: StateEdit, batch: StoreBatch, changed: readonly StoredMessage[]): void {
    if (whole.account) this.#account = { ...this.#account, ...whole.account };
    const conversations: Array<{ before: ConversationRow | undefined; after: ConversationRow }> = [];
    for (const [id, after] of whole.conversations) {
      conversations.push({ before: this.#conversations.get(id), after });
      this.#conversations.set(id, after);
    }
    const outboxRemoved: OutboxRow[] = [];
    for (const key of batch.outboxRemove) {
      const row = this.#outbox.get(key);
      if (!row) continue;
      this.#unindexOutbox(row);
      outboxRemoved.push(row);
    }
    for (const message of batch.messages)
      if (message.senderId === this.userId) this.#sentLately.remember(message.key, true);
    for (const row of batch.outboxPut) this.#indexOutbox(row);
    for (const user of whole.users.values()) this.#users.set(user.userId, user);
    const { messages, outboxPut, users } = batch;
    const { cuts, hides } = whole;
    this.#onCommit({ conversations, messages, changed, outboxPut, outboxRemoved, cuts, hides, users });
  }

  #indexOutbox(row: OutboxRow): void {
    const earlier = this.#outbox.get(row.key);
    let rows = this.#outboxOf.get(row.conversationId);
    if (!rows) {
      rows = new Map();
      this.#outboxOf.set(row.conversationId, rows);
    }
    // A row with a new number goes to the end; one that only changed keeps its place.
    if (earlier && earlier.number !== row.number) rows.delete(row.key);
    rows.set(row.key, row);
    this.#outbox.set(row.key, row);
    this.#lastNumber = Math.max(this.#lastNumber, row.number);
  }

  #unindexOutbox(row: OutboxRow): void {
    this.#outbox.delete(row.key);
    const rows = this.#outboxOf.get(row.conversationId);
    rows?.delete(row.key);
    if (rows?.size === 0) this.#outboxOf.delete(row.conversationId);
  }
}
