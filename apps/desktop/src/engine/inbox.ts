import { backoffDelay, type Clock, type Random, ReorderBuffer, type SeqRange } from '@fastim/core';
import type { MemberCursor, Message } from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import { type Arrival, applyCursor, applyMessages } from './conversation-rows.ts';
import type { CursorSender } from './cursor-sender.ts';
import { asFastimError, describe } from './errors.ts';
import type { EngineLimits } from './limits.ts';
import type { Logger } from './ports.ts';
import type { ConversationRow, StoredMessage } from './store.ts';
import { storedMessage } from './wire-values.ts';

/** Pushes of a conversation that is not known yet, held until the server has told what it is. */
const HELD_FOR_UNKNOWN = 500;

/** The live end of one conversation. */
interface Lane {
  buffer: ReorderBuffer<StoredMessage>;
  pulling: boolean;
  /** No pull for this gap before then: the last one failed. */
  pullNotBefore: number;
  failures: number;
}

/**
 * Messages on their way in: put in order, without doubles, stored, and only then acknowledged and announced.
 *
 * A push is stored when everything between it and the tail is. A gap waits for stragglers, then is pulled; while the
 * pull runs, later pushes wait in the buffer and follow it. A message of mine that comes back (from another device, or
 * because the answer to its SEND was lost) takes its outbox row with it in the same transaction.
 */
export class Inbox {
  readonly #state: AccountState;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #limits: EngineLimits;
  readonly #cursors: CursorSender;
  readonly #settled: (key: string) => void;
  readonly #pullGap: (conversationId: string, gap: SeqRange) => Promise<void>;
  readonly #askFor: (conversationIds: readonly string[]) => void;
  readonly #lanes = new Map<string, Lane>();
  readonly #gaps = new Set<string>();
  readonly #unknown = new Map<string, StoredMessage[]>();
  #online = false;
  #cancelTimer: (() => void) | undefined;

  constructor(parts: {
    state: AccountState;
    clock: Clock;
    random: Random;
    logger: Logger;
    limits: EngineLimits;
    cursors: CursorSender;
    /** A message of mine turned out to be stored. */
    settled: (key: string) => void;
    pullGap: (conversationId: string, gap: SeqRange) => Promise<void>;
    /** Get what the server knows of these conversations; `known` is called for those that are there. */
    askFor: (conversationIds: readonly string[]) => void;
  }) {
    this.#state = parts.state;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#logger = parts.logger;
    this.#limits = parts.limits;
    this.#cursors = parts.cursors;
    this.#settled = parts.settled;
    this.#pullGap = parts.pullGap;
    this.#askFor = parts.askFor;
  }

  connected(): void {
    this.#online = true;
    for (const lane of this.#lanes.values()) {
      lane.pullNotBefore = 0;
      lane.failures = 0;
    }
    this.#schedule();
  }

  disconnected(): void {
    this.#online = false;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    // Asked for again after the next sync, if they are still unknown.
    this.#unknown.clear();
  }

  pushed(messages: readonly Message[]): void {
    const byConversation = new Map<string, StoredMessage[]>();
    for (const message of messages) {
      const stored = storedMessage(message);
      const list = byConversation.get(stored.conversationId);
      if (list) list.push(stored);
      else byConversation.set(stored.conversationId, [stored]);
    }
    const unknown: string[] = [];
    for (const [conversationId, list] of byConversation) {
      const row = this.#state.conversation(conversationId);
      if (row) this.#accept(row, list);
      else if (this.#hold(conversationId, list)) unknown.push(conversationId);
    }
    if (unknown.length > 0) this.#askFor(unknown);
  }

  cursorsPushed(cursors: readonly MemberCursor[]): void {
    const unknown = cursors
      .map(({ conversationId }) => conversationId.toString())
      .filter((id) => !this.#state.conversation(id) && this.#hold(id, []));
    if (unknown.length > 0) this.#askFor([...new Set(unknown)]);
    this.#state
      .change((edit) => {
        for (const cursor of cursors) {
          const row = edit.conversation(cursor.conversationId.toString());
          const after = row && applyCursor(row, cursor, this.#state.userId);
          if (after && after !== row) edit.put(after);
        }
      })
      .catch((error: unknown) => this.#logger.warn(describe(error), 'cursors were not stored'));
  }

  /** The tail went back: what is held here follows on something that is gone. */
  rewound(conversationId: string): void {
    this.#lanes.delete(conversationId);
    this.#gaps.delete(conversationId);
    this.#schedule();
  }

  /** The conversation's row is there now: what was pushed meanwhile can go in. */
  known(conversationId: string): void {
    const held = this.#unknown.get(conversationId);
    const row = this.#state.conversation(conversationId);
    if (!held || !row) return;
    this.#unknown.delete(conversationId);
    this.#accept(row, held);
  }

  /** The server does not know the conversation (any more): what was pushed of it is dropped. */
  notKnown(conversationId: string): void {
    this.#unknown.delete(conversationId);
  }

  /**
   * Stores messages that came by a pull or as the answer to a SEND (rising conv_seq, one conversation). Resolves with the
   * row when they are on disk.
   */
  async receive(
    conversationId: string,
    messages: readonly StoredMessage[],
    arrival: Arrival,
  ): Promise<ConversationRow | undefined> {
    const settled: string[] = [];
    const row = await this.#state.change((edit) => {
      const before = edit.conversation(conversationId);
      if (!before) return undefined;
      const { row: after, added } = applyMessages(before, messages, arrival, this.#state.userId);
      edit.put(after);
      for (const message of added) edit.addMessage(message);
      for (const message of messages) {
        if (message.senderId !== this.#state.userId || !edit.outboxRow(message.key)) continue;
        edit.removeOutbox(message.key);
        settled.push(message.key);
      }
      return after;
    });
    for (const key of settled) this.#settled(key);
    if (row) {
      this.#cursors.changed(row);
      this.#advance(row);
      // My own message came after something that is not here yet.
      if (arrival === 'own-ack' && row.tailSeq < row.headSeq) this.behind(conversationId);
    }
    return row;
  }

  /** The tail is known to be behind the head: pulled after the usual wait, and again until it is there. */
  behind(conversationId: string): void {
    const row = this.#state.conversation(conversationId);
    if (!row || row.tailSeq >= row.headSeq) return;
    const lane = this.#lane(row);
    lane.buffer.noteHead(row.headSeq, this.#clock.now());
    this.#noteGap(conversationId, lane);
  }

  #hold(conversationId: string, messages: readonly StoredMessage[]): boolean {
    const held = this.#unknown.get(conversationId);
    if (!held) {
      this.#unknown.set(conversationId, [...messages]);
      return true;
    }
    for (const message of messages) if (held.length < HELD_FOR_UNKNOWN) held.push(message);
    return false;
  }

  #accept(row: ConversationRow, messages: readonly StoredMessage[]): void {
    const lane = this.#lane(row);
    const now = this.#clock.now();
    const ready: StoredMessage[] = [];
    let repeated = false;
    for (const message of messages) {
      if (message.convSeq <= lane.buffer.lastSeq) repeated = true;
      for (const next of lane.buffer.accept(message.convSeq, message, now)) ready.push(next);
    }
    if (repeated) this.#cursors.tellAgain(row.conversationId);
    this.#storePushed(row.conversationId, lane, ready);
  }

  #storePushed(conversationId: string, lane: Lane, ready: readonly StoredMessage[]): void {
    this.#noteGap(conversationId, lane);
    if (ready.length === 0) return;
    this.receive(conversationId, ready, 'push').catch((error: unknown) => {
      this.#logger.error(describe(error), 'pushed messages were not stored');
      this.#startAgain(conversationId, ready[ready.length - 1]!.convSeq);
    });
  }

  /** What the buffer gave out was not stored: go back to what is, and pull the rest. */
  #startAgain(conversationId: string, head: number): void {
    const row = this.#state.conversation(conversationId);
    if (!row) return;
    this.#lanes.delete(conversationId);
    const lane = this.#lane(row);
    lane.failures = 1;
    lane.pullNotBefore = this.#clock.now() + this.#limits.sendRetry.baseMs;
    lane.buffer.noteHead(head, this.#clock.now());
    this.#noteGap(conversationId, lane);
  }

  #lane(row: ConversationRow): Lane {
    let lane = this.#lanes.get(row.conversationId);
    if (!lane) {
      const { gapWaitMs, reorderCapacity } = this.#limits;
      const buffer = new ReorderBuffer<StoredMessage>({ gapWaitMs, capacity: reorderCapacity }, row.tailSeq);
      lane = { buffer, pulling: false, pullNotBefore: 0, failures: 0 };
      this.#lanes.set(row.conversationId, lane);
    }
    return lane;
  }

  /** The tail moved on disk: pushes that waited for it follow. */
  #advance(row: ConversationRow): void {
    const lane = this.#lanes.get(row.conversationId);
    if (!lane) return;
    const ready = lane.buffer.advanceTo(row.tailSeq, this.#clock.now());
    this.#storePushed(row.conversationId, lane, ready);
  }

  #noteGap(conversationId: string, lane: Lane): void {
    if (lane.buffer.gap()) this.#gaps.add(conversationId);
    else this.#gaps.delete(conversationId);
    this.#schedule();
  }

  #schedule(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (!this.#online) return;
    let next: number | undefined;
    for (const id of this.#gaps) {
      const lane = this.#lanes.get(id);
      const due = lane?.pulling ? undefined : lane?.buffer.nextTimeout();
      if (!lane || due === undefined) continue;
      const at = Math.max(due, lane.pullNotBefore);
      if (next === undefined || at < next) next = at;
    }
    if (next === undefined) return;
    this.#cancelTimer = this.#clock.setTimer(Math.max(1, next - this.#clock.now()), () => {
      this.#cancelTimer = undefined;
      this.#pullDue();
    });
  }

  #pullDue(): void {
    const now = this.#clock.now();
    for (const id of this.#gaps) {
      const lane = this.#lanes.get(id);
      if (!lane || lane.pulling || lane.pullNotBefore > now) continue;
      const gap = lane.buffer.dueGap(now);
      if (gap) void this.#pull(id, lane, gap);
    }
    this.#schedule();
  }

  async #pull(conversationId: string, lane: Lane, gap: SeqRange): Promise<void> {
    lane.pulling = true;
    try {
      await this.#pullGap(conversationId, gap);
      lane.failures = 0;
    } catch (error) {
      const { reason, retryAfterMs } = asFastimError(error);
      const backoff = backoffDelay(this.#limits.sendRetry, lane.failures, this.#random.fraction());
      lane.failures += 1;
      lane.pullNotBefore = this.#clock.now() + Math.max(retryAfterMs, backoff);
      this.#logger.debug({ conversationId, reason }, 'a gap was not pulled');
    } finally {
      lane.pulling = false;
    }
    lane.buffer.gapRequested(this.#clock.now());
    if (this.#lanes.get(conversationId) === lane) this.#noteGap(conversationId, lane);
  }
}
