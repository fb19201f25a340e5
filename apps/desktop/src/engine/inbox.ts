import { backoffDelay, type Clock, type Random, ReorderBuffer, type SeqRange } from '@fastim/core';
import type { MemberCursor, Message } from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import { type Arrival, applyMessages } from './apply-messages.ts';
import { applyCursor } from './conversation-rows.ts';
import type { CursorSender } from './cursor-sender.ts';
import { asFastimError, describe } from './errors.ts';
import type { EngineLimits } from './limits.ts';
import type { Logger } from './ports.ts';
import { withoutArchive } from './row-settings.ts';
import type { ServerClock } from './server-clock.ts';
import type { ConversationRow, StoredMessage } from './store.ts';
import { UnknownConversations } from './unknown-conversations.ts';
import { storedMessage } from './wire-values.ts';

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
  readonly #serverClock: ServerClock;
  readonly #received: (row: ConversationRow, added: readonly StoredMessage[]) => void;
  readonly #lanes = new Map<string, Lane>();
  readonly #gaps = new Set<string>();
  readonly #unknown: UnknownConversations;
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
    serverClock: ServerClock;
    /** These are new here, and on disk. */
    received: (row: ConversationRow, added: readonly StoredMessage[]) => void;
  }) {
    this.#state = parts.state;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#logger = parts.logger;
    this.#limits = parts.limits;
    this.#cursors = parts.cursors;
    this.#settled = parts.settled;
    this.#pullGap = parts.pullGap;
    this.#unknown = new UnknownConversations(parts.askFor);
    this.#serverClock = parts.serverClock;
    this.#received = parts.received;
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
    this.#unknown.clear();
  }

  pushed(messages: readonly Message[]): void {
    const unknown = new Map<string, StoredMessage[]>();
    for (const [conversationId, list] of byConversation(messages.map(storedMessage))) {
      const row = this.#state.conversation(conversationId);
      // Behind the notice of my leaving: I am back, or it is not for me. The server says which.
      if (row && (row.leaveSeq === 0 || list.every(({ convSeq }) => convSeq <= row.leaveSeq))) this.#accept(row, list);
      else unknown.set(conversationId, list);
    }
    this.#unknown.named(unknown);
  }

  /** Something named these conversations; the server is asked what they are. */
  ask(conversationIds: readonly string[]): void {
    this.#unknown.named(new Map(conversationIds.map((id) => [id, []])));
  }

  cursorsPushed(cursors: readonly MemberCursor[]): void {
    this.ask(
      cursors.map(({ conversationId }) => conversationId.toString()).filter((id) => !this.#state.conversation(id)),
    );
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
    const row = this.#state.conversation(conversationId);
    const held = this.#unknown.take(conversationId);
    if (row && held && row.leaveSeq === 0) this.#accept(row, held);
  }

  /** The server does not know the conversation (any more): what was pushed of it is dropped. */
  notKnown(conversationId: string): void {
    this.#unknown.take(conversationId);
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
    let added: readonly StoredMessage[] = [];
    const row = await this.#state.change((edit) => {
      const before = edit.conversation(conversationId);
      if (!before) return undefined;
      const applied = applyMessages(before, messages, arrival, this.#state.userId);
      const after = applied.news ? withoutArchive(applied.row, this.#serverClock.now()) : applied.row;
      added = applied.added;
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
      this.#received(row, added);
      this.#cursors.changed(row);
      this.#advance(row);
      // My own message came after something that is not here yet.
      if (arrival === 'own-ack' && row.tailSeq < row.headSeq) this.behind(conversationId);
    }
    return row;
  }

  /** The tail is known to be behind the head: pulled after the usual wait, and again until it is there. */
  behind(conversationId: string, head = 0): void {
    const row = this.#state.conversation(conversationId);
    const target = Math.max(head, row?.headSeq ?? 0);
    if (!row || row.tailSeq >= target) return;
    const lane = this.#lane(row);
    lane.buffer.noteHead(target, this.#clock.now());
    this.#noteGap(conversationId, lane);
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
      if (reason === 'NOT_A_MEMBER') this.ask([conversationId]);
    } finally {
      lane.pulling = false;
    }
    lane.buffer.gapRequested(this.#clock.now());
    if (this.#lanes.get(conversationId) === lane) this.#noteGap(conversationId, lane);
  }
}

function byConversation(messages: readonly StoredMessage[]): Map<string, StoredMessage[]> {
  return Map.groupBy(messages, ({ conversationId }) => conversationId);
}
