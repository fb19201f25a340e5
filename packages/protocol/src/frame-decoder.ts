import { RemoteProtocolError } from './errors.ts';
import {
  type Frame,
  type FrameHeader,
  HEADER_LENGTH,
  MAGIC,
  MAX_PROTOCOL_VERSION,
  MIN_PROTOCOL_VERSION,
  readHeader,
} from './header.ts';

/** First size of the buffer that collects the data of a frame cut in pieces; it doubles as bytes arrive. */
const FIRST_DATA_BUFFER = 1024;

/**
 * Resumable frame decoder for one connection: bytes in, frames out, any split, no sockets and no clock.
 *
 * Promises:
 * - Never throws. After the first fault every further call returns no frames and `fault` stays the same. Frames and
 *   fault depend on the bytes alone, not on where they were cut.
 * - A fault is found at the first byte that proves it: the magic byte by byte, the version with its last byte, the
 *   length with the last byte of the header.
 * - A length allocates nothing by itself. What is held for an unfinished frame is its header and a buffer that grows with
 *   the data that arrived: 1 KiB or twice as much at most, and never more than the frame's own length. No chunk is
 *   kept after the call.
 * - Linear time: each byte is copied a bounded number of times, also when it comes alone. A frame that lies whole in
 *   one chunk is not copied: its `data` is a view into the chunk.
 */
export class FrameDecoder {
  #maxDataLength: number;
  #fault: RemoteProtocolError | undefined;
  #faultHeader: FrameHeader | undefined;
  /** The header of an unfinished frame, as far as it has come. */
  readonly #headerBytes = new Uint8Array(HEADER_LENGTH);
  readonly #headerView = new DataView(this.#headerBytes.buffer);
  #headerLength = 0;
  /** Set when the header is complete and accepted, and data is missing. */
  #header: FrameHeader | undefined;
  #data: Uint8Array = noBytes;
  #dataLength = 0;

  constructor(maxDataLength: number) {
    this.#maxDataLength = maxDataLength;
  }

  /** The limit for frames whose header has not been checked yet; raised after login. */
  setMaxDataLength(maxDataLength: number): void {
    this.#maxDataLength = maxDataLength;
  }

  /** Set once the stream is broken: close the connection. */
  get fault(): RemoteProtocolError | undefined {
    return this.#fault;
  }

  /** The header of the frame that was too large, so that it can be answered; undefined for every other fault. */
  get faultHeader(): FrameHeader | undefined {
    return this.#faultHeader;
  }

  /** Bytes of an unfinished frame that are held; 0 means the stream stands between two frames. */
  get buffered(): number {
    return this.#headerLength + this.#dataLength;
  }

  /** Takes the next bytes; returns the frames they complete, in order. Check `fault` afterwards. */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    if (this.#fault || chunk.length === 0) return frames;
    let offset = this.buffered > 0 ? this.#resume(chunk, frames) : 0;
    if (offset === chunk.length || this.#fault) return frames;

    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    while (chunk.length - offset >= HEADER_LENGTH) {
      if (view.getUint32(offset) !== MAGIC) return this.#fail(wrongMagic(), frames);
      const header = readHeader(view, offset);
      const fault = faultOf(header, this.#maxDataLength);
      if (fault) return this.#fail(fault, frames, header);
      const end = offset + HEADER_LENGTH + header.dataLength;
      if (end > chunk.length) {
        this.#headerLength = HEADER_LENGTH;
        this.#header = header;
        this.#collectData(chunk, offset + HEADER_LENGTH, header.dataLength);
        return frames;
      }
      frames.push(frameOf(header, chunk.subarray(offset + HEADER_LENGTH, end)));
      offset = end;
    }
    if (offset < chunk.length) this.#collectHeader(chunk, offset);
    return frames;
  }

  /** Goes on with the unfinished frame; returns the offset of the first byte after it. */
  #resume(chunk: Uint8Array, frames: Frame[]): number {
    let offset = 0;
    if (!this.#header) {
      offset = this.#collectHeader(chunk, 0);
      if (!this.#header) return offset;
    }
    const header: FrameHeader = this.#header;
    offset = this.#collectData(chunk, offset, header.dataLength);
    if (this.#dataLength < header.dataLength) return offset;
    const data = this.#data;
    this.#forget();
    frames.push(frameOf(header, data));
    return offset;
  }

  #collectHeader(chunk: Uint8Array, from: number): number {
    const had = this.#headerLength;
    const to = from + Math.min(HEADER_LENGTH - had, chunk.length - from);
    for (let offset = from; offset < to; offset += 1) {
      const byte = chunk[offset]!;
      if (this.#headerLength < magicBytes.length && byte !== magicBytes[this.#headerLength]) {
        this.#fail(wrongMagic());
        return to;
      }
      this.#headerBytes[this.#headerLength] = byte;
      this.#headerLength += 1;
    }
    if (had < VERSION_END && this.#headerLength >= VERSION_END) {
      const fault = versionFault(this.#headerView.getUint32(4));
      if (fault) {
        this.#fail(fault);
        return to;
      }
    }
    if (this.#headerLength === HEADER_LENGTH) {
      const header = readHeader(this.#headerView, 0);
      const fault = faultOf(header, this.#maxDataLength);
      if (fault) this.#fail(fault, [], header);
      else this.#header = header;
    }
    return to;
  }

  #collectData(chunk: Uint8Array, from: number, dataLength: number): number {
    const to = from + Math.min(dataLength - this.#dataLength, chunk.length - from);
    const needed = this.#dataLength + to - from;
    if (needed > this.#data.length) {
      const grown = new Uint8Array(Math.min(dataLength, Math.max(needed, 2 * this.#data.length, FIRST_DATA_BUFFER)));
      grown.set(this.#data.subarray(0, this.#dataLength));
      this.#data = grown;
    }
    if (to - from === 1) this.#data[this.#dataLength] = chunk[from]!;
    else this.#data.set(chunk.subarray(from, to), this.#dataLength);
    this.#dataLength = needed;
    return to;
  }

  #fail(fault: RemoteProtocolError, frames: Frame[] = [], header?: FrameHeader): Frame[] {
    this.#fault = fault;
    // A header of another version may mean something else, and is not always complete when the fault is found.
    if (fault.reason === 'FRAME_TOO_LARGE') this.#faultHeader = header;
    this.#forget();
    return frames;
  }

  #forget(): void {
    this.#headerLength = 0;
    this.#header = undefined;
    this.#data = noBytes;
    this.#dataLength = 0;
  }
}

/** Offset after the version field. */
const VERSION_END = 8;
const noBytes = new Uint8Array(0);
const magicBytes = Uint8Array.of(MAGIC >>> 24, (MAGIC >>> 16) & 0xff, (MAGIC >>> 8) & 0xff, MAGIC & 0xff);

function frameOf(header: FrameHeader, data: Uint8Array): Frame {
  const { version, cmd, msgType, logId, sequenceId } = header;
  return { version, cmd, msgType, logId, sequenceId, data };
}

function wrongMagic(): RemoteProtocolError {
  return new RemoteProtocolError('BAD_FRAME', 'wrong magic');
}

function versionFault(version: number): RemoteProtocolError | undefined {
  if (version >= MIN_PROTOCOL_VERSION && version <= MAX_PROTOCOL_VERSION) return undefined;
  return new RemoteProtocolError('UPGRADE_REQUIRED', `version ${version}`);
}

function faultOf(header: FrameHeader, maxDataLength: number): RemoteProtocolError | undefined {
  if (header.dataLength <= maxDataLength) return versionFault(header.version);
  return versionFault(header.version) ?? new RemoteProtocolError('FRAME_TOO_LARGE', `dataLength ${header.dataLength}`);
}
