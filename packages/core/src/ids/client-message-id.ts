/**
 * client_msg_id: 128 bits made by the sending client and stored before the first send; the idempotency key.
 * 48 bits ms since the Unix epoch, then 80 random bits: rising in time, so that the server's unique index grows at its
 * end. Uniqueness rests on the random bits alone; a wrong clock does no harm.
 */
export const CLIENT_MESSAGE_ID_RANDOM_BYTES = 10;

/** 32 lower-case hex digits: the form used as a key in code and JSON. */
export type ClientMessageId = string;

/** `random` is CLIENT_MESSAGE_ID_RANDOM_BYTES bytes from a cryptographic source. */
export function makeClientMessageId(nowMs: number, random: Uint8Array): ClientMessageId {
  if (random.length !== CLIENT_MESSAGE_ID_RANDOM_BYTES) throw new RangeError('needs 10 random bytes');
  const time = Math.max(0, Math.floor(nowMs)) % 2 ** 48;
  return time.toString(16).padStart(12, '0') + toHex(random);
}

const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (let index = 0; index < bytes.length; index += 1) text += hexOfByte[bytes[index]!];
  return text;
}

/** Throws RangeError for text that is not an even number of hex digits. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) throw new RangeError('not hex');
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index += 1) {
    bytes[index] = Number.parseInt(text.slice(index * 2, index * 2 + 2), 16);
  }
  return bytes;
}
