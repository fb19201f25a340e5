import { RemoteProtocolError } from './errors.ts';
import { type Frame, HEADER_LENGTH, MAGIC, MAX_PROTOCOL_VERSION, MIN_PROTOCOL_VERSION, readHeader } from './header.ts';

/**
 * Resumable frame decoder for one connection: bytes in, frames out, any split, no sockets and no clock.
 *
 * Promises: a header is checked before anything is kept for its data, so a hostile length allocates nothing; at most
 * HEADER_LENGTH + maxDataLength bytes are held between chunks; after the first fault every further call returns no
 * frames and the same fault. Never throws.
 */
export class FrameDecoder {
  #maxDataLength: number;
  #pending: Uint8Array[] = [];
  #pendingLength = 0;
  #fault: RemoteProtocolError | undefined;

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

  /** Bytes of an unfinished frame that are held; 0 means the stream stands between two frames. */
  get buffered(): number {
    return this.#pendingLength;
  }

  /** Takes the next bytes; returns the frames they complete, in order. Check `fault` afterwards. */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    if (this.#fault || chunk.length === 0) return frames;
    this.#pending.push(chunk);
    this.#pendingLength += chunk.length;
    // Implemented by joining; see the notes on cost beside the tests.
    let bytes = this.#pending.length === 1 ? chunk : join(this.#pending, this.#pendingLength);
    let offset = 0;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    while (bytes.length - offset >= 4) {
      if (view.getUint32(offset) !== MAGIC) {
        this.#fault = new RemoteProtocolError('BAD_FRAME', 'wrong magic');
        break;
      }
      if (bytes.length - offset < HEADER_LENGTH) break;
      const header = readHeader(view, offset);
      if (header.version < MIN_PROTOCOL_VERSION || header.version > MAX_PROTOCOL_VERSION) {
        this.#fault = new RemoteProtocolError('UPGRADE_REQUIRED', `version ${header.version}`);
        break;
      }
      if (header.dataLength > this.#maxDataLength) {
        this.#fault = new RemoteProtocolError('FRAME_TOO_LARGE', `dataLength ${header.dataLength}`);
        break;
      }
      const end = offset + HEADER_LENGTH + header.dataLength;
      if (bytes.length < end) break;
      frames.push({
        version: header.version,
        cmd: header.cmd,
        msgType: header.msgType,
        logId: header.logId,
        sequenceId: header.sequenceId,
        data: bytes.subarray(offset + HEADER_LENGTH, end),
      });
      offset = end;
    }
    bytes = bytes.subarray(offset);
    this.#pending = this.#fault || bytes.length === 0 ? [] : [bytes];
    this.#pendingLength = this.#fault ? 0 : bytes.length;
    return frames;
  }
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    joined.set(chunk, offset);
    offset += chunk.length;
  }
  return joined;
}
