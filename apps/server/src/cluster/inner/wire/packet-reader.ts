import { COPY_FROM_CHUNK_BYTES, COPY_RATIO } from './limits.ts';

/** The other side of a link sent what no one of this version sends. The link is broken with this as its reason. */
export class MalformedPacket extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MalformedPacket';
  }
}

/**
 * Reads the parts of one packet. Every read is checked against the packet's end and throws MalformedPacket; no count
 * takes memory before the bytes behind it are known to be there.
 */
export class PacketReader {
  #bytes: Buffer = Buffer.alloc(0);
  #view = new DataView(this.#bytes.buffer, 0, 0);
  #at = 0;
  #end = 0;

  /** From now on reads bytes `from` to `to` of the chunk. */
  open(bytes: Buffer, from: number, to: number): this {
    if (this.#bytes !== bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.#at = from;
    this.#end = to;
    return this;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  /** Everything was read. */
  end(): void {
    if (this.#at !== this.#end) throw new MalformedPacket(`${this.left} bytes too many`);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u48(): number {
    const at = this.#take(6);
    return this.#view.getUint16(at) * 2 ** 32 + this.#view.getUint32(at + 2);
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  id(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  flag(): boolean {
    const value = this.u8();
    if (value > 1) throw new MalformedPacket(`${value} is no flag`);
    return value === 1;
  }

  /** A number of things that take at least `each` bytes each. */
  count(each: number): number {
    const count = this.u32();
    if (count * each > this.left) throw new MalformedPacket(`${count} things in ${this.left} bytes`);
    return count;
  }

  ids(): bigint[] {
    const ids: bigint[] = [];
    for (let left = this.count(8); left > 0; left -= 1) ids.push(this.id());
    return ids;
  }

  text(): string {
    const length = this.u16();
    const at = this.#take(length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  /** Owned by who asks: nobody changes it, and it does not keep much more than itself in memory. */
  raw(length: number): Uint8Array {
    const at = this.#take(length);
    const chunk = this.#bytes.buffer.byteLength;
    if (chunk >= COPY_FROM_CHUNK_BYTES && length * COPY_RATIO < chunk) {
      const copy = Buffer.allocUnsafe(length);
      copy.set(this.#bytes.subarray(at, at + length));
      return copy;
    }
    return this.#bytes.subarray(at, at + length);
  }

  blob(): Uint8Array {
    return this.raw(this.u32());
  }

  rest(): Uint8Array {
    return this.raw(this.left);
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#end) throw new MalformedPacket(`${bytes} bytes wanted, ${this.left} left`);
    this.#at = at + bytes;
    return at;
  }
}
