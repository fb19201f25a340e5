/** Apart from the contract, so that a page that counts bytes need not hold the schemas. */

/** Bytes of one message from the UI as JSON; larger ones are refused unread. */
export const MAX_BRIDGE_MESSAGE = 1024 * 1024;

/** Whether `text` takes more than `limit` bytes as UTF-8, without encoding it. */
export function isLongerThan(text: string, limit: number): boolean {
  if (text.length > limit) return true;
  if (text.length * 3 <= limit) return false;
  let bytes = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    // Each half of a surrogate pair counts for half of its four bytes.
    else if (unit >= 0xd800 && unit <= 0xdfff) bytes += 2;
    else bytes += 3;
  }
  return bytes > limit;
}
