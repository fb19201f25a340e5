import { isUtf8 } from 'node:buffer';
import { type ErrorName, MAX_MENTIONS, MAX_TEXT_LENGTH } from '@fastim/protocol';

export interface Refused {
  readonly ok: false;
  readonly reason: ErrorName;
  readonly message: string;
}

const FIELD_TEXT = 0x0a;
const nothingVisible = /^[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}]*$/u;

/**
 * The rules for the words of a message: UTF-8, at most MAX_TEXT_LENGTH bytes, something visible, no NUL. Undefined: they
 * are kept.
 */
export function refuseText(utf8: Uint8Array): Refused | undefined {
  if (utf8.length > MAX_TEXT_LENGTH) return refuse('MESSAGE_TOO_LONG', `over ${MAX_TEXT_LENGTH} bytes`);
  if (!isUtf8(utf8)) return refuse('MESSAGE_INVALID', 'the text is not UTF-8');
  if (utf8.includes(0)) return refuse('MESSAGE_INVALID', 'the text holds a NUL');
  if (!isVisible(utf8)) return refuse('MESSAGE_INVALID', 'the text is empty');
  return undefined;
}

/** Each user once; whether they are members does not matter, a mention of somebody else is only a word. */
export function checkMentions(mentions: readonly bigint[]): { ok: true; mentions: bigint[] } | Refused {
  if (mentions.length > MAX_MENTIONS) return refuse('TOO_MANY', `over ${MAX_MENTIONS} mentions`);
  if (mentions.includes(0n)) return refuse('MESSAGE_INVALID', 'nobody is mentioned');
  return { ok: true, mentions: [...new Set(mentions)] };
}

/**
 * The bytes of the text if it is all that a TextBody holds, else undefined. Most messages are like this; they are checked
 * and stored without making a string of them.
 */
export function onlyText(body: Uint8Array): Uint8Array | undefined {
  if (body.length < 2 || body[0] !== FIELD_TEXT) return undefined;
  let length = 0;
  let offset = 1;
  for (let shift = 0; shift <= 14; shift += 7) {
    const byte = body[offset];
    if (byte === undefined) return undefined;
    offset += 1;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) return body.length - offset === length ? body.subarray(offset) : undefined;
  }
  return undefined;
}

export function refuse(reason: ErrorName, message: string): Refused {
  return { ok: false, reason, message };
}

function isVisible(utf8: Uint8Array): boolean {
  for (const byte of utf8) {
    if (byte > 0x20 && byte < 0x7f) return true;
    // The first character is not ASCII: look at the whole text.
    if (byte >= 0x80) return !nothingVisible.test(Buffer.from(utf8.buffer, utf8.byteOffset, utf8.length).toString());
  }
  return false;
}
