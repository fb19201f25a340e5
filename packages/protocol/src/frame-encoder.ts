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

/**
 * Writes one frame at `offset`; the caller has made room for frameLength(frame). Returns the offset after it.
 * Throws LocalProtocolError for data over the limit.
 */
export function writeFrame(target: Uint8Array, view: DataView, offset: number, frame: OutgoingFrame): number {
  assertSendable(frame);
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

/** Makes a buffer; what it holds at first does not matter. Node callers pass Buffer.allocUnsafe, which is cheaper. */
export type Allocate = (length: number) => Uint8Array;

/** Many frames in one buffer: one write to the socket for everything that a tick produced. */
export function encodeFrames(frames: readonly OutgoingFrame[], allocate: Allocate = zeroed): Uint8Array {
  let length = 0;
  for (const frame of frames) length += frameLength(frame);
  const target = allocate(length);
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  let offset = 0;
  for (const frame of frames) offset = writeFrame(target, view, offset, frame);
  return target;
}

/**
 * The frames of one connection between two writes: queue them as they come, and take everything as one buffer when
 * the tick ends (the caller decides when that is). Order is kept. A frame's `data` must not change until it is taken.
 */
export class FrameBatcher {
  readonly #allocate: Allocate;
  #frames: OutgoingFrame[] = [];
  #length = 0;

  constructor(allocate: Allocate = zeroed) {
    this.#allocate = allocate;
  }

  /** Bytes that `take` would return. */
  get length(): number {
    return this.#length;
  }

  /** Frames queued. */
  get count(): number {
    return this.#frames.length;
  }

  /** Queues a frame; returns whether it is the first since the last `take`, that is, whether to arrange for one. */
  add(frame: OutgoingFrame): boolean {
    assertSendable(frame);
    this.#length += frameLength(frame);
    return this.#frames.push(frame) === 1;
  }

  /** Everything queued as one buffer, which the caller owns; undefined when there is nothing. */
  take(): Uint8Array | undefined {
    if (this.#frames.length === 0) return undefined;
    const frames = this.#frames;
    this.clear();
    return encodeFrames(frames, this.#allocate);
  }

  /** Drops what is queued: the connection is gone. */
  clear(): void {
    this.#frames = [];
    this.#length = 0;
  }
}

function zeroed(length: number): Uint8Array {
  return new Uint8Array(length);
}

function assertSendable(frame: OutgoingFrame): void {
  if (frame.data.length > MAX_DATA_AFTER_LOGIN) {
    throw new LocalProtocolError(`data of ${frame.data.length} bytes is over the limit`);
  }
}
