/** Bytes before `data` in every frame (seed 3.1; DESIGN 4). */
export const HEADER_LENGTH = 22;

/** "FSTM", big-endian: the first four bytes of every frame. */
export const MAGIC = 0x4653544d;

/** Wire versions this build speaks, both ends included. */
export const PROTOCOL_VERSION = 1;
export const MIN_PROTOCOL_VERSION = 1;
export const MAX_PROTOCOL_VERSION = 1;

export const MsgType = { request: 1, response: 2, notify: 3 } as const;
export type MsgType = (typeof MsgType)[keyof typeof MsgType];

/** The header's fields after the magic. All unsigned; `dataLength` is in bytes. */
export interface FrameHeader {
  version: number;
  cmd: number;
  msgType: number;
  logId: number;
  sequenceId: number;
  dataLength: number;
}

/** One whole frame. `data` may be a view into the chunk it came in: copy it to keep it past the current tick. */
export interface Frame {
  version: number;
  cmd: number;
  msgType: number;
  logId: number;
  sequenceId: number;
  data: Uint8Array;
}

export function writeHeader(view: DataView, offset: number, header: FrameHeader): void {
  view.setUint32(offset, MAGIC);
  view.setUint32(offset + 4, header.version);
  view.setUint8(offset + 8, header.cmd);
  view.setUint8(offset + 9, header.msgType);
  view.setUint32(offset + 10, header.logId);
  view.setUint32(offset + 14, header.sequenceId);
  view.setUint32(offset + 18, header.dataLength);
}

/** Reads the fields at `offset`; the caller has checked that HEADER_LENGTH bytes are there and what the magic is. */
export function readHeader(view: DataView, offset: number): FrameHeader {
  return {
    version: view.getUint32(offset + 4),
    cmd: view.getUint8(offset + 8),
    msgType: view.getUint8(offset + 9),
    logId: view.getUint32(offset + 10),
    sequenceId: view.getUint32(offset + 14),
    dataLength: view.getUint32(offset + 18),
  };
}
