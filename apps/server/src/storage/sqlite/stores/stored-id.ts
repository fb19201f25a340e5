/**
 * An id as the database holds it: 64 bits, signed. Ids come from outside too; what does not fit becomes one that no
 * row has, instead of an error.
 */
export function storedId(id: bigint): bigint {
  return BigInt.asIntN(64, id);
}

/** Below every id that a row can have. */
export const LOWEST_ID = -(2n ** 63n);

/** Bytes in a buffer of their own: posting a view clones the whole buffer behind it. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
