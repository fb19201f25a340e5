import type { AccountState, Commit } from './account-state.ts';
import type { ClientEvents } from './client-api.ts';
import type { ConversationRow } from './store.ts';
import { outboxView, storedView, viewOf } from './view-models.ts';
import type { MessageView } from './views.ts';

/** My messages whose ticks changed are told up to this many, newest first; the cursors in the conversation tell the rest. */
const MAX_TICKS = 500;

/**
 * Turns what was stored into events. Everything it says is read from the state at that moment, so what is said later is
 * never older than what was said before.
 */
export class Announcer {
  readonly #state: () => AccountState | undefined;
  readonly #emit: <E extends keyof ClientEvents>(event: E, payload: ClientEvents[E]) => void;
  readonly #messagesOf: (row: ConversationRow, from: number, to: number, limit: number) => void;

  constructor(parts: {
    state: () => AccountState | undefined;
    emit: <E extends keyof ClientEvents>(event: E, payload: ClientEvents[E]) => void;
    /** Reads my own messages of the range and hands them to `ticks`. */
    ticksChanged: (row: ConversationRow, from: number, to: number, limit: number) => void;
  }) {
    this.#state = parts.state;
    this.#emit = parts.emit;
    this.#messagesOf = parts.ticksChanged;
  }

  committed(commit: Commit): void {
    const state = this.#state();
    if (!state) return;
    const changed = new Map<string, MessageView[]>();
    const removed = new Map<string, string[]>();
    const touched = new Set<string>();
    for (const { before, after } of commit.conversations) {
      if (!before || !looksTheSame(before, after)) touched.add(after.conversationId);
    }
    const storedKeys = new Set<string>();
    for (const message of commit.messages) {
      storedKeys.add(message.key);
      const row = state.conversation(message.conversationId);
      push(changed, message.conversationId, storedView(message, row, state.userId));
    }
    for (const row of commit.outboxPut) {
      touched.add(row.conversationId);
      push(changed, row.conversationId, outboxView(row, state.userId));
    }
    for (const row of commit.outboxRemoved) {
      touched.add(row.conversationId);
      if (!storedKeys.has(row.key)) push(removed, row.conversationId, row.key);
    }
    for (const { conversationId, keys } of commit.cuts) {
      const kept = new Set(changed.get(conversationId)?.map(({ key }) => key));
      for (const key of keys) if (!kept.has(key)) push(removed, conversationId, key);
    }
    for (const conversationId of new Set([...changed.keys(), ...removed.keys()])) {
      const views = (changed.get(conversationId) ?? []).sort((a, b) => a.order - b.order);
      this.#emit('messages', { conversationId, changed: views, removed: removed.get(conversationId) ?? [] });
    }
    const views = [...touched].flatMap((id) => state.conversation(id) ?? []).map((row) => viewOf(state, row));
    if (views.length > 0) this.#emit('conversations', views);
    for (const { before, after } of commit.conversations) if (before) this.#announceTicks(before, after);
  }

  #announceTicks(before: ConversationRow, after: ConversationRow): void {
    const from: number[] = [];
    const to: number[] = [];
    if (after.peerDeliveredSeq > before.peerDeliveredSeq) {
      from.push(before.peerDeliveredSeq + 1);
      to.push(after.peerDeliveredSeq);
    }
    if (after.peerReadSeq > before.peerReadSeq) {
      from.push(before.peerReadSeq + 1);
      to.push(after.peerReadSeq);
    }
    if (from.length > 0) this.#messagesOf(after, Math.min(...from), Math.max(...to), MAX_TICKS);
  }
}

/** Whether nothing changed that a view shows. */
function looksTheSame(a: ConversationRow, b: ConversationRow): boolean {
  return (
    a.headSeq === b.headSeq &&
    a.headCountNo === b.headCountNo &&
    a.unreadBaseCountNo === b.unreadBaseCountNo &&
    a.readSeq === b.readSeq &&
    a.lastActivityMs === b.lastActivityMs &&
    a.peerDeliveredSeq === b.peerDeliveredSeq &&
    a.peerReadSeq === b.peerReadSeq &&
    a.lastMessage === b.lastMessage &&
    a.draft === b.draft &&
    a.peer === b.peer
  );
}

function push<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
