import type { Random } from '@fastim/core';
import { isEventContent } from '../message-content.ts';
import { changeMessages, isMarkedFrom, type MessageTable, type TableRow } from '../message-table.ts';
import { type SearchPhrase, searchPhrases, searchWords } from '../search-text.ts';
import {
  type AccountRow,
  type ApplyResult,
  type ConversationRow,
  type MessageQuery,
  type OutboxRow,
  type PendingLogOut,
  type ProfileRow,
  type SearchQuery,
  type Store,
  type StoreBatch,
  type StoreContents,
  type StoredMessage,
  StoreError,
} from '../store.ts';
import type { UserView } from '../views.ts';
import { OrderedRows } from './ordered-rows.ts';
import { UndoLog } from './undo-log.ts';

interface AccountData {
  readonly generation: number;
  readonly row: AccountRow;
  readonly conversations: Map<string, ConversationRow>;
  readonly messages: Map<string, OrderedRows>;
  /** conversation → conv_seqs deleted for me. */
  readonly hidden: Map<string, ReadonlySet<number>>;
  readonly users: Map<string, UserView>;
  readonly outbox: Map<string, OutboxRow>;
}

interface DiskState {
  profile: ProfileRow;
  account: AccountData | undefined;
  lastGeneration: number;
}

/** What stays when the process dies: hand the same one to the next MemoryStore. */
export class MemoryDisk {
  opened = false;
  readonly state: DiskState = {
    profile: { deviceId: null, settings: null, lastServerUrl: null },
    account: undefined,
    lastGeneration: 0,
  };
  readonly pendingLogOuts = new Map<string, PendingLogOut>();
  readonly undo = new UndoLog();

  /**
   * A power loss while no process has it open: of the transactions after the last durable one, some of the newest are
   * gone; how many, `random` decides. Returns their number.
   */
  dropUnsynced(random: Random): number {
    if (this.opened) throw new Error('the process that has the disk open dies with the power: crash it first');
    return this.undo.dropNewest(Math.floor(random.fraction() * (this.undo.transactions + 1)));
  }
}

/**
 * The Store in memory, for tests and the simulator; passes the same contract suite as SQLite. A transaction takes effect
 * when it is called, whole or not at all; whether it survives a power loss is the disk's business.
 */
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
    const { account, profile } = this.disk.state;
    return {
      profile,
      account: account ? { generation: account.generation, row: account.row } : null,
      pendingLogOuts: [...this.disk.pendingLogOuts.values()],
    };
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.disk.opened = false;
  }

  async saveProfile(patch: Partial<ProfileRow>): Promise<void> {
    this.#write('saveProfile', false, ({ state, undo }) => {
      undo.set(state, 'profile', { ...state.profile, ...patch });
    });
  }

  async beginAccount(account: AccountRow, logOutFirst: PendingLogOut | null): Promise<number> {
    return this.#write('beginAccount', true, ({ state, undo, pendingLogOuts }) => {
      const old = state.account;
      const isSame = old && old.row.serverUrl === account.serverUrl && old.row.user.userId === account.user.userId;
      const generation = state.lastGeneration + 1;
      undo.set(state, 'lastGeneration', generation);
      undo.set(
        state,
        'account',
        isSame ? { ...old, generation, row: keptRow(account, old.row) } : emptyAccount(generation, account),
      );
      if (logOutFirst) undo.put(pendingLogOuts, logOutFirst.sessionId, logOutFirst);
      return generation;
    });
  }

  async endAccount(generation: number, pending: PendingLogOut | null): Promise<void> {
    this.#write('endAccount', true, ({ state, undo, pendingLogOuts }) => {
      this.#account(generation);
      undo.set(state, 'account', undefined);
      if (pending) undo.put(pendingLogOuts, pending.sessionId, pending);
    });
  }

  async putPendingLogOut(pending: PendingLogOut): Promise<void> {
    this.#write('putPendingLogOut', true, ({ undo, pendingLogOuts }) => {
      undo.put(pendingLogOuts, pending.sessionId, pending);
    });
  }

  async removePendingLogOut(sessionId: string): Promise<void> {
    this.#write('removePendingLogOut', false, ({ undo, pendingLogOuts }) => undo.delete(pendingLogOuts, sessionId));
  }

  async load(generation: number) {
    this.#check();
    const { row, conversations, outbox, users } = this.#account(generation);
    return {
      account: row,
      conversations: [...conversations.values()],
      outbox: [...outbox.values()].sort((a, b) => a.number - b.number),
      users: [...users.values()],
    };
  }

  async apply(generation: number, batch: StoreBatch): Promise<ApplyResult> {
    return this.#write('apply', batch.durable, ({ state, undo }) => {
      const account = this.#account(generation);
      if (batch.account) undo.set(state, 'account', { ...account, row: { ...account.row, ...batch.account } });
      for (const row of batch.conversations) undo.put(account.conversations, row.conversationId, row);
      for (const { conversationId, fromSeq } of batch.messagesCut) {
        const kept = [...(account.hidden.get(conversationId) ?? [])].filter((convSeq) => convSeq < fromSeq);
        undo.put(account.hidden, conversationId, new Set(kept));
      }
      const table = memoryTable(account, undo);
      const changed = changeMessages(table, batch.messagesCut, batch.messages, account.row.user.userId);
      for (const { conversationId, convSeqs } of batch.hide) {
        undo.put(account.hidden, conversationId, new Set([...(account.hidden.get(conversationId) ?? []), ...convSeqs]));
      }
      for (const user of batch.users) undo.put(account.users, user.userId, user);
      for (const row of batch.outboxPut) undo.put(account.outbox, row.key, row);
      for (const key of batch.outboxRemove) undo.delete(account.outbox, key);
      return { changed };
    });
  }

  async messages(generation: number, query: MessageQuery): Promise<StoredMessage[]> {
    this.#check();
    const { conversationId, fromSeq, toSeq, limit, newestFirst, senderId, countNoAbove, shownOnly, marksFrom } = query;
    const account = this.#account(generation);
    const hidden = account.hidden.get(conversationId);
    const found: StoredMessage[] = [];
    const rows = account.messages.get(conversationId)?.between(fromSeq, toSeq, newestFirst) ?? [];
    for (const { message } of rows) {
      if (found.length >= limit) break;
      if (senderId !== undefined && message.senderId !== senderId) continue;
      if (countNoAbove !== undefined && message.countNo <= countNoAbove) continue;
      if (shownOnly && (isEventContent(message.content) || hidden?.has(message.convSeq))) continue;
      if (marksFrom !== undefined && !isMarkedFrom(message.marks, marksFrom)) continue;
      found.push(message);
    }
    return newestFirst ? found.reverse() : found;
  }

  async search(generation: number, query: SearchQuery): Promise<StoredMessage[]> {
    this.#check();
    const account = this.#account(generation);
    const phrases = searchPhrases(query.query);
    if (phrases?.length === 0) return [];
    if (!phrases && query.conversationId === undefined && query.senderId === undefined) return [];
    const { fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY, before } = query;
    const found: StoredMessage[] = [];
    for (const [conversationId, rows] of account.messages) {
      if (query.conversationId !== undefined && query.conversationId !== conversationId) continue;
      const hidden = account.hidden.get(conversationId);
      for (const { message } of rows.between(0, Number.MAX_SAFE_INTEGER, false)) {
        const { content, serverTimeMs, senderId } = message;
        if (content.type !== 'text' || message.marks.recalledSeq > 0 || hidden?.has(message.convSeq)) continue;
        if (query.senderId !== undefined && query.senderId !== senderId) continue;
        if (serverTimeMs < fromMs || serverTimeMs > toMs) continue;
        if (before && newestFirst(before, message) >= 0) continue;
        const words = searchWords(content.text);
        if (words.length > 0 && (phrases ?? []).every((phrase) => holds(words, phrase))) found.push(message);
      }
    }
    return found.sort(newestFirst).slice(0, query.limit);
  }

  #check(): void {
    if (!this.#open) throw new StoreError('closed', 'the store is not open');
  }

  #write<T>(operation: string, durable: boolean, work: (disk: MemoryDisk) => T): T {
    this.#check();
    this.beforeWrite?.(operation);
    // A crash in there.
    this.#check();
    return this.disk.undo.transaction(durable, () => work(this.disk));
  }

  #account(generation: number): AccountData {
    const { account } = this.disk.state;
    if (account?.generation !== generation) throw new StoreError('stale', 'the account is gone');
    return account;
  }
}

function emptyAccount(generation: number, row: AccountRow): AccountData {
  return {
    generation,
    row,
    conversations: new Map(),
    messages: new Map(),
    hidden: new Map(),
    users: new Map(),
    outbox: new Map(),
  };
}

/** The same user logged in again: what was synced goes on from where it was. */
function keptRow(account: AccountRow, { sinceMs, openConversationId, historyEpoch }: AccountRow): AccountRow {
  return { ...account, sinceMs, openConversationId, historyEpoch };
}

function memoryTable(account: AccountData, undo: UndoLog): MessageTable {
  const rowsOf = (conversationId: string): OrderedRows => {
    let rows = account.messages.get(conversationId);
    if (!rows) {
      rows = new OrderedRows();
      account.messages.set(conversationId, rows);
    }
    return rows;
  };
  const put = (rows: OrderedRows, row: TableRow) => {
    const { convSeq } = row.message;
    const before = rows.get(convSeq);
    rows.put(row);
    undo.note(() => (before ? rows.put(before) : rows.delete(convSeq)));
  };
  return {
    get: (conversationId, convSeq) => account.messages.get(conversationId)?.get(convSeq),
    insert: (row) => put(rowsOf(row.message.conversationId), row),
    update: (_before, row) => put(rowsOf(row.message.conversationId), row),
    eventsAbout: (conversationId, targetSeq) => rowsOf(conversationId).eventsAbout(targetSeq),
    removeFrom: (conversationId, fromSeq) => {
      const rows = rowsOf(conversationId);
      for (const row of [...rows.between(fromSeq, Number.MAX_SAFE_INTEGER, false)]) {
        rows.delete(row.message.convSeq);
        undo.note(() => rows.put(row));
      }
    },
    markedFrom: (conversationId, fromSeq) =>
      [...rowsOf(conversationId).between(0, fromSeq - 1, false)].filter(({ message }) =>
        isMarkedFrom(message.marks, fromSeq),
      ),
  };
}

function holds(words: readonly string[], { words: wanted, prefix }: SearchPhrase): boolean {
  return words.some((_word, start) =>
    wanted.every((want, index) => {
      const word = words[start + index];
      return prefix && index === wanted.length - 1 ? word?.startsWith(want) : word === want;
    }),
  );
}

type Place = Pick<StoredMessage, 'serverTimeMs' | 'msgId'>;

function newestFirst(a: Place, b: Place): number {
  return b.serverTimeMs - a.serverTimeMs || Math.sign(Number(BigInt(b.msgId) - BigInt(a.msgId)));
}
