import { LocalProtocolError } from './errors.ts';
import { HEADER_LENGTH, MAGIC, PROTOCOL_VERSION } from './header.ts';
import { MAX_DATA_AFTER_LOGIN } from './limits.ts';

/** What a sender says of a frame; version and length are filled in. */
export interface OutgoingFrame {
  cmd: number;
  msgType: number;
  logId: number;
  sequenceId: number;
  data: Uint8Array;
}

/** Bytes one frame takes. */
export function frameLength(frame: OutgoingFrame): number {
  return HEADER_LENGTH + frame.data.length;
}

/** Writes one frame at `offset`; the caller has made room for frameLength(frame). Returns the offset after it. */
export function writeFrame(target: Uint8Array, view: DataView, offset: number, frame: OutgoingFrame): number {
  if (frame.data.length > MAX_DATA_AFTER_LOGIN) {
    throw new LocalProtocolError(`data of ${frame.data.length} bytes is over the limit`);
  }
  view.setUint32(offset, MAGIC);
  view.setUint32(offset + 4, PROTOCOL_VERSION);
  view.setUint8(offset + 8, frame.cmd);
  view.setUint8(offset + 9, frame.msgType);
  view.setUint32(offset + 10, frame.logId);
  view.setUint32(offset + 14, frame.sequenceId);
  view.setUint32(offset + 18, frame.data.length);
  target.set(frame.data, offset + HEADER_LENGTH);
  return offset + HEADER_LENGTH + frame.data.length;
}

/** Many frames in one buffer: one write to the socket for everything that a tick produced. */
export function encodeFrames(frames: readonly OutgoingFrame[]): Uint8Array {
  let length = 0;
  for (const frame of frames) length += frameLength(frame);
  const target = new Uint8Array(length);
  const view = new DataView(target.buffer);
  let offset = 0;
  for (const frame of frames) offset = writeFrame(target, view, offset, frame);
  return target;
}
