import type { Clock } from '@fastim/core';
import type { AccountState } from './account-state.ts';
import type { ClientEvents } from './client-api.ts';
import { describe } from './errors.ts';
import { isEventContent } from './message-content.ts';
import { Pace } from './pace.ts';
import type { Logger } from './ports.ts';
import { isSameConversation } from './same-conversation.ts';
import type { Commit } from './state-edit.ts';
import type { ConversationRow, Store, StoredMessage } from './store.ts';
import type { Viewer } from './viewer.ts';

/** My messages whose ticks changed are told up to this many, newest first; the cursors in the conversation tell the rest. */
const MAX_TICKS = 500;
/** Messages in one event; what is more follows in the next. */
const MAX_IN_EVENT = 500;
/** Places this far apart are read one by one. */
const SPARSE = 50;
/** A conversation is told at once a few times in a row, then ten times a second. */
const INTERVAL_MS = 100;
const BURST = 5;
/** Conversations that nothing was said of lately are forgotten past so many. */
const MAX_PACES = 1_000;

interface Pending {
  readonly seqs: Set<number>;
  readonly outboxKeys: Set<string>;
  readonly removed: Set<string>;
  ticks: { from: number; to: number } | undefined;
  readonly pace: Pace;
}

/**
 * Turns what was stored into events. Everything it says is read from the state at that moment, between two transactions:
 * so what is said later is never older than what was said before, and a flood of changes becomes few events.
 */
export class Announcer {
  readonly #state: AccountState;
  readonly #store: Store;
  readonly #viewer: Viewer;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #emit: <E extends keyof ClientEvents>(event: E, payload: ClientEvents[E]) => void;
  readonly #pending = new Map<string, Pending>();
  readonly #paces = new Map<string, Pace>();
  readonly #touched = new Set<string>();
  readonly #listPace = new Pace(INTERVAL_MS, BURST);
  #cancelTimer: (() => void) | undefined;
  #saying = false;
  #stopped = false;

  constructor(parts: {
    state: AccountState;
    store: Store;
    viewer: Viewer;
    clock: Clock;
    logger: Logger;
    emit: <E extends keyof ClientEvents>(event: E, payload: ClientEvents[E]) => void;
  }) {
    this.#state = parts.state;
    this.#store = parts.store;
    this.#viewer = parts.viewer;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#emit = parts.emit;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  committed(commit: Commit): void {
    for (const { before, after } of commit.conversations) {
      if (!before || !isSameConversation(before, after)) this.#touched.add(after.conversationId);
      if (before) this.#noteTicks(before, after);
    }
    const storedKeys = new Set<string>();
    for (const message of commit.messages) {
      storedKeys.add(message.key);
      // An event is seen in what it changed.
      if (!isEventContent(message.content)) this.#touch(message.conversationId, message.convSeq);
    }
    for (const { conversationId, convSeq, content } of commit.changed) {
      if (!isEventContent(content)) this.#touch(conversationId, convSeq);
    }
    for (const { conversationId, key, content } of commit.outboxPut) {
      this.#touched.add(conversationId);
      if (isEventContent(content)) this.#touch(conversationId, content.targetSeq);
      else this.#of(conversationId).outboxKeys.add(key);
    }
    for (const { conversationId, key, content } of commit.outboxRemoved) {
      this.#touched.add(conversationId);
      if (isEventContent(content)) this.#touch(conversationId, content.targetSeq);
      else if (!storedKeys.has(key)) this.#of(conversationId).removed.add(key);
    }
    for (const { conversationId, keys } of [...commit.cuts, ...commit.hides]) {
      for (const key of keys) this.#of(conversationId).removed.add(key);
    }
    if (commit.users.length > 0) this.#named(new Set(commit.users.map(({ userId }) => userId)));
    this.#schedule();
  }

  /** Messages that look another way now, although nothing of them was stored. */
  touch(conversationId: string, convSeqs: Iterable<number>): void {
    for (const convSeq of convSeqs) this.#touch(conversationId, convSeq);
    this.#schedule();
  }

  #touch(conversationId: string, convSeq: number): void {
    this.#of(conversationId).seqs.add(convSeq);
  }

  #of(conversationId: string): Pending {
    const found = this.#pending.get(conversationId);
    if (found) return found;
    const pace = this.#paces.get(conversationId) ?? new Pace(INTERVAL_MS, BURST);
    if (this.#paces.size > MAX_PACES) this.#paces.clear();
    this.#paces.set(conversationId, pace);
    const fresh = { seqs: new Set<number>(), outboxKeys: new Set<string>(), removed: new Set<string>() };
    const pending: Pending = { ...fresh, ticks: undefined, pace };
    this.#pending.set(conversationId, pending);
    return pending;
  }

  #noteTicks(before: ConversationRow, after: ConversationRow): void {
    const ends: number[] = [];
    const note = (from: number, to: number) => {
      if (to > from) ends.push(from + 1, to);
    };
    note(before.peerDeliveredSeq, after.peerDeliveredSeq);
    note(before.peerReadSeq, after.peerReadSeq);
    if (ends.length === 0) return;
    const pending = this.#of(after.conversationId);
    pending.ticks = {
      from: Math.min(pending.ticks?.from ?? Number.POSITIVE_INFINITY, ...ends),
      to: Math.max(pending.ticks?.to ?? 0, ...ends),
    };
  }

  /** Names came: whatever was shown without them is told again. */
  #named(userIds: ReadonlySet<string>): void {
    for (const row of this.#state.conversations()) {
      const last = row.lastMessage;
      if (row.kind !== 'group' || !last) continue;
      const { content, senderId } = last;
      const users = content.type === 'notice' ? [senderId, ...content.userIds] : [senderId];
      if (users.some((userId) => userIds.has(userId))) this.#touched.add(row.conversationId);
    }
    for (const [conversationId, convSeqs] of this.#viewer.nameless(userIds)) {
      for (const convSeq of convSeqs) this.#touch(conversationId, convSeq);
    }
  }

  #schedule(): void {
    if (this.#stopped || this.#saying) return;
    const now = this.#clock.now();
    let wait: number | undefined;
    const sooner = (ms: number) => {
      if (wait === undefined || ms < wait) wait = ms;
    };
    for (const { pace } of this.#pending.values()) sooner(pace.wait(now));
    if (this.#touched.size > 0) sooner(this.#listPace.wait(now));
    if (wait === undefined) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (wait === 0) {
      this.#say();
      return;
    }
    this.#cancelTimer = this.#clock.setTimer(wait, () => {
      this.#cancelTimer = undefined;
      this.#say();
    });
  }

  #say(): void {
    this.#saying = true;
    this.#state
      .read(() => this.#sayDue())
      .catch((error: unknown) => this.#logger.debug(describe(error), 'what changed was not told'))
      .finally(() => {
        this.#saying = false;
        this.#schedule();
      });
  }

  async #sayDue(): Promise<void> {
    const now = this.#clock.now();
    for (const [conversationId, pending] of [...this.#pending]) {
      if (pending.pace.wait(now) > 0) continue;
      this.#pending.delete(conversationId);
      pending.pace.said(now);
      await this.#sayMessages(conversationId, pending);
    }
    if (this.#touched.size === 0 || this.#listPace.wait(now) > 0) return;
    this.#listPace.said(now);
    const rows = [...this.#touched].flatMap((id) => this.#state.conversation(id) ?? []);
    this.#touched.clear();
    this.#tell(
      'conversations',
      rows.map((row) => this.#viewer.conversation(row)),
    );
  }

  async #sayMessages(conversationId: string, pending: Pending): Promise<void> {
    const places = new Set([...pending.seqs, ...this.#viewer.quoting(conversationId, pending.seqs)]);
    const stored = await this.#read(conversationId, places);
    const ticked = pending.ticks ? await this.#ticked(conversationId, pending.ticks) : [];
    for (const message of ticked) if (!places.has(message.convSeq)) stored.push(message);
    stored.sort((a, b) => a.convSeq - b.convSeq);
    const unsent = this.#state.outboxOf(conversationId).filter(({ key }) => pending.outboxKeys.has(key));
    const there = new Set([...stored, ...unsent].map(({ key }) => key));
    // One that left the outbox and is stored is not gone.
    const removed = [...pending.removed].filter((key) => !there.has(key) && !this.#isUnsent(key));
    for (let from = 0; from < stored.length || from === 0; from += MAX_IN_EVENT) {
      const isLast = from + MAX_IN_EVENT >= stored.length;
      const part = stored.slice(from, from + MAX_IN_EVENT);
      const changed = await this.#viewer.messages(conversationId, part, isLast ? unsent : []);
      const gone = isLast ? removed : [];
      if (changed.length > 0 || gone.length > 0) this.#tell('messages', { conversationId, changed, removed: gone });
    }
  }

  #isUnsent(key: string): boolean {
    return this.#state.outboxRow(key)?.content.type === 'text';
  }

  async #read(conversationId: string, places: ReadonlySet<number>): Promise<StoredMessage[]> {
    const joinSeq = this.#state.conversation(conversationId)?.joinSeq ?? 1;
    const sorted = [...places].filter((convSeq) => convSeq >= joinSeq).sort((a, b) => a - b);
    const found: StoredMessage[] = [];
    for (let first = 0; first < sorted.length; ) {
      let last = first;
      while (last + 1 < sorted.length && sorted[last + 1]! - sorted[last]! < SPARSE) last += 1;
      const [fromSeq, toSeq] = [sorted[first]!, sorted[last]!];
      const query = { conversationId, fromSeq, toSeq, limit: toSeq - fromSeq + 1, newestFirst: false };
      const run = await this.#store.messages(this.#state.generation, { ...query, shownOnly: true });
      for (const message of run) if (places.has(message.convSeq)) found.push(message);
      first = last + 1;
    }
    return found;
  }

  #ticked(conversationId: string, { from, to }: { from: number; to: number }): Promise<StoredMessage[]> {
    return this.#store.messages(this.#state.generation, {
      conversationId,
      fromSeq: from,
      toSeq: to,
      limit: MAX_TICKS,
      newestFirst: true,
      senderId: this.#state.userId,
      shownOnly: true,
    });
  }

  #tell<E extends keyof ClientEvents>(event: E, payload: ClientEvents[E]): void {
    if (!this.#stopped) this.#emit(event, payload);
  }
}
