/**
 * An id as the database holds it: 64 bits, signed. Ids come from outside too; what does not fit becomes one that no
 * row has, instead of an error.
 */
export function storedId(id: bigint): bigint {
  return BigInt.asIntN(64, id);
}

/** Below every id that a row can have. */
export const LOWEST_ID = -(2n ** 63n);
/** Above every id that a row can have, or the same. */
export const HIGHEST_ID = 2n ** 63n - 1n;

/** A number from outside as a bigint that the database takes. */
export function storedNumber(value: number): bigint {
  if (Number.isNaN(value)) return 0n;
  return BigInt(Math.trunc(Math.max(-Number.MAX_SAFE_INTEGER, Math.min(value, Number.MAX_SAFE_INTEGER))));
}

/** Text that people write freely, as bytes: U+0000 is allowed in it, and `text` has no place for that. */
export function storedText(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}

export function readText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** Whether a string can be compared with a column of type text at all. */
export function isStorable(text: string): boolean {
  return !text.includes('\u0000');
}
