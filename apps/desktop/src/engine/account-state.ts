import { FastimError } from '@fastim/protocol';
import { asFastimError } from './errors.ts';
import type { AccountRow, ConversationRow, OutboxRow, Store, StoreBatch, StoredMessage } from './store.ts';

/** What one transaction changed, told after it is on disk. */
export interface Commit {
  /** Conversations before and after; `before` is undefined for a new one. */
  readonly conversations: ReadonlyArray<{ before: ConversationRow | undefined; after: ConversationRow }>;
  readonly messages: readonly StoredMessage[];
  readonly outboxPut: readonly OutboxRow[];
  readonly outboxRemoved: readonly OutboxRow[];
  readonly cuts: readonly Cut[];
}

/** Stored messages that are removed: those from `fromSeq` on, and their keys, for whoever shows them. */
export interface Cut {
  readonly conversationId: string;
  readonly fromSeq: number;
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
    for (const [key, row] of edit.outbox) this.outbox.set(key, row);
    if (edit.account) this.setAccount(edit.account);
    this.durable ||= edit.durable;
  }

  get empty(): boolean {
    return (
      this.conversations.size === 0 &&
      this.messages.length === 0 &&
      this.cuts.length === 0 &&
      this.outbox.size === 0 &&
      this.account === undefined
    );
  }
}

interface StateView {
  conversation(id: string): ConversationRow | undefined;
  outboxRow(key: string): OutboxRow | undefined;
}

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
  /** conversation → its outbox rows by rising number. */
  readonly #outboxOf = new Map<string, Map<string, OutboxRow>>();
  #lastNumber = 0;
  #tasks: Task[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  static async load(store: Store, generation: number, onCommit: (commit: Commit) => void): Promise<AccountState> {
    const { account, conversations, outbox } = await store.load(generation);
    return new AccountState(store, generation, account, conversations, outbox, onCommit);
  }

  private constructor(
    store: Store,
    generation: number,
    account: AccountRow,
    conversations: readonly ConversationRow[],
    outbox: readonly OutboxRow[],
    onCommit: (commit: Commit) => void,
  ) {
    this.#store = store;
    this.generation = generation;
    this.#account = account;
    this.#onCommit = onCommit;
    for (const row of conversations) this.#conversations.set(row.conversationId, row);
    for (const row of outbox) this.#indexOutbox(row);
  }

  get account(): AccountRow {
    return this.#account;
  }

  get userId(): string {
    return this.#account.user.userId;
  }

  conversation(id: string): ConversationRow | undefined {
    return this.#conversations.get(id);
  }

  conversations(): Iterable<ConversationRow> {
    return this.#conversations.values();
  }

  outboxRow(key: string): OutboxRow | undefined {
    return this.#outbox.get(key);
  }

  /** By rising number. */
  outboxOf(conversationId: string): OutboxRow[] {
    return [...(this.#outboxOf.get(conversationId)?.values() ?? [])];
  }

  unsentOf(conversationId: string): { count: number; newest: OutboxRow | undefined } {
    const rows = this.#outboxOf.get(conversationId);
    let newest: OutboxRow | undefined;
    for (const row of rows?.values() ?? []) newest = row;
    return { count: rows?.size ?? 0, newest };
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
        outboxPut: [...whole.outbox.values()].filter((row) => row !== null),
        outboxRemove: [...whole.outbox].filter(([, row]) => row === null).map(([key]) => key),
      };
      try {
        await this.#store.apply(this.generation, batch);
      } catch (error) {
        const reason = asFastimError(error);
        for (const reject of undo) reject(reason);
        return;
      }
      this.#commit(whole, batch);
    }
    for (const resolve of done) resolve();
  }

  #commit(whole: StateEdit, batch: StoreBatch): void {
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
    for (const row of batch.outboxPut) this.#indexOutbox(row);
    const { messages, outboxPut } = batch;
    this.#onCommit({ conversations, messages, outboxPut, outboxRemoved, cuts: whole.cuts });
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
