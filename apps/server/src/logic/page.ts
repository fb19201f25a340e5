import { type ConversationState, MAX_DATA_AFTER_LOGIN, type Message } from '@fastim/protocol';
import { DEFAULT_PAGE } from './logic-limits.ts';

/** What a page's other fields take, generously. */
const ENVELOPE = 256;
/** Bytes of a message besides its body, at most: 9 + 9 + 11 + 9 + 18 + 6 + 4 + 11 + 11 and its own length. */
const MESSAGE_OVERHEAD = 96;
/** Bytes of a state besides its names and its message, at most. */
const STATE_OVERHEAD = 192;
/** UTF-8 bytes of one UTF-16 unit, at most. */
const BYTES_PER_UNIT = 3;

/** 0 is "as you like"; whatever else is asked for, never over `max`. */
export function pageLimit(asked: number, max: number): number {
  return Math.min(asked === 0 ? DEFAULT_PAGE : asked, max);
}

/** An upper bound of the encoded size, without encoding. */
export function messageSize(message: Message): number {
  return MESSAGE_OVERHEAD + message.body.length;
}

export function stateSize(state: ConversationState): number {
  const { peer, lastMessage } = state;
  const names = peer ? (peer.username.length + peer.displayName.length) * BYTES_PER_UNIT : 0;
  return STATE_OVERHEAD + names + (lastMessage ? messageSize(lastMessage) : 0);
}

/**
 * How many rows from the start fit one response. At least one, so that who asks again always gets on: no stored row is
 * over the limit by itself.
 */
export function rowsThatFit<T>(rows: readonly T[], sizeOf: (row: T) => number): number {
  let left = MAX_DATA_AFTER_LOGIN - ENVELOPE;
  for (let index = 0; index < rows.length; index += 1) {
    left -= sizeOf(rows[index]!);
    if (left < 0) return Math.max(1, index);
  }
  return rows.length;
}
