/**
 * Arrays as PostgreSQL takes them in binary: no text is made on this side and none is read on the other, which is most of
 * what a batch of messages costs. int32 dimensions, int32 has-null, int32 element type, int32 length, int32 lower bound;
 * then each element as int32 length and its bytes. Big-endian.
 */
const HEADER_LENGTH = 20;
const INT8 = 20;
const BYTEA = 17;

function arrayOf(elementType: number, length: number, bytes: number): Buffer {
  if (length === 0) {
    const empty = Buffer.alloc(12);
    empty.writeInt32BE(elementType, 8);
    return empty;
  }
  const buffer = Buffer.allocUnsafe(HEADER_LENGTH + length * 4 + bytes);
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(0, 4);
  buffer.writeInt32BE(elementType, 8);
  buffer.writeInt32BE(length, 12);
  buffer.writeInt32BE(1, 16);
  return buffer;
}

/** bigint[]; each element is given by its place. */
export function bigintArray(length: number, element: (index: number) => bigint): Buffer {
  const buffer = arrayOf(INT8, length, length * 8);
  let offset = HEADER_LENGTH;
  for (let index = 0; index < length; index += 1) {
    buffer.writeInt32BE(8, offset);
    buffer.writeBigInt64BE(element(index), offset + 4);
    offset += 12;
  }
  return buffer;
}

/** bigint[] of safe integers, without a bigint for each. */
export function integerArray(length: number, element: (index: number) => number): Buffer {
  const buffer = arrayOf(INT8, length, length * 8);
  let offset = HEADER_LENGTH;
  for (let index = 0; index < length; index += 1) {
    const value = element(index);
    buffer.writeInt32BE(8, offset);
    buffer.writeInt32BE(Math.floor(value / 2 ** 32), offset + 4);
    buffer.writeUInt32BE(value >>> 0, offset + 8);
    offset += 12;
  }
  return buffer;
}

/** bytea[] */
export function bytesArray(length: number, element: (index: number) => Uint8Array): Buffer {
  let bytes = 0;
  for (let index = 0; index < length; index += 1) bytes += element(index).length;
  const buffer = arrayOf(BYTEA, length, bytes);
  let offset = HEADER_LENGTH;
  for (let index = 0; index < length; index += 1) {
    const value = element(index);
    buffer.writeInt32BE(value.length, offset);
    buffer.set(value, offset + 4);
    offset += 4 + value.length;
  }
  return buffer;
}
