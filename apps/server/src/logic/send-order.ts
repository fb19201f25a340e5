import type { ErrorName } from '@fastim/protocol';
import type { ConnectionRef } from '../cluster/contract.ts';

/** Messages of one lane that are kept in order; a gate has far fewer of a connection under way. */
const LANE_LENGTH = 256;
/**
 * Messages remembered of one connection in all its lanes, far more than can be under way at once. Past it the oldest
 * lane is given up: a client that sends into ever new conversations must not grow this for as long as it is connected.
 */
export const CONNECTION_LENGTH = 2_048;

export interface Held {
  readonly reason: ErrorName;
  readonly retryAfterMs: number;
}

/** One SEND of one connection. */
export interface SendAttempt {
  readonly connection: ConnectionRef;
  readonly sequenceId: number;
}

export interface SendMessage {
  readonly conversationId: bigint;
  readonly clientMsgId: Uint8Array;
}

/**
 * Keeps a sender's order over refusals (I3). When a SEND is refused with "try again later", those of the same
 * conversation that the client had put on the wire behind it must not overtake it: they are refused as well, until the
 * refused one comes again. A lane is one connection's sends into one conversation, as far as they were refused.
 *
 * A client that sends again begins with the oldest that it has no answer to. So when one comes again and those before it
 * have not, they are not to come any more (the client learned elsewhere that they are stored, or gave them up), and
 * nobody waits for them. No clock decides it.
 *
 * Costs nothing while nothing is refused: ask `size` first.
 */
export class SendOrder {
  readonly #connections = new Map<string, Lanes>();
  #size = 0;

  /** Lanes that are held up. */
  get size(): number {
    return this.#size;
  }

  /**
   * The message was refused and is expected again. Of several the one that was sent first is waited for: refusals do
   * not come in the order of the sends (one may be refused on arrival while an older one still waits to be stored).
   */
  refused(attempt: SendAttempt, message: SendMessage, refusal: Held, now: number): void {
    const key = connectionKey(attempt.connection);
    let lanes = this.#connections.get(key);
    if (!lanes) {
      lanes = { byConversation: new Map(), waiting: 0 };
      this.#connections.set(key, lanes);
    }
    let lane = lanes.byConversation.get(message.conversationId);
    if (!lane) {
      lane = { waiting: [], ...refusal, comesAt: 0 };
      lanes.byConversation.set(message.conversationId, lane);
      this.#size += 1;
    }
    const place = this.#line(key, lanes, lane, attempt, message);
    if (place !== 0) return;
    lane.reason = refusal.reason;
    lane.retryAfterMs = refusal.retryAfterMs;
    lane.comesAt = now + refusal.retryAfterMs;
  }

  /**
   * Undefined: the message may go on (and if it is the one waited for, the lane is free again). Else why the one
   * before it was refused, and when that one is to come again.
   */
  hold(attempt: SendAttempt, message: SendMessage, now: number): Held | undefined {
    const key = connectionKey(attempt.connection);
    const lanes = this.#connections.get(key);
    const lane = lanes?.byConversation.get(message.conversationId);
    if (!lanes || !lane) return undefined;
    const before = lane.waiting.find((each) => sameBytes(each.clientMsgId, message.clientMsgId))?.lastSequenceId;
    let place = this.#line(key, lanes, lane, attempt, message);
    if (place > 0 && before !== undefined && before < attempt.sequenceId) {
      const waiting = lane.waiting.filter((each, index) => index >= place || each.lastSequenceId > before);
      const gone = lane.waiting.length - waiting.length;
      lanes.waiting -= gone;
      place -= gone;
      lane.waiting.splice(0, lane.waiting.length, ...waiting);
    }
    if (place > 0) return heldBy(lane, now);
    this.#free(key, message.conversationId);
    return undefined;
  }

  /** Asked of one that was let go on earlier: whether one that was sent before it has been refused since. */
  behind(attempt: SendAttempt, message: SendMessage, now: number): Held | undefined {
    const lane = this.#connections.get(connectionKey(attempt.connection))?.byConversation.get(message.conversationId);
    const first = lane?.waiting[0];
    if (!lane || !first || first.sequenceId >= attempt.sequenceId) return undefined;
    if (sameBytes(first.clientMsgId, message.clientMsgId)) return undefined;
    return heldBy(lane, now);
  }

  /** The message is stored: nobody needs to wait for it, even if a second copy of it was refused. */
  stored(connection: ConnectionRef, message: SendMessage): void {
    const key = connectionKey(connection);
    const lanes = this.#connections.get(key);
    const waiting = lanes?.byConversation.get(message.conversationId)?.waiting;
    if (!lanes || !waiting) return;
    const place = waiting.findIndex((each) => sameBytes(each.clientMsgId, message.clientMsgId));
    if (place >= 0) {
      waiting.splice(place, 1);
      lanes.waiting -= 1;
    }
    if (waiting.length === 0) this.#free(key, message.conversationId);
  }

  forget(connection: ConnectionRef): void {
    const key = connectionKey(connection);
    this.#size -= this.#connections.get(key)?.byConversation.size ?? 0;
    this.#connections.delete(key);
  }

  /** `line`, with the connection's bound: the oldest lanes make room for this one. */
  #line(key: string, lanes: Lanes, lane: Lane, attempt: SendAttempt, message: SendMessage): number {
    const before = lane.waiting.length;
    const place = line(lane, attempt.sequenceId, message.clientMsgId);
    lanes.waiting += lane.waiting.length - before;
    for (const conversationId of lanes.byConversation.keys()) {
      if (lanes.waiting <= CONNECTION_LENGTH) break;
      if (conversationId !== message.conversationId) this.#free(key, conversationId);
    }
    return place;
  }

  #free(key: string, conversationId: bigint): void {
    const lanes = this.#connections.get(key);
    const lane = lanes?.byConversation.get(conversationId);
    if (!lanes || !lane) return;
    lanes.byConversation.delete(conversationId);
    lanes.waiting -= lane.waiting.length;
    this.#size -= 1;
    if (lanes.byConversation.size === 0) this.#connections.delete(key);
  }
}

/** Those of one connection, oldest first. */
interface Lanes {
  readonly byConversation: Map<bigint, Lane>;
  /** Messages in all of them. */
  waiting: number;
}

interface Waiting {
  readonly clientMsgId: Uint8Array;
  /** Of the earliest attempt that was refused: what was sent first has the lowest. */
  readonly sequenceId: number;
  lastSequenceId: number;
}

interface Lane {
  /** In the order sent; the first is the one expected. */
  readonly waiting: Waiting[];
  /** Of the first in line. */
  reason: ErrorName;
  retryAfterMs: number;
  comesAt: number;
}

/**
 * The message's place in the lane; puts it there if it is not in it. The answer to an early copy of a message may come
 * after that to a late one; then it moves forward to where it was first sent.
 */
function line(lane: Lane, sequenceId: number, clientMsgId: Uint8Array): number {
  const { waiting } = lane;
  const known = waiting.findIndex((each) => sameBytes(each.clientMsgId, clientMsgId));
  let lastSequenceId = sequenceId;
  if (known >= 0) {
    const each = waiting[known]!;
    lastSequenceId = Math.max(lastSequenceId, each.lastSequenceId);
    each.lastSequenceId = lastSequenceId;
    if (each.sequenceId <= sequenceId) return known;
    waiting.splice(known, 1);
  }
  let place = waiting.length;
  while (place > 0 && waiting[place - 1]!.sequenceId > sequenceId) place -= 1;
  if (place < LANE_LENGTH) {
    waiting.splice(place, 0, { clientMsgId: Uint8Array.from(clientMsgId), sequenceId, lastSequenceId });
  }
  return place;
}

function heldBy(lane: Lane, now: number): Held {
  return { reason: lane.reason, retryAfterMs: Math.min(lane.retryAfterMs, Math.max(1, lane.comesAt - now)) };
}

function connectionKey(connection: ConnectionRef): string {
  return `${connection.connectionId}@${connection.gateId}`;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
