import { fastim } from '../generated/fastim.js';
import { type Codec, codec, countFromWire, countToWire, idFromWire, idToWire } from './codec.ts';
import { fieldsCodec, id, list, message, number, status } from './fields.ts';
import { limited } from './limited.ts';
import type { Status } from './status.ts';

/** One member's cursors in one conversation. They only rise: merging is max(). */
export interface MemberCursor {
  conversationId: bigint;
  userId: bigint;
  deliveredSeq: number;
  readSeq: number;
  readCountNo: number;
}

/** What a device has stored and what its user has read. 0: not moved. */
export interface CursorMove {
  conversationId: bigint;
  deliveredSeq: number;
  readSeq: number;
}

export function cursorToWire(cursor: MemberCursor): fastim.v1.MemberCursor.$Properties {
  return {
    conversationId: idToWire(cursor.conversationId),
    userId: idToWire(cursor.userId),
    deliveredSeq: countToWire(cursor.deliveredSeq),
    readSeq: countToWire(cursor.readSeq),
    readCountNo: countToWire(cursor.readCountNo),
  };
}

export function cursorFromWire(wire: fastim.v1.MemberCursor.$Properties): MemberCursor {
  return {
    conversationId: idFromWire(wire.conversationId),
    userId: idFromWire(wire.userId),
    deliveredSeq: countFromWire(wire.deliveredSeq),
    readSeq: countFromWire(wire.readSeq),
    readCountNo: countFromWire(wire.readCountNo),
  };
}

export const cursorRequest: Codec<{ moves: CursorMove[] }> = codec(
  fastim.v1.CursorRequest,
  (value) => ({
    moves: value.moves.map((move) => ({
      conversationId: idToWire(move.conversationId),
      deliveredSeq: countToWire(move.deliveredSeq),
      readSeq: countToWire(move.readSeq),
    })),
  }),
  (wire) => ({
    moves: limited(wire.moves).map((move) => ({
      conversationId: idFromWire(move.conversationId),
      deliveredSeq: countFromWire(move.deliveredSeq),
      readSeq: countFromWire(move.readSeq),
    })),
  }),
);

/** The moves that were not taken, with the code of the error catalogue; the others were. */
export interface RefusedMove {
  conversationId: bigint;
  code: number;
}

export const cursorResponse: Codec<{ status: Status | undefined; refused: RefusedMove[] }> = fieldsCodec(
  fastim.v1.CursorResponse,
  { status, refused: list(message<RefusedMove>({ conversationId: id, code: number })) },
);

export const cursorPush: Codec<{ cursors: MemberCursor[] }> = codec(
  fastim.v1.CursorPush,
  (value) => ({ cursors: value.cursors.map(cursorToWire) }),
  (wire) => ({ cursors: limited(wire.cursors).map(cursorFromWire) }),
);
