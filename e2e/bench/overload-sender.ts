import { AckQueue } from '@fastim/core';
import { MessageKind, plainText, textBody } from '@fastim/protocol';
import type { Lane, Ledger } from './ledger.ts';
import type { Person } from './people.ts';
import { WireClient } from './wire-client.ts';

/** Messages on the wire and unanswered, as of one conversation in the app. */
const WINDOW = 16;
/** As the app's engine waits for an acknowledgement before it sends again. */
const TIMEOUT = { baseMs: 10_000, capMs: 60_000 };
/** Messages written and not sent of one person; more are not kept: nobody writes a hundred into a chat that stands still. */
const OUTBOX = 100;
const CURSOR_DELAY_MS = 200;

/** What all senders of a level count together. */
export class Tally {
  offered = 0;
  acked = 0;
  refused = 0;
  /** From the attempt that was let in to its acknowledgement, ms. */
  readonly ackMs: number[] = [];
}

/**
 * One person with an outbox on the client's own queue: what is refused comes again after the time it was told, the oldest
 * first, and nothing younger of the conversation before it.
 */
export class OverloadSender {
  readonly lane: Lane;
  readonly #ledger: Ledger;
  readonly #conversationId: bigint;
  readonly #body: Uint8Array;
  readonly #queue = new AckQueue({ window: WINDOW, timeout: TIMEOUT, random: Math.random });
  /** Ids of messages that were on the wire, by number; `at`: their last attempt. */
  readonly #sent = new Map<string, { readonly clientMsgId: Uint8Array; at: number }>();
  #client: WireClient | undefined;
  #next = 0;
  #unsent = 0;
  #wakes: NodeJS.Timeout | undefined;
  #deliveredSeq = 0;
  #cursorTimer: NodeJS.Timeout | undefined;
  #closed = false;
  tally = new Tally();
  /** Closed loop: keeps so many unanswered; 0: sends what is offered. */
  keep = 0;

  constructor(lane: Lane, ledger: Ledger, conversationId: bigint, size: number) {
    this.lane = lane;
    this.#ledger = ledger;
    this.#conversationId = conversationId;
    this.#body = textBody.encode(plainText('x'.repeat(size)));
  }

  async connect(person: Person, failed: (error: Error) => void): Promise<void> {
    this.#client = await WireClient.connect(person, {
      acked: (response) => this.#answered(response, failed),
      delivered: (messages) => {
        for (const { clientMsgId, convSeq } of messages) {
          this.#ledger.delivered(clientMsgId, convSeq, performance.now());
          this.#deliveredSeq = Math.max(this.#deliveredSeq, convSeq);
        }
        this.#cursorTimer ??= setTimeout(() => this.#acknowledge(), CURSOR_DELAY_MS);
      },
      failed,
    });
    this.#queue.connected();
  }

  /** Was on the wire, and has no answer that it is stored. */
  get open(): number {
    return this.#sent.size;
  }

  /** Another message is written. */
  offer(): void {
    this.tally.offered += 1;
    if (this.#unsent >= OUTBOX) return;
    this.#add();
    this.pump();
  }

  /** What was never sent is thrown away: the level is over. What was is sent until it is acknowledged. */
  dropUnsent(): void {
    for (let number = this.lane.sentAt.length; number < this.#next; number += 1) this.#queue.settle(String(number));
    this.#next = this.lane.sentAt.length;
    this.#unsent = 0;
  }

  pump(): void {
    if (this.#closed) return;
    while (this.keep > 0 && this.#sent.size + this.#unsent < this.keep) {
      this.tally.offered += 1;
      this.#add();
    }
    const now = performance.now();
    for (const id of this.#queue.takeDue(now)) {
      let message = this.#sent.get(id);
      if (!message) {
        // The queue sends for the first time in the order of the numbers.
        message = { clientMsgId: this.lane.book(now), at: now };
        this.#sent.set(id, message);
        this.#unsent -= 1;
      }
      message.at = now;
      const { clientMsgId } = message;
      this.#client!.send({
        clientMsgId,
        conversationId: this.#conversationId,
        kind: MessageKind.text,
        body: this.#body,
      });
    }
    this.#wakeUp(now);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#wakes);
    clearTimeout(this.#cursorTimer);
    this.#client?.close();
  }

  #add(): void {
    this.#queue.add(String(this.#next), 'it');
    this.#next += 1;
    this.#unsent += 1;
  }

  #answered(
    response: {
      readonly clientMsgId: Uint8Array;
      readonly convSeq: number;
      readonly status: { readonly code: number; readonly message: string; readonly retryAfterMs: number } | undefined;
    },
    failed: (error: Error) => void,
  ): void {
    const { clientMsgId, convSeq, status } = response;
    const number = new DataView(clientMsgId.buffer, clientMsgId.byteOffset).getUint32(12);
    const id = String(number);
    const now = performance.now();
    const message = this.#sent.get(id);
    if (status) {
      if (status.retryAfterMs === 0) failed(new Error(`SEND was refused: ${status.code} ${status.message}`));
      this.tally.refused += 1;
      this.#queue.postpone(id, now, status.retryAfterMs);
    } else if (message) {
      this.#ledger.acked(clientMsgId, convSeq, now);
      this.tally.acked += 1;
      this.tally.ackMs.push(now - message.at);
      this.#sent.delete(id);
      this.#queue.settle(id);
    }
    this.pump();
  }

  #wakeUp(now: number): void {
    clearTimeout(this.#wakes);
    this.#wakes = undefined;
    const next = this.#queue.nextTimeout();
    if (next !== undefined) this.#wakes = setTimeout(() => this.pump(), Math.max(1, next - now));
  }

  #acknowledge(): void {
    this.#cursorTimer = undefined;
    void this.#client?.moveCursors([
      { conversationId: this.#conversationId, deliveredSeq: this.#deliveredSeq, readSeq: 0 },
    ]);
  }
}
