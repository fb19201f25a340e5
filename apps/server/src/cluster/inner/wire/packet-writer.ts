import { BY_REFERENCE_BYTES, MAX_PACKET, SLAB_BYTES } from './limits.ts';

/** Length and type. */
const HEAD_BYTES = 5;

/**
 * Packets for a link, as the bytes that go out: `length (u32) type (u8) payload`, big-endian; the length counts the type.
 * A packet is begun with the exact length of its payload and its parts follow; whatever can be refused is refused before
 * that, so a packet begun is a packet written. Written bytes are never changed again, so
 * a socket may keep what `take` gave it; large blobs are not copied.
 */
export class PacketWriter {
  #slab: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #view = viewOf(this.#slab);
  /** The part of the slab that no chunk holds yet. */
  #from = 0;
  #at = 0;
  #chunks: Uint8Array[] = [];
  #chunkBytes = 0;

  /** Bytes written since the last `take`. */
  get length(): number {
    return this.#chunkBytes + this.#at - this.#from;
  }

  /** Everything written since the last call; its parts behind one another are the stream. */
  take(): Uint8Array[] {
    this.#cut();
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#chunkBytes = 0;
    return chunks;
  }

  /** Throws RangeError for a payload that no reader would take; nothing is written then. */
  begin(type: number, payloadLength: number): void {
    if (payloadLength + 1 > MAX_PACKET) throw new RangeError(`a packet of ${payloadLength} bytes is over the limit`);
    const at = this.#room(HEAD_BYTES);
    this.#view.setUint32(at, payloadLength + 1);
    this.#slab[at + 4] = type;
  }

  // Room is made before the slab is looked at: making it may take another slab.
  u8(value: number): void {
    const at = this.#room(1);
    this.#slab[at] = value;
  }

  u16(value: number): void {
    const at = this.#room(2);
    this.#view.setUint16(at, value);
  }

  u32(value: number): void {
    const at = this.#room(4);
    this.#view.setUint32(at, value);
  }

  /** A count that rises for long: connection ids, conv_seqs. */
  u48(value: number): void {
    const at = this.#room(6);
    this.#view.setUint16(at, Math.floor(value / 2 ** 32));
    this.#view.setUint32(at + 2, value >>> 0);
  }

  /** Times, and whatever else may be no whole number. */
  f64(value: number): void {
    const at = this.#room(8);
    this.#view.setFloat64(at, value);
  }

  id(value: bigint): void {
    const at = this.#room(8);
    this.#view.setBigUint64(at, value);
  }

  ids(values: readonly bigint[]): void {
    this.u32(values.length);
    for (const value of values) this.id(value);
  }

  /** UTF-8 behind its length; `bytes` is `textLength(value)`'s promise of at most 65,535. */
  text(value: string): void {
    const bytes = Buffer.byteLength(value);
    this.u16(bytes);
    const at = this.#room(bytes);
    this.#slab.write(value, at, bytes, 'utf8');
  }

  /** A blob without its length: the last part of a packet, or one whose length was said. */
  raw(data: Uint8Array): void {
    if (data.length >= BY_REFERENCE_BYTES) {
      this.#cut();
      this.#chunks.push(data);
      this.#chunkBytes += data.length;
      return;
    }
    const at = this.#room(data.length);
    this.#slab.set(data, at);
  }

  blob(data: Uint8Array): void {
    this.u32(data.length);
    this.raw(data);
  }

  #room(bytes: number): number {
    if (this.#at + bytes > this.#slab.length) {
      this.#cut();
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes));
      this.#view = viewOf(this.#slab);
      this.#from = 0;
      this.#at = 0;
    }
    const at = this.#at;
    this.#at += bytes;
    return at;
  }

  #cut(): void {
    if (this.#at === this.#from) return;
    this.#chunks.push(this.#slab.subarray(this.#from, this.#at));
    this.#chunkBytes += this.#at - this.#from;
    this.#from = this.#at;
  }
}

/** What `text` takes. Throws RangeError for a text that is too long. */
export function textLength(value: string): number {
  const bytes = Buffer.byteLength(value);
  if (bytes > 0xffff) throw new RangeError(`a text of ${bytes} bytes is over the limit`);
  return 2 + bytes;
}

export function idsLength(values: readonly bigint[]): number {
  return 4 + 8 * values.length;
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
