import Long from 'long';
import protobuf from 'protobufjs/minimal.js';
import { RemoteProtocolError } from '../errors.ts';

// Without this guard a wrong resolve condition makes protobufjs fall back to numbers: ids would be lossy, silently.
protobuf.util.Long = Long;
protobuf.configure();

/** One protobuf message as plain values: ids are bigint, counts and times are numbers (safe integers). */
export interface Codec<T> {
  encode(value: T): Uint8Array;
  /** Throws RemoteProtocolError(BAD_REQUEST) for bytes that are not this message; unknown fields are dropped. */
  decode(data: Uint8Array): T;
}

interface GeneratedType<G> {
  encode(value: G): { finish(): Uint8Array };
  decode(data: Uint8Array): G;
}

export function codec<T, G>(generated: GeneratedType<G>, toWire: (value: T) => G, fromWire: (wire: G) => T): Codec<T> {
  return {
    encode: (value) => generated.encode(toWire(value)).finish(),
    decode: (data) => {
      try {
        return fromWire(generated.decode(data));
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

/** 64-bit id → wire. protobufjs encodes a bigint as 0, so every id passes through here. */
export function idToWire(id: bigint): Long {
  return new Long(Number(BigInt.asIntN(32, id)), Number(BigInt.asIntN(32, id >> 32n)), true);
}

export function idFromWire(value: WireLong): bigint {
  if (value === null || value === undefined) return 0n;
  if (typeof value === 'number') return BigInt(value);
  return (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0);
}

/** Count or time → wire. Safe integers only. */
export function countToWire(value: number): Long {
  return Long.fromNumber(value, true);
}

/** Throws RemoteProtocolError for a value over 2^53 − 1. */
export function countFromWire(value: WireLong): number {
  if (value === null || value === undefined) return 0;
  if (typeof value === 'number') return value;
  const high = value.high >>> 0;
  if (high > 0x1fffff) throw new RemoteProtocolError('BAD_REQUEST', 'a count is over 2^53 - 1');
  return high * 0x1_0000_0000 + (value.low >>> 0);
}

export const emptyBytes = new Uint8Array(0);
