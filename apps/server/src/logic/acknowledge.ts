import type { Clock, RateLimiter } from '@fastim/core';
import {
  Command,
  cursorPush,
  cursorRequest,
  cursorResponse,
  errorCatalogue,
  type MemberCursor,
  type RefusedMove,
  settingsPush,
} from '@fastim/protocol';
import type { UplinkPacket } from '../cluster/contract.ts';
import { visitRoutes } from '../routing/locate-user.ts';
import type { Route, RouteTable } from '../routing/route-table.ts';
import type { SendToGate } from '../routing/send-to-gate.ts';
import type { ConversationStore, CursorRaise, RaiseOutcome } from '../storage/conversation-store.ts';
import type { Answer } from './answer.ts';
import { type CursorBatch, CursorBuffer, raisesOf } from './cursor-buffer.ts';
import type { TellReaders } from './live/tell-readers.ts';
import { CURSOR_FLUSH_MOVES, MAX_BUFFERED_MOVES, retryAfter } from './logic-limits.ts';
import type { LogicMetrics } from './logic-metrics.ts';
import type { Members } from './members.ts';
import type { PendingDeliveries } from './pending-deliveries.ts';

const nothing: RaiseOutcome = { raised: [], unmarked: [], refused: [] };

/**
 * CURSOR: what a device has stored and its user has read. Collected, written together, answered when on disk; then
 * those that rose go to the peer (ticks) and to the user's own other devices (read there: unread clears). In groups only
 * reading is stored, and the others are at most told that counts have moved. Reading takes a mark of unread away.
 * One write at a time; what comes meanwhile is merged into the next. Of several moves in one request each is judged by
 * itself: the answer names those that were refused.
 *
 * A failed write is answered with "try again later"; cursors only rise, so the client's next move makes up for it.
 */
export class Acknowledge {
  readonly #conversations: ConversationStore;
  readonly #pending: PendingDeliveries<Route>;
  readonly #routes: RouteTable;
  readonly #toGate: SendToGate;
  readonly #answer: Answer;
  readonly #members: Members;
  readonly #readers: TellReaders;
  readonly #rate: RateLimiter<bigint>;
  readonly #clock: Clock;
  readonly #metrics: LogicMetrics;
  readonly #flushMs: number;
  readonly #buffer = new CursorBuffer();
  #cancelTimer: (() => void) | undefined;
  #flushing: Promise<void> | undefined;
  /** The buffer came due while a write was under way. */
  #due = false;
  #stopping = false;

  constructor(parts: {
    conversations: ConversationStore;
    pending: PendingDeliveries<Route>;
    routes: RouteTable;
    toGate: SendToGate;
    answer: Answer;
    members: Members;
    readers: TellReaders;
    /** Moves per user. */
    rate: RateLimiter<bigint>;
    clock: Clock;
    metrics: LogicMetrics;
    flushMs: number;
  }) {
    this.#conversations = parts.conversations;
    this.#pending = parts.pending;
    this.#routes = parts.routes;
    this.#toGate = parts.toGate;
    this.#answer = parts.answer;
    this.#members = parts.members;
    this.#readers = parts.readers;
    this.#rate = parts.rate;
    this.#clock = parts.clock;
    this.#metrics = parts.metrics;
    this.#flushMs = parts.flushMs;
  }

  handle(packet: UplinkPacket, route: Route): void {
    const { moves } = cursorRequest.decode(packet.data);
    const now = this.#clock.now();
    // Whatever becomes of the write: the device said that it has the messages.
    for (const move of moves) {
      const seq = Math.max(move.deliveredSeq, move.readSeq);
      if (seq > 0) this.#pending.acknowledged(route, move.conversationId, seq, now);
    }
    if (this.#stopping) {
      const retryAfterMs = this.#answer.spread(retryAfter.unavailable);
      this.#answer.refuse(packet, { reason: 'UNAVAILABLE', message: undefined, retryAfterMs });
      return;
    }
    const wait = this.#rate.take(route.identity.userId, now, Math.max(1, moves.length));
    if (wait > 0) {
      this.#answer.refuse(packet, { reason: 'RATE_LIMITED', message: undefined, retryAfterMs: wait });
      return;
    }
    if (this.#buffer.size >= MAX_BUFFERED_MOVES) {
      const retryAfterMs = this.#answer.spread(retryAfter.overloaded);
      this.#answer.refuse(packet, { reason: 'OVERLOADED', message: undefined, retryAfterMs });
      return;
    }
    this.#metrics.cursorMoves += moves.length;
    const { connection, cmd, logId, sequenceId } = packet;
    this.#buffer.add({ connection, cmd, logId, sequenceId }, route, moves, now);
    if (this.#buffer.size >= CURSOR_FLUSH_MOVES) this.#comeDue();
    else this.#cancelTimer ??= this.#clock.setTimer(this.#flushMs, () => this.#comeDue());
  }

  /** Takes no more; resolves when everything taken before is written and answered. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#comeDue();
    while (this.#flushing) await this.#flushing;
  }

  #comeDue(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#buffer.empty) return;
    if (this.#flushing) {
      this.#due = true;
      return;
    }
    this.#due = false;
    this.#flushing = this.#write(this.#buffer.take()).finally(() => {
      this.#flushing = undefined;
      if (this.#due) this.#comeDue();
    });
  }

  /** Never rejects. */
  async #write(batch: CursorBatch): Promise<void> {
    let outcome: RaiseOutcome;
    try {
      const raises = raisesOf(batch);
      const startedAt = performance.now();
      outcome = raises.length === 0 ? nothing : await this.#conversations.raiseCursors(raises);
      this.#metrics.cursorFlushSeconds.observe((performance.now() - startedAt) / 1000);
      this.#answerAll(batch, outcome);
    } catch (error) {
      const refusal = this.#answer.explain(error, batch.requests[0]?.request.logId);
      for (const { request } of batch.requests) this.#answer.refuse(request, refusal);
      return;
    }
    this.#metrics.cursorsRaised += outcome.raised.length;
    for (const cursor of outcome.raised) this.#announce(cursor, batch).catch(this.#announceFailed);
    for (const { conversationId, userId } of outcome.unmarked) {
      this.#tellUnmarked(conversationId, userId).catch(this.#announceFailed);
    }
  }

  /** A request is told of the refusals of its own moves; those of one device are written as one. */
  #answerAll(batch: CursorBatch, { refused }: RaiseOutcome): void {
    const codes = new Map(refused.map(({ move, reason }) => [keyOf(move), errorCatalogue[reason].code]));
    for (const { request, route, conversationIds } of batch.requests) {
      const mine: RefusedMove[] = [];
      if (codes.size > 0) {
        for (const conversationId of conversationIds) {
          const move = batch.moves.get(route)?.get(conversationId);
          const code = move && codes.get(keyOf(move));
          if (code !== undefined) mine.push({ conversationId, code });
        }
      }
      if (mine.length === 0) this.#answer.ok(request);
      else this.#answer.with(request, cursorResponse.encode({ status: undefined, refused: mine }));
    }
  }

  async #announce(cursor: MemberCursor, batch: CursorBatch): Promise<void> {
    const { conversationId } = cursor;
    const members = this.#members.ofDirect(conversationId);
    const both = members instanceof Promise ? await members : members;
    this.#push(cursor, batch, both);
    if (both.length > 0) return;
    // It has a cursor, so it exists, and it has not two members for good.
    this.#members.learnGroup(conversationId);
    this.#readers.moved(conversationId, cursor.userId);
  }

  /** Reading took the mark of unread away: all devices are told, as of any change of settings; none of them asked for it. */
  async #tellUnmarked(conversationId: bigint, userId: bigint): Promise<void> {
    const [state] = await this.#conversations.states(userId, [conversationId]);
    if (!state) return;
    const { version, settings } = state;
    const piece = settingsPush.encode({ settings: [{ conversationId, version, settings }] });
    const push = (route: Route): void => this.#toGate.push(route, Command.settingsPush, piece, 0);
    visitRoutes(this.#routes, userId, push, this.#announceFailed);
  }

  #push(cursor: MemberCursor, batch: CursorBatch, members: readonly bigint[]): void {
    let piece: Uint8Array | undefined;
    const push = (route: Route): void => {
      piece ??= cursorPush.encode({ cursors: [cursor] });
      this.#toGate.push(route, Command.cursors, piece, 0);
    };
    for (const userId of members) {
      if (userId !== cursor.userId) visitRoutes(this.#routes, userId, push, this.#announceFailed);
    }
    // The user's own devices: all but those that said it themselves, and only where reading moved.
    const behind: Route[] = [];
    let readHere = false;
    visitRoutes(
      this.#routes,
      cursor.userId,
      (route) => {
        const readSeq = batch.moves.get(route)?.get(cursor.conversationId)?.readSeq ?? 0;
        if (readSeq > 0) readHere = true;
        if (readSeq < cursor.readSeq) behind.push(route);
      },
      this.#announceFailed,
    );
    if (readHere) for (const route of behind) push(route);
  }

  /** The cursor is stored; who missed the push learns by sync. */
  readonly #announceFailed = (error: unknown): void => {
    this.#answer.explain(error);
  };
}

/** A storage may hand back copies. */
function keyOf({ conversationId, userId, deviceId }: CursorRaise): string {
  return `${conversationId}/${userId}/${deviceId}`;
}
