import {
  Command,
  type Head,
  historyRequest,
  historyResponse,
  MAX_HISTORY_PAGE,
  type Message,
  MessageKind,
  type SendResponse,
  statusResponse,
  viewingRequest,
} from '@fastim/protocol';
import type { DeviceLog, GroupLedger } from './group-ledger.ts';
import type { Person } from './people.ts';
import { WireClient } from './wire-client.ts';

// As the app's engine does (`defaultLimits`).
const HEAD_WAIT_MS = 50;
const HEAD_JITTER_MS = 100;
const HEAD_INTERVAL_MS = 500;
const GAP_WAIT_MS = 500;
const READ_DELAY_MS = 50;

export interface GroupDeviceOptions {
  readonly index: number;
  readonly ledger: GroupLedger;
  readonly conversationId: bigint;
  /** Has the conversation on its screen: it gets bodies, and reads them. */
  readonly viewing: boolean;
  readonly body: Uint8Array;
  readonly failed: (error: Error) => void;
}

/** One member's device: what it is told of the group makes it pull, and what it has it stores, in order. */
export class GroupDevice {
  readonly log: DeviceLog;
  readonly #options: GroupDeviceOptions;
  #client: WireClient | undefined;
  #wanted = 0;
  #pulledAt = Number.NEGATIVE_INFINITY;
  #pulling = false;
  #pullTimer: NodeJS.Timeout | undefined;
  #readTimer: NodeJS.Timeout | undefined;
  #readSeq = 0;
  /** Came before what is in front of it. */
  readonly #held = new Map<number, Uint8Array>();
  inFlight = 0;
  /** Called after an answer: there is room for another message. */
  onAck: (() => void) | undefined;
  pulls = 0;

  constructor(options: GroupDeviceOptions) {
    this.#options = options;
    this.log = options.ledger.devices[options.index]!;
  }

  async connect(person: Person): Promise<void> {
    this.#client = await WireClient.connect(person, {
      acked: (response) => this.#acked(response),
      delivered: (messages) => this.#pushed(messages),
      heads: (heads) => this.#told(heads),
      failed: this.#options.failed,
    });
    if (!this.#options.viewing) return;
    const { conversationId } = this.#options;
    await this.#client.ask(Command.viewing, viewingRequest, { conversationId }, statusResponse);
  }

  /** `at`: when it was due, which is what its latency counts from. */
  send(at: number): void {
    const { ledger, index, conversationId, body } = this.#options;
    this.inFlight += 1;
    this.#client!.send({ clientMsgId: ledger.book(index, at), conversationId, kind: MessageKind.text, body });
  }

  close(): void {
    clearTimeout(this.#pullTimer);
    clearTimeout(this.#readTimer);
    this.#client?.close();
  }

  #acked({ status, clientMsgId, convSeq }: SendResponse): void {
    const { ledger, failed } = this.#options;
    if (status) {
      failed(new Error(`SEND was refused: ${status.code} ${status.message}`));
      return;
    }
    const now = performance.now();
    this.inFlight -= 1;
    ledger.acknowledged(clientMsgId, convSeq, now);
    this.#hold(clientMsgId.slice(), convSeq);
    this.#settle(now);
    this.onAck?.();
  }

  #pushed(messages: readonly Message[]): void {
    for (const { clientMsgId, convSeq } of messages) this.#hold(clientMsgId.slice(), convSeq);
    if (!this.#pulling) this.#settle(performance.now());
  }

  #told(heads: readonly Head[]): void {
    for (const { conversationId, headSeq } of heads) {
      if (conversationId === this.#options.conversationId) this.#wanted = Math.max(this.#wanted, headSeq);
    }
    if (this.#wanted > this.log.lastSeq) this.#pullLater(this.#options.viewing ? 0 : HEAD_WAIT_MS);
  }

  #hold(clientMsgId: Uint8Array, convSeq: number): void {
    if (convSeq > this.log.lastSeq) this.#held.set(convSeq, clientMsgId);
  }

  /** Stores what joins on to what there is; a hole is waited for, then pulled. */
  #settle(now: number): void {
    const { log } = this;
    for (let id = this.#held.get(log.lastSeq + 1); id; id = this.#held.get(log.lastSeq + 1)) {
      this.#held.delete(log.lastSeq + 1);
      log.store(id, log.lastSeq + 1, now);
    }
    if (this.#held.size > 0) {
      this.#wanted = Math.max(this.#wanted, ...this.#held.keys());
      this.#pullLater(GAP_WAIT_MS);
    }
    if (this.#options.viewing && log.lastSeq > this.#readSeq) {
      this.#readTimer ??= setTimeout(() => this.#read(), READ_DELAY_MS);
    }
  }

  #pullLater(wait: number): void {
    if (this.#pulling || this.#pullTimer) return;
    const soon = wait === HEAD_WAIT_MS ? wait + Math.random() * HEAD_JITTER_MS : wait;
    const since = performance.now() - this.#pulledAt;
    const delay = this.#options.viewing ? soon : Math.max(soon, HEAD_INTERVAL_MS - since);
    this.#pullTimer = setTimeout(() => {
      this.#pullTimer = undefined;
      void this.#pull();
    }, delay);
  }

  async #pull(): Promise<void> {
    this.#pulling = true;
    const { log } = this;
    const { conversationId } = this.#options;
    // What is told meanwhile is for the next pull.
    const head = this.#wanted;
    while (log.lastSeq < head) {
      this.pulls += 1;
      const { messages } = await this.#client!.ask(
        Command.history,
        historyRequest,
        {
          conversationId,
          fromSeq: log.lastSeq + 1,
          toSeq: head,
          limit: MAX_HISTORY_PAGE,
          newestFirst: false,
        },
        historyResponse,
      );
      const now = performance.now();
      for (const { clientMsgId, convSeq } of messages) {
        if (convSeq <= log.lastSeq) continue;
        this.#held.delete(convSeq);
        log.store(clientMsgId, convSeq, now);
      }
      if (messages.length === 0) break;
    }
    this.#pulling = false;
    this.#pulledAt = performance.now();
    this.#settle(this.#pulledAt);
    if (this.#wanted > log.lastSeq) this.#pullLater(HEAD_WAIT_MS);
  }

  #read(): void {
    this.#readTimer = undefined;
    this.#readSeq = this.log.lastSeq;
    const { conversationId } = this.#options;
    void this.#client!.moveCursors([{ conversationId, deliveredSeq: 0, readSeq: this.#readSeq }]);
  }
}
