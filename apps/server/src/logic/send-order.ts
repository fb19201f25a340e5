import type { ErrorName } from '@fastim/protocol';
import type { ConnectionRef } from '../cluster/contract.ts';

/** How long past its time a lane waits for a message before it goes on to the next: the client gave that one up. */
export const LANE_PATIENCE_MS = 10_000;
/** Messages of one lane that are kept in order; a gate has far fewer of a connection under way. */
const LANE_LENGTH = 256;

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
 * Costs nothing while nothing is refused: ask `size` first.
 */
export class SendOrder {
  readonly #connections = new Map<string, Map<bigint, Lane>>();
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
      lanes = new Map();
      this.#connections.set(key, lanes);
    }
    let lane = lanes.get(message.conversationId);
    if (!lane) {
      lane = { waiting: [], reason: refusal.reason, comesAt: 0, until: 0 };
      lanes.set(message.conversationId, lane);
      this.#size += 1;
    }
    if (line(lane, attempt.sequenceId, message.clientMsgId) !== 0) return;
    lane.reason = refusal.reason;
    lane.comesAt = now + refusal.retryAfterMs;
    lane.until = lane.comesAt + LANE_PATIENCE_MS;
  }

  /**
   * Undefined: the message may go on (and if it is the one waited for, the lane is free again). Else why the one
   * before it was refused, and when that one is to come again.
   */
  hold(attempt: SendAttempt, message: SendMessage, now: number): Held | undefined {
    const key = connectionKey(attempt.connection);
    const lane = this.#connections.get(key)?.get(message.conversationId);
    if (!lane) return undefined;
    let place = line(lane, attempt.sequenceId, message.clientMsgId);
    if (place > 0 && lane.until <= now) {
      // Given up by the client: the next in line is waited for, and nobody overtakes that one either.
      lane.waiting.shift();
      place -= 1;
      lane.comesAt = now;
      lane.until = now + LANE_PATIENCE_MS;
    }
    if (place > 0) return { reason: lane.reason, retryAfterMs: Math.max(1, lane.comesAt - now) };
    this.#free(key, message.conversationId);
    return undefined;
  }

  /** The message is stored: nobody needs to wait for it, even if a second copy of it was refused. */
  stored(connection: ConnectionRef, message: SendMessage): void {
    const key = connectionKey(connection);
    const waiting = this.#connections.get(key)?.get(message.conversationId)?.waiting;
    const place = waiting?.findIndex((each) => sameBytes(each.clientMsgId, message.clientMsgId)) ?? -1;
    if (waiting && place >= 0) waiting.splice(place, 1);
    if (waiting?.length === 0) this.#free(key, message.conversationId);
  }

  forget(connection: ConnectionRef): void {
    const key = connectionKey(connection);
    this.#size -= this.#connections.get(key)?.size ?? 0;
    this.#connections.delete(key);
  }

  #free(key: string, conversationId: bigint): void {
    const lanes = this.#connections.get(key);
    if (!lanes?.delete(conversationId)) return;
    this.#size -= 1;
    if (lanes.size === 0) this.#connections.delete(key);
  }
}

interface Waiting {
  readonly clientMsgId: Uint8Array;
  /** Of the earliest attempt that was refused: what was sent first has the lowest. */
  readonly sequenceId: number;
}

interface Lane {
  /** In the order sent; the first is the one expected. */
  readonly waiting: Waiting[];
  /** Of the first in line. */
  reason: ErrorName;
  comesAt: number;
  until: number;
}

/**
 * The message's place in the lane; puts it there if it is not in it. The answer to an early copy of a message may come
 * after that to a late one; then it moves forward to where it was first sent.
 */
function line(lane: Lane, sequenceId: number, clientMsgId: Uint8Array): number {
  const { waiting } = lane;
  const known = waiting.findIndex((each) => sameBytes(each.clientMsgId, clientMsgId));
  if (known >= 0) {
    if (waiting[known]!.sequenceId <= sequenceId) return known;
    waiting.splice(known, 1);
  }
  let place = waiting.length;
  while (place > 0 && waiting[place - 1]!.sequenceId > sequenceId) place -= 1;
  if (place < LANE_LENGTH) waiting.splice(place, 0, { clientMsgId: Uint8Array.from(clientMsgId), sequenceId });
  return place;
}

function connectionKey(connection: ConnectionRef): string {
  return `${connection.connectionId}@${connection.gateId}`;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
