import {
  AckQueue,
  backoffDelay,
  CLIENT_MESSAGE_ID_RANDOM_BYTES,
  type Clock,
  fromHex,
  makeClientMessageId,
  noMarks,
  type Random,
} from '@fastim/core';
import { Command, FastimError, type SendResponse, sendRequest, sendResponse } from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import type { Arrival } from './apply-messages.ts';
import type { ConnectionLink } from './connection-link.ts';
import { asFastimError, describe } from './errors.ts';
import type { EngineLimits } from './limits.ts';
import { isEventContent } from './message-content.ts';
import { afterWriting, isSameContent, refusals } from './outgoing.ts';
import type { Logger } from './ports.ts';
import type { ServerClock } from './server-clock.ts';
import type { StateEdit } from './state-edit.ts';
import type { ConversationRow, OutboxRow, OutgoingContent, StoredMessage } from './store.ts';
import { wireBody } from './wire-values.ts';

/** An answer later than this is not waited for; the ack queue has sent the message again long before. */
const FORGET_REQUEST_MS = 120_000;

/** What is to be written, before it has a number. */
export interface Draft {
  readonly conversationId: string;
  readonly content: OutgoingContent;
  readonly key?: string | undefined;
}

/**
 * My messages until the server has stored them: texts, and edits, recalls and reactions, which go the same way.
 *
 * A message is on disk (with its draft cleared) before anything is sent, and goes out again under the same
 * client_msg_id, after timeouts, reconnects and restarts, oldest first in its conversation, until the server answers.
 * The answer replaces the outbox row by the stored message in one transaction. Being offline never fails a message:
 * only a permanent answer does, or being put off for a day. A text that failed stays, for the user to decide; of an edit,
 * recall or reaction the row is removed: the message looks as before, and says why (`refused`).
 */
export class Outbox {
  readonly #state: AccountState;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #limits: EngineLimits;
  readonly #receive: (
    conversationId: string,
    messages: readonly StoredMessage[],
    arrival: Arrival,
  ) => Promise<ConversationRow | undefined>;
  readonly #serverClock: ServerClock;
  readonly #eventRefused: (row: OutboxRow, reason: string) => void;
  readonly #queue: AckQueue;
  #link: ConnectionLink | undefined;
  #cancelTimer: (() => void) | undefined;
  #pumping = false;

  constructor(parts: {
    state: AccountState;
    clock: Clock;
    random: Random;
    logger: Logger;
    limits: EngineLimits;
    receive: (
      conversationId: string,
      messages: readonly StoredMessage[],
      arrival: Arrival,
    ) => Promise<ConversationRow | undefined>;
    serverClock: ServerClock;
    /** Before the row of an edit, recall or reaction is removed. */
    eventRefused: (row: OutboxRow, reason: string) => void;
  }) {
    this.#state = parts.state;
    this.#serverClock = parts.serverClock;
    this.#eventRefused = parts.eventRefused;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#logger = parts.logger;
    this.#limits = parts.limits;
    this.#receive = parts.receive;
    this.#queue = new AckQueue({
      window: parts.limits.sendWindow,
      timeout: parts.limits.sendTimeout,
      random: () => this.#random.fraction(),
    });
    for (const row of this.#state.outbox()) if (row.failure === null) this.#queue.add(row.key, row.conversationId);
  }

  connected(link: ConnectionLink): void {
    this.#link = link;
    this.#queue.connected();
    this.#pump();
  }

  disconnected(): void {
    this.#link = undefined;
    this.#queue.disconnected();
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /**
   * Resolves when all of them are on disk; sending comes after. A key that is in the outbox already: that message. Without
   * those that have been sent meanwhile, under the key given.
   */
  async compose(drafts: readonly Draft[]): Promise<OutboxRow[]> {
    const now = this.#clock.now();
    const rows = await this.#state.change((edit) =>
      drafts.map((draft) => this.#put(edit, draft, now)).filter((row) => row !== undefined),
    );
    for (const { key, conversationId } of rows) this.#queue.add(key, conversationId);
    this.#pump();
    return rows;
  }

  #put(edit: StateEdit, { conversationId, content, key: given }: Draft, now: number): OutboxRow | undefined {
    const conversation = edit.conversation(conversationId);
    if (!conversation) throw new FastimError('NOT_FOUND', 'no such conversation');
    if (given !== undefined && edit.wasSent(given)) return undefined;
    if (conversation.leaveSeq > 0) throw new FastimError('NOT_A_MEMBER');
    const key = given ?? makeClientMessageId(now, this.#random.bytes(CLIENT_MESSAGE_ID_RANDOM_BYTES));
    const before = edit.outboxRow(key);
    if (before) {
      if (before.conversationId === conversationId && isSameContent(before.content, content)) return before;
      throw new FastimError('ID_REUSED', 'this key belongs to another message');
    }
    const number = this.#state.nextOutboxNumber();
    const row: OutboxRow = {
      key,
      conversationId,
      number,
      content,
      createdMs: now,
      failure: null,
      refusedSinceMs: null,
    };
    edit.putOutbox(row);
    if (content.type === 'text')
      edit.put(afterWriting(conversation, content.forwardedFrom === null, this.#serverClock.now()));
    return row;
  }

  /** A failed message goes out again, behind those that were written since. */
  async retry(key: string): Promise<void> {
    const conversationId = await this.#state.change((edit) => {
      const row = edit.outboxRow(key);
      if (!row) throw new FastimError('NOT_FOUND', 'no such unsent message');
      if (row.failure === null) return undefined;
      edit.putOutbox({ ...row, failure: null, refusedSinceMs: null, number: this.#state.nextOutboxNumber() });
      return row.conversationId;
    });
    if (conversationId !== undefined) this.#queue.add(key, conversationId);
    this.#pump();
  }

  /** Only what failed: a message that may be on its way cannot be called back here. */
  async discard(key: string): Promise<void> {
    await this.#state.change((edit) => {
      const row = edit.outboxRow(key);
      if (!row) throw new FastimError('NOT_FOUND', 'no such unsent message');
      if (row.failure === null) throw new FastimError('NOT_ALLOWED', 'the message is being sent');
      edit.removeOutbox(key);
    });
  }

  /** Rows that came into the outbox by another way than `compose`, in their order. */
  added(rows: readonly OutboxRow[]): void {
    for (const { key, conversationId } of rows) this.#queue.add(key, conversationId);
    this.#pump();
  }

  /** The message is stored at the server, and here. */
  settled(key: string): void {
    if (this.#queue.settle(key)) this.#pump();
  }

  /** Sends what is due, at the end of this turn: many messages then travel in one write. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    void Promise.resolve().then(() => {
      this.#pumping = false;
      this.#sendDue();
    });
  }

  #sendDue(): void {
    const link = this.#link;
    if (!link) return;
    for (const key of this.#queue.takeDue(this.#clock.now())) {
      const row = this.#state.outboxRow(key);
      if (row && row.failure === null) this.#send(link, row);
      else this.#queue.settle(key);
    }
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const next = this.#queue.nextTimeout();
    if (next === undefined) return;
    this.#cancelTimer = this.#clock.setTimer(Math.max(1, next - this.#clock.now()), () => {
      this.#cancelTimer = undefined;
      this.#sendDue();
    });
  }

  #send(link: ConnectionLink, row: OutboxRow): void {
    const request = {
      clientMsgId: fromHex(row.key),
      conversationId: BigInt(row.conversationId),
      ...wireBody(row.content),
    };
    link
      .request(Command.send, sendRequest, request, sendResponse, FORGET_REQUEST_MS)
      .then((answer) => this.#accepted(row, answer))
      .catch((error: unknown) => this.#refused(link, row.key, error))
      .catch((error: unknown) => this.#logger.warn(describe(error), 'the outbox was not updated'));
  }

  async #accepted(row: OutboxRow, answer: SendResponse): Promise<void> {
    this.#serverClock.told(answer.serverTimeMs);
    if (answer.msgId === 0n) {
      // Taken, and nothing to store: it was so already.
      await this.#state.change((edit) => edit.removeOutbox(row.key));
      this.settled(row.key);
      return;
    }
    const message: StoredMessage = {
      conversationId: row.conversationId,
      convSeq: answer.convSeq,
      msgId: answer.msgId.toString(),
      senderId: this.#state.userId,
      key: row.key,
      content: row.content,
      serverTimeMs: answer.serverTimeMs,
      countNo: answer.countNo,
      marks: noMarks,
    };
    await this.#receive(row.conversationId, [message], 'own-ack');
    this.settled(row.key);
  }

  async #refused(link: ConnectionLink, key: string, error: unknown): Promise<void> {
    const { reason, retryAfterMs } = asFastimError(error);
    if (!this.#queue.has(key)) return;
    // Gone with its connection: it goes out on the next one. A request that was forgotten has been sent again.
    if (link !== this.#link || link.closed) return;
    const now = this.#clock.now();
    const row = this.#state.outboxRow(key);
    const tooLong = row?.refusedSinceMs != null && now - row.refusedSinceMs > this.#limits.giveUpMs;
    if (refusals.has(reason) || tooLong) {
      this.#logger.info({ reason, key }, 'a message was refused');
      try {
        if (row && isEventContent(row.content)) await this.#drop(row, reason);
        else await this.#update(key, { failure: reason });
      } catch (failure) {
        // Not on disk, so not known: it goes out again, to be refused again.
        this.#queue.postpone(key, now, this.#backoff(key));
        this.#pump();
        throw failure;
      }
      this.#queue.settle(key);
      this.#pump();
      return;
    }
    // The whole conversation from its oldest on, which may be in doubt: had its answer been lost, those behind it would
    // overtake it now.
    const oldest = row && this.#state.oldestPendingOf(row.conversationId);
    this.#queue.postpone(oldest?.key ?? key, now, Math.max(retryAfterMs, this.#backoff(key)));
    this.#pump();
    if (row && row.refusedSinceMs === null) await this.#update(key, { refusedSinceMs: now });
  }

  async #drop(row: OutboxRow, reason: string): Promise<void> {
    this.#eventRefused(row, reason);
    await this.#state.change((edit) => edit.removeOutbox(row.key));
  }

  #backoff(key: string): number {
    const attempt = Math.max(0, this.#queue.attempts(key) - 1);
    return backoffDelay(this.#limits.sendRetry, attempt, this.#random.fraction());
  }

  async #update(key: string, patch: Partial<Pick<OutboxRow, 'failure' | 'refusedSinceMs'>>): Promise<void> {
    await this.#state.change((edit) => {
      const row = edit.outboxRow(key);
      if (row) edit.putOutbox({ ...row, ...patch });
    });
  }
}
