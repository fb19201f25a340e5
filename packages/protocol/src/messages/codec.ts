import Long from 'long';
import protobuf from 'protobufjs/minimal.js';
import { LocalProtocolError, RemoteProtocolError } from '../errors.ts';

// Without this guard a wrong resolve condition makes protobufjs fall back to numbers: ids would be lossy, silently.
protobuf.util.Long = Long;
protobuf.configure();
// Our messages nest three deep; only unknown groups can nest further.
protobuf.Reader.recursionLimit = 32;

/** One protobuf message as plain values: ids are bigint, counts and times are numbers (safe integers). */
export interface Codec<T> {
  /** Throws LocalProtocolError for a value that the wire cannot carry exactly. */
  encode(value: T): Uint8Array;
  /**
   * Throws RemoteProtocolError(BAD_REQUEST) for bytes that are not this message, and nothing else; unknown fields are
   * dropped. Bytes fields of the result are views into `data`.
   */
  decode(data: Uint8Array): T;
}

interface GeneratedType<G> {
  encode(value: G): { finish(shared?: boolean): Uint8Array };
  decode(reader: protobuf.Reader): G;
}

/** Also bounds varints in fields that are skipped; protobufjs would follow them to the end of the data. */
class StrictReader extends protobuf.Reader {
  override skip(length?: number): this {
    if (length !== undefined) return super.skip(length) as this;
    for (let index = 0; index < 10; index += 1) {
      if (this.pos >= this.len) throw new RangeError('truncated varint');
      const byte = this.buf[this.pos]!;
      this.pos += 1;
      if (byte < 128) return this;
    }
    throw new RangeError('varint over 10 bytes');
  }
}

export function codec<T, G>(generated: GeneratedType<G>, toWire: (value: T) => G, fromWire: (wire: G) => T): Codec<T> {
  return {
    // The writer is not used again, so its buffer can be handed out without a copy.
    encode: (value) => generated.encode(toWire(value)).finish(true),
    decode: (data) => {
      try {
        return fromWire(generated.decode(new StrictReader(data)));
      } catch (error) {
        if (error instanceof RemoteProtocolError) throw error;
        throw new RemoteProtocolError('BAD_REQUEST', 'data is not the message that the command carries', {
          cause: error,
        });
      }
    },
  };
}

type WireLong = Long | number | null | undefined;

/** A 64-bit number and its two halves, the same eight bytes: several times faster than shifting a bigint. */
const whole = new BigUint64Array(1);
const halves = new Uint32Array(whole.buffer);
whole[0] = 1n;
const LOW = halves[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;

/** 64-bit id → wire. protobufjs encodes a bigint as 0, so every id passes through here. */
export function idToWire(id: bigint): Long {
  whole[0] = id;
  if (whole[0] !== id) throw new LocalProtocolError(`id ${id} is not an unsigned 64-bit number`);
  return new Long(halves[LOW]!, halves[HIGH]!, true);
}

export function idFromWire(value: WireLong): bigint {
  if (value === null || value === undefined) return 0n;
  if (typeof value === 'number') return BigInt(value);
  return (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0);
}

/** Count or time → wire. Safe integers only: protobufjs encodes those exactly. */
export function countToWire(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new LocalProtocolError(`${value} is not a count`);
  return value;
}

/** Throws RemoteProtocolError for a value over 2^53 − 1. */
export function countFromWire(value: WireLong): number {
  if (value === null || value === undefined) return 0;
  if (typeof value === 'number') return value;
  const high = value.high >>> 0;
  if (high > 0x1fffff) throw new RemoteProtocolError('BAD_REQUEST', 'a count is over 2^53 - 1');
  return high * 0x1_0000_0000 + (value.low >>> 0);
}

/** 32-bit number → wire. */
export function numberToWire(value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new LocalProtocolError(`${value} is not an unsigned 32-bit number`);
  }
  return value;
}

/** A delay in ms → wire: rounded up, and held to what fits. Advice must not fail. */
export function delayToWire(value: number): number {
  return value > 0 ? Math.min(0xffff_ffff, Math.ceil(value)) : 0;
}

/** Text → wire: half a surrogate pair has no UTF-8 form, so it becomes U+FFFD rather than bytes that no peer accepts. */
export function textToWire(value: string): string {
  return value.isWellFormed() ? value : value.toWellFormed();
}

export const emptyBytes = new Uint8Array(0);
