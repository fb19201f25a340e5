import { MAX_DATA_AFTER_LOGIN } from '@fastim/protocol';

/** Field numbers and wire types of HistoryResponse. */
const CONVERSATION_ID = 0x11;
const MESSAGES = 0x1a;
const HEAD_SEQ = 0x20;
/** conversation_id, and head_seq at its longest. */
const ENVELOPE = 9 + 11;

/**
 * A HistoryResponse put together from messages that are encoded already, byte for byte as its codec would make it. A piece
 * is a MessagePush of one message, which differs from the same message in a HistoryResponse by its first byte only.
 *
 * Pieces that do not fit are left out at the far end, so that what is returned joins on to where the client asked from;
 * one always fits.
 */
export function historyAnswer(
  conversationId: bigint,
  pieces: readonly Uint8Array[],
  newestFirst: boolean,
  headSeq: number,
): Uint8Array {
  let length = ENVELOPE;
  let fit = 0;
  while (fit < pieces.length) {
    length += pieces[newestFirst ? pieces.length - 1 - fit : fit]!.length;
    if (length > MAX_DATA_AFTER_LOGIN && fit > 0) break;
    fit += 1;
  }
  const sent = newestFirst ? pieces.slice(pieces.length - fit) : pieces.slice(0, fit);

  const data = new Uint8Array(ENVELOPE + sent.reduce((sum, piece) => sum + piece.length, 0));
  const view = new DataView(data.buffer);
  data[0] = CONVERSATION_ID;
  view.setBigUint64(1, conversationId, true);
  let offset = 9;
  for (const piece of sent) {
    data.set(piece, offset);
    data[offset] = MESSAGES;
    offset += piece.length;
  }
  data[offset] = HEAD_SEQ;
  offset += 1;
  let rest = headSeq;
  while (rest > 0x7f) {
    data[offset] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
    offset += 1;
  }
  data[offset] = rest;
  return data.subarray(0, offset + 1);
}
