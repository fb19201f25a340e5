import { MAX_PACKET } from './limits.ts';
import { MalformedPacket } from './packet-reader.ts';

/** Called with a packet: its type, and where its payload is. */
export type PacketHandler = (type: number, bytes: Buffer, from: number, to: number) => void;

/**
 * Finds the packets in a stream that is cut anywhere. A packet that lies in one chunk is not copied; one that does not is
 * put together once, in memory that grows with the bytes that are there. Throws MalformedPacket for a length over
 * the limit; after that, and after `stop`, it gives no packet any more.
 */
export class PacketSplitter {
  readonly #handle: PacketHandler;
  #limit: number;
  #held: Buffer | undefined;
  #heldLength = 0;
  #stopped = false;

  constructor(handle: PacketHandler, limit: number = MAX_PACKET) {
    this.#handle = handle;
    this.#limit = limit;
  }

  /** From the next packet on. */
  set limit(bytes: number) {
    this.#limit = bytes;
  }

  /** Bytes of a packet that is not whole yet. */
  get waiting(): number {
    return this.#heldLength;
  }

  stop(): void {
    this.#stopped = true;
    this.#held = undefined;
    this.#heldLength = 0;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (this.#held && at < chunk.length && !this.#stopped) at = this.#complete(chunk, at);
    if (!this.#stopped && at < chunk.length) this.#split(chunk, at);
  }

  /** All whole packets from `at` on; what is left over is held. */
  #split(chunk: Buffer, from: number): void {
    let at = from;
    while (chunk.length - at >= 4) {
      const end = at + 4 + this.#checked(chunk.readUInt32BE(at));
      if (end > chunk.length) break;
      this.#handle(chunk[at + 4]!, chunk, at + 5, end);
      if (this.#stopped) return;
      at = end;
    }
    if (at < chunk.length) this.#hold(chunk, at, chunk.length);
  }

  /** Adds to the packet that is held what it lacks, as far as it is there. Returns where the chunk goes on. */
  #complete(chunk: Buffer, from: number): number {
    let at = from;
    if (this.#heldLength < 4) {
      const until = Math.min(chunk.length, at + 4 - this.#heldLength);
      this.#hold(chunk, at, until);
      at = until;
      if (this.#heldLength < 4) return at;
    }
    const whole = 4 + this.#checked(this.#held!.readUInt32BE(0));
    const until = Math.min(chunk.length, at + whole - this.#heldLength);
    this.#hold(chunk, at, until, whole);
    if (this.#heldLength === whole) {
      const bytes = this.#held!;
      // It may be kept by who gets the packet: the next one is put together elsewhere.
      this.#held = undefined;
      this.#heldLength = 0;
      this.#handle(bytes[4]!, bytes, 5, whole);
    }
    return until;
  }

  #hold(chunk: Buffer, from: number, to: number, whole = 0): void {
    const length = this.#heldLength + to - from;
    if (!this.#held || this.#held.length < length) {
      const size = Math.max(length, Math.min(whole || length, 2 * length), 64);
      const held = Buffer.allocUnsafeSlow(size);
      if (this.#held) held.set(this.#held.subarray(0, this.#heldLength));
      this.#held = held;
    }
    this.#held.set(chunk.subarray(from, to), this.#heldLength);
    this.#heldLength = length;
  }

  #checked(length: number): number {
    if (length >= 1 && length <= this.#limit) return length;
    this.stop();
    throw new MalformedPacket(`a packet of ${length} bytes`);
  }
}
