import type { ErrorName } from '@fastim/protocol';
import type { ConnectionRef } from '../cluster/contract.ts';

/** How long past its time a lane waits for its refused message before it goes on: the client gave that one up. */
export const LANE_PATIENCE_MS = 10_000;

export interface Held {
  readonly reason: ErrorName;
  readonly retryAfterMs: number;
}

/**
 * Keeps a sender's order over refusals (I3). When a SEND is refused with "try again later", those of the same
 * conversation that the client had put on the wire behind it must not overtake it: they are refused as well, until the
 * refused one comes again. A lane is one connection's sends into one conversation.
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

  /** The message was refused and is expected again; the first such message of the lane is the one waited for. */
  refused(
    connection: ConnectionRef,
    conversationId: bigint,
    clientMsgId: Uint8Array,
    refusal: Held,
    now: number,
  ): void {
    const key = connectionKey(connection);
    let lanes = this.#connections.get(key);
    if (!lanes) {
      lanes = new Map();
      this.#connections.set(key, lanes);
    }
    const lane = lanes.get(conversationId);
    if (lane && lane.until > now && !sameBytes(lane.expected, clientMsgId)) return;
    if (!lane) this.#size += 1;
    lanes.set(conversationId, {
      expected: Uint8Array.from(clientMsgId),
      reason: refusal.reason,
      comesAt: now + refusal.retryAfterMs,
      until: now + refusal.retryAfterMs + LANE_PATIENCE_MS,
    });
  }

  /**
   * Undefined: the message may go on (and if it is the one waited for, the lane is free again). Else why the one
   * before it was refused, and when that one is to come again.
   */
  hold(connection: ConnectionRef, conversationId: bigint, clientMsgId: Uint8Array, now: number): Held | undefined {
    const key = connectionKey(connection);
    const lanes = this.#connections.get(key);
    const lane = lanes?.get(conversationId);
    if (!lanes || !lane) return undefined;
    if (lane.until > now && !sameBytes(lane.expected, clientMsgId)) {
      return { reason: lane.reason, retryAfterMs: Math.max(1, lane.comesAt - now) };
    }
    lanes.delete(conversationId);
    this.#size -= 1;
    if (lanes.size === 0) this.#connections.delete(key);
    return undefined;
  }

  forget(connection: ConnectionRef): void {
    const key = connectionKey(connection);
    this.#size -= this.#connections.get(key)?.size ?? 0;
    this.#connections.delete(key);
  }
}

interface Lane {
  readonly expected: Uint8Array;
  readonly reason: ErrorName;
  readonly comesAt: number;
  readonly until: number;
}

function connectionKey(connection: ConnectionRef): string {
  return `${connection.connectionId}@${connection.gateId}`;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
