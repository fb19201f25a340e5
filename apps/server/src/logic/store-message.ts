import { type Clock, DedupeWindow } from '@fastim/core';
import { type ErrorName, sendResponse } from '@fastim/protocol';
import type { Logger } from 'pino';
import type { Trace } from '../observe/trace-ring.ts';
import { visitRoutes } from '../routing/locate-user.ts';
import type { Route, RouteTable } from '../routing/route-table.ts';
import type { RequestHeader } from '../routing/send-to-gate.ts';
import type { AppendOutcome, AppendRequest, MessageStore } from '../storage/message-store.ts';
import type { AcceptedSend } from './accepted-send.ts';
import { type Answer, comesAgain, type Refusal, toStatus } from './answer.ts';
import { ReactionCopies } from './events/reaction-copies.ts';
import type { FanOut } from './fan-out.ts';
import { GroupCommit } from './group-commit.ts';
import { MAX_WAITING_BYTES, RECENT_SENDS, retryAfter } from './logic-limits.ts';
import type { LogicMetrics } from './logic-metrics.ts';
import type { QueueWait } from './overload/queue-wait.ts';
import type { SendMessage, SendOrder } from './send-order.ts';

/** The values of an ack for what changed nothing. */
const nothingStored = { msgId: 0n, convSeq: 0, serverTimeMs: 0, countNo: 0 } as const;
/** Refusals for good that an admin can take back at any moment. */
const takenBack: ReadonlySet<ErrorName> = new Set(['NOT_A_MEMBER', 'MUTED', 'NOT_ALLOWED']);
/** Messages that are a batch without waiting any longer. */
const EAGER_BATCH = 64;

/**
 * SEND, second half: many messages in one transaction, then the acks in the order in which the messages came, then
 * the fan-out. There is no ack before the append has resolved (DESIGN 5.5). When it rejects, everything of the batch
 * and everything behind it is refused with "try again later", and the lanes are held so that no younger message of a
 * sender gets in before the older one comes again.
 */
export class StoreMessage {
  readonly #messages: MessageStore;
  readonly #answer: Answer;
  readonly #fanOut: FanOut;
  readonly #order: SendOrder;
  readonly #routes: RouteTable;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metrics: LogicMetrics;
  readonly #trace: Trace | undefined;
  readonly #wait: QueueWait;
  readonly #commit: GroupCommit<AcceptedSend>;
  /** client_msg_ids that had a good answer lately. A front only: whether a message is a repeat is decided by the store. */
  readonly #recent = new DedupeWindow<string, true>(RECENT_SENDS);
  readonly #copies = new ReactionCopies();
  #scheduled = false;
  #cancelWait: (() => void) | undefined;
  #stopping = false;
  #idleWaiters: (() => void)[] = [];

  constructor(parts: {
    messages: MessageStore;
    answer: Answer;
    fanOut: FanOut;
    order: SendOrder;
    routes: RouteTable;
    clock: Clock;
    logger: Logger;
    metrics: LogicMetrics;
    trace?: Trace | undefined;
    wait: QueueWait;
    batchLimit: number;
    batchWaitMs: number;
    waitingLimit: number;
  }) {
    this.#messages = parts.messages;
    this.#answer = parts.answer;
    this.#fanOut = parts.fanOut;
    this.#order = parts.order;
    this.#routes = parts.routes;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#metrics = parts.metrics;
    this.#trace = parts.trace;
    this.#wait = parts.wait;
    this.#commit = new GroupCommit({
      batchLimit: parts.batchLimit,
      spacingMs: parts.batchWaitMs,
      eagerAt: EAGER_BATCH,
      waitingLimit: parts.waitingLimit,
      waitingBytesLimit: MAX_WAITING_BYTES,
      sizeOf: (send) => send.append.body.length,
    });
  }

  /** Messages that wait for the next batch. */
  get waiting(): number {
    return this.#commit.waiting;
  }

  add(send: AcceptedSend): void {
    if (this.#stopping) {
      this.refuse(send, send.route, send.append, 'UNAVAILABLE', this.#answer.spread(retryAfter.unavailable));
    } else if (this.#copies.wasUnchanged(send)) {
      this.#settle(send, { outcome: 'unchanged' });
    } else if (this.#copies.waits(send)) {
      // It is answered with the one before it.
    } else if (!this.#commit.add(send)) {
      this.refuse(send, send.route, send.append, 'OVERLOADED', this.#answer.spread(retryAfter.overloaded));
    } else {
      this.#copies.begin(send);
      this.#trace?.note('accepted', send.logId, { conversationId: send.append.conversationId, kind: send.append.kind });
      if (!this.#scheduled) this.#schedule();
    }
  }

  /** What came in the same turn goes in the same batch; an idle writer waits for nothing else. */
  #schedule(): void {
    const delay = this.#commit.delay(this.#clock.now());
    if (delay === undefined) return;
    if (delay === 0) {
      this.#cancelWait?.();
      this.#scheduled = true;
      queueMicrotask(this.#startBatch);
    } else {
      this.#cancelWait ??= this.#clock.setTimer(delay, this.#startBatch);
    }
  }

  /**
   * Answers a SEND that is not stored. One that is to come again holds its lane; a late copy of one that was stored does
   * not, since its sender has the ack, or will.
   */
  refuse(
    request: RequestHeader,
    route: Route,
    message: SendMessage,
    reason: ErrorName,
    retryAfterMs: number,
    detail?: string,
  ): void {
    const { conversationId, clientMsgId } = message;
    if (comesAgain(reason) && this.#routes.find(request.connection) === route && !this.#recent.get(idOf(message))) {
      this.#order.refused(request, message, { reason, retryAfterMs }, this.#clock.now());
    }
    this.#trace?.note('refused', request.logId, { conversationId, reason, retryAfterMs });
    const refusal: Refusal = { reason, message: detail, retryAfterMs };
    const data = sendResponse.encode({
      status: toStatus(refusal),
      clientMsgId,
      conversationId,
      msgId: 0n,
      convSeq: 0,
      serverTimeMs: 0,
      countNo: 0,
    });
    this.#answer.refuseWith(request, refusal, data);
  }

  /** Takes no more; resolves when everything taken before is answered. */
  stop(): Promise<void> {
    this.#stopping = true;
    if (this.#commit.idle) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  readonly #startBatch = (): void => {
    this.#scheduled = false;
    this.#cancelWait?.();
    this.#cancelWait = undefined;
    const taken = this.#commit.take(this.#clock.now());
    if (!taken) return;
    this.#wait.batched(taken.length, this.#commit.leftOverMs);
    const batch = this.#order.size > 0 ? taken.filter((send) => !this.#isHeld(send)) : taken;
    if (batch.length === 0) {
      this.#commit.done();
      this.#schedule();
      return;
    }
    this.#metrics.batchSize.observe(batch.length);
    const startedAt = performance.now();
    this.#append(batch)
      .then(
        (outcomes) => {
          this.#metrics.appendSeconds.observe((performance.now() - startedAt) / 1000);
          this.#commit.done();
          this.#holdBehindRefused(batch, outcomes);
          // The writer gets its next batch before this one's acks are made.
          if (this.#commit.delay(this.#clock.now()) === 0) this.#startBatch();
          else this.#schedule();
          this.#answer.storageRecovered();
          for (let index = 0; index < batch.length; index += 1) this.#settleAll(batch[index]!, outcomes[index]!);
        },
        (error: unknown) => {
          this.#commit.done();
          // Whether the batch is stored may be unknown.
          this.#fanOut.unsure();
          const refusal = this.#answer.explain(error, batch[0]!.logId);
          for (const send of batch) this.#giveBack(send, refusal);
          for (const send of this.#commit.takeWaiting()) this.#giveBack(send, refusal);
        },
      )
      .catch((error: unknown) => this.#answer.explain(error))
      .finally(() => {
        if (this.#commit.idle) for (const resolve of this.#idleWaiters.splice(0)) resolve();
      });
  };

  /**
   * Whoever may not write now may be let in again before the refusal reaches him, and it may get lost: then the refused
   * message comes again and would be stored behind a younger one. So the lane is held as after "try again later", until
   * the client shows that it knows: by sending the younger one again without the refused one.
   */
  #holdBehindRefused(batch: readonly AcceptedSend[], outcomes: readonly AppendOutcome[]): void {
    const now = this.#clock.now();
    for (const [index, send] of batch.entries()) {
      const outcome = outcomes[index];
      if (outcome?.outcome !== 'refused' || !takenBack.has(outcome.reason)) continue;
      if (this.#routes.find(send.connection) !== send.route) continue;
      this.#order.refused(send, send.append, { reason: 'UNAVAILABLE', retryAfterMs: retryAfter.behindRefused }, now);
    }
  }

  /** An older one was refused while this one waited for its batch. */
  #isHeld(send: AcceptedSend): boolean {
    const held = this.#order.behind(send, send.append, this.#clock.now());
    if (!held) return false;
    const detail = 'an older one comes first';
    this.refuse(send, send.route, send.append, held.reason, held.retryAfterMs, detail);
    for (const copy of this.#copies.end(send)) {
      this.refuse(copy, copy.route, copy.append, held.reason, held.retryAfterMs, detail);
    }
    return true;
  }

  async #append(batch: readonly AcceptedSend[]): Promise<AppendOutcome[]> {
    const requests: AppendRequest[] = [];
    for (const send of batch) requests.push(send.append);
    return this.#messages.append(requests);
  }

  #settleAll(send: AcceptedSend, outcome: AppendOutcome): void {
    if (outcome.outcome === 'unchanged') this.#copies.unchanged(send);
    this.#settle(send, outcome);
    const again: AppendOutcome = outcome.outcome === 'stored' ? { ...outcome, outcome: 'repeated' } : outcome;
    for (const copy of this.#copies.end(send)) this.#settle(copy, again);
  }

  #settle(send: AcceptedSend, outcome: AppendOutcome): void {
    try {
      if (outcome.outcome === 'refused') {
        this.refuse(send, send.route, send.append, outcome.reason, 0);
        return;
      }
      const { msgId, convSeq, serverTimeMs, countNo } = outcome.outcome === 'unchanged' ? nothingStored : outcome;
      this.#answer.with(
        send,
        sendResponse.encode({
          status: undefined,
          clientMsgId: send.append.clientMsgId,
          conversationId: send.append.conversationId,
          msgId,
          convSeq,
          serverTimeMs,
          countNo,
        }),
      );
      if (this.#logger.isLevelEnabled('debug')) {
        this.#logger.debug(
          { logId: send.logId, msgId: msgId.toString(), convSeq, outcome: outcome.outcome },
          'message acked',
        );
      }
      this.#trace?.note(outcome.outcome, send.logId, { msgId, conversationId: send.append.conversationId, convSeq });
      this.#remember(send.append);
      // A repeat was fanned out when it was stored; whoever missed it then has synced or will.
      if (outcome.outcome === 'repeated') this.#metrics.repeated += 1;
      else if (outcome.outcome === 'unchanged') this.#metrics.unchanged += 1;
      else {
        this.#metrics.stored += 1;
        this.#fanOut.stored(send, outcome);
      }
    } catch (error) {
      // Stored, but the ack could not be made: the client asks again and gets it then.
      this.#answer.explain(error, send.logId);
    }
  }

  /** Whoever has a good answer is not waited for, on whichever connection a copy of it was refused or may be yet. */
  #remember(append: AppendRequest): void {
    this.#recent.remember(idOf(append), true);
    if (this.#order.size === 0) return;
    const free = (route: Route): void => this.#order.stored(route.connection, append);
    visitRoutes(this.#routes, append.senderId, free, (error) => this.#answer.explain(error));
  }

  #giveBack(send: AcceptedSend, refusal: Refusal): void {
    const wait = this.#answer.spread(refusal.retryAfterMs);
    this.refuse(send, send.route, send.append, refusal.reason, wait, refusal.message);
    for (const copy of this.#copies.end(send)) {
      this.refuse(copy, copy.route, copy.append, refusal.reason, wait, refusal.message);
    }
  }
}

function idOf({ clientMsgId }: SendMessage): string {
  const bytes = clientMsgId instanceof Buffer ? clientMsgId : Buffer.from(clientMsgId);
  return bytes.toString('latin1');
}
