import {
  type AccountRow,
  type ConversationRow,
  type MessageQuery,
  type OutboxRow,
  type PendingLogOut,
  type ProfileRow,
  type Store,
  type StoreBatch,
  type StoreContents,
  type StoredMessage,
  StoreError,
} from '../store.ts';

interface AccountData {
  generation: number;
  row: AccountRow;
  conversations: Map<string, ConversationRow>;
  /** conversation → conv_seq → message. */
  messages: Map<string, Map<number, StoredMessage>>;
  outbox: Map<string, OutboxRow>;
}

/** What stays when the process dies: hand the same one to the next MemoryStore. */
export class MemoryDisk {
  opened = false;
  profile: ProfileRow = { deviceId: null, settings: null, lastServerUrl: null };
  account: AccountData | undefined;
  pendingLogOuts = new Map<string, PendingLogOut>();
  lastGeneration = 0;
}

/** The Store in memory, for tests and the simulator; passes the same contract suite as SQLite. */
export class MemoryStore implements Store {
  readonly disk: MemoryDisk;
  /** Called before each write takes effect; what it throws is the write's failure. */
  beforeWrite: ((operation: string) => void) | undefined;
  #open = false;
  #crashed = false;

  constructor(disk = new MemoryDisk()) {
    this.disk = disk;
  }

  /** The process dies: nothing that comes later has an effect, and the disk is free for the next one. */
  crash(): void {
    this.#crashed = true;
    if (this.#open) this.disk.opened = false;
    this.#open = false;
  }

  async open(): Promise<StoreContents> {
    if (this.#crashed) throw new StoreError('closed', 'crashed');
    if (this.disk.opened) throw new StoreError('in-use', 'the profile is open elsewhere');
    this.disk.opened = true;
    this.#open = true;
    const { account, profile, pendingLogOuts } = this.disk;
    return {
      profile,
      account: account ? { generation: account.generation, row: account.row } : null,
      pendingLogOuts: [...pendingLogOuts.values()],
    };
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.disk.opened = false;
  }

  async saveProfile(patch: Partial<ProfileRow>): Promise<void> {
    this.#write('saveProfile');
    this.disk.profile = { ...this.disk.profile, ...patch };
  }

  async beginAccount(account: AccountRow, logOutFirst: PendingLogOut | null): Promise<number> {
    this.#write('beginAccount');
    const old = this.disk.account;
    const isSame = old && old.row.serverUrl === account.serverUrl && old.row.user.userId === account.user.userId;
    this.disk.lastGeneration += 1;
    const generation = this.disk.lastGeneration;
    this.disk.account = isSame
      ? {
          ...old,
          generation,
          row: { ...account, sinceMs: old.row.sinceMs, openConversationId: old.row.openConversationId },
        }
      : { generation, row: account, conversations: new Map(), messages: new Map(), outbox: new Map() };
    if (logOutFirst) this.disk.pendingLogOuts.set(logOutFirst.sessionId, logOutFirst);
    return generation;
  }

  async endAccount(generation: number, pending: PendingLogOut | null): Promise<void> {
    this.#write('endAccount');
    this.#account(generation);
    this.disk.account = undefined;
    if (pending) this.disk.pendingLogOuts.set(pending.sessionId, pending);
  }

  async putPendingLogOut(pending: PendingLogOut): Promise<void> {
    this.#write('putPendingLogOut');
    this.disk.pendingLogOuts.set(pending.sessionId, pending);
  }

  async removePendingLogOut(sessionId: string): Promise<void> {
    this.#write('removePendingLogOut');
    this.disk.pendingLogOuts.delete(sessionId);
  }

  async load(generation: number) {
    this.#check();
    const { row, conversations, outbox } = this.#account(generation);
    return {
      account: row,
      conversations: [...conversations.values()],
      outbox: [...outbox.values()].sort((a, b) => a.number - b.number),
    };
  }

  async apply(generation: number, batch: StoreBatch): Promise<void> {
    this.#write('apply');
    const account = this.#account(generation);
    if (batch.account) account.row = { ...account.row, ...batch.account };
    for (const row of batch.conversations) account.conversations.set(row.conversationId, row);
    for (const { conversationId, fromSeq } of batch.messagesCut) {
      const list = account.messages.get(conversationId);
      for (const convSeq of [...(list?.keys() ?? [])]) if (convSeq >= fromSeq) list?.delete(convSeq);
    }
    for (const message of batch.messages) {
      const list = account.messages.get(message.conversationId) ?? new Map<number, StoredMessage>();
      account.messages.set(message.conversationId, list);
      if (!list.has(message.convSeq)) list.set(message.convSeq, message);
    }
    for (const row of batch.outboxPut) account.outbox.set(row.key, row);
    for (const key of batch.outboxRemove) account.outbox.delete(key);
  }

  async messages(generation: number, query: MessageQuery): Promise<StoredMessage[]> {
    this.#check();
    const { conversationId, fromSeq, toSeq, limit, newestFirst, senderId, countNoAbove } = query;
    const found = [...(this.#account(generation).messages.get(conversationId)?.values() ?? [])]
      .filter(({ convSeq }) => convSeq >= fromSeq && convSeq <= toSeq)
      .filter((message) => senderId === undefined || message.senderId === senderId)
      .filter((message) => countNoAbove === undefined || message.countNo > countNoAbove)
      .sort((a, b) => a.convSeq - b.convSeq);
    return newestFirst ? found.slice(Math.max(0, found.length - limit)) : found.slice(0, limit);
  }

  #check(): void {
    if (!this.#open) throw new StoreError('closed', 'the store is not open');
  }

  #write(operation: string): void {
    this.#check();
    this.beforeWrite?.(operation);
    // A crash in there.
    this.#check();
  }

  #account(generation: number): AccountData {
    const { account } = this.disk;
    if (account?.generation !== generation) throw new StoreError('stale', 'the account is gone');
    return account;
  }
}
