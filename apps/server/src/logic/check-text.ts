import { isUtf8 } from 'node:buffer';
import { type ErrorName, MAX_TEXT_LENGTH, textBody } from '@fastim/protocol';

export type CheckedBody = { ok: true; body: Uint8Array } | { ok: false; reason: ErrorName; message: string };

const FIELD_TEXT = 0x0a;
const nothingVisible = /^[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}]*$/u;

/**
 * The rules for the body of a text message: UTF-8, at most MAX_TEXT_LENGTH bytes, something visible, no NUL. Returns
 * the body to store: as it came, or without the fields that this version does not know.
 *
 * A body with nothing but the text (all that today's clients make) is checked without making a string of it.
 */
export function checkTextBody(body: Uint8Array): CheckedBody {
  const text = plainText(body);
  if (text) return checkText(body, text);
  let decoded: string;
  try {
    decoded = textBody.decode(body).text;
  } catch {
    return refuse('MESSAGE_INVALID', 'the body is not a text');
  }
  const canonical = textBody.encode(plainText(decoded));
  return checkText(canonical, plainText(canonical) ?? new Uint8Array(0));
}

function checkText(body: Uint8Array, text: Uint8Array): CheckedBody {
  if (text.length > MAX_TEXT_LENGTH) return refuse('MESSAGE_TOO_LONG', `over ${MAX_TEXT_LENGTH} bytes`);
  if (!isUtf8(text)) return refuse('MESSAGE_INVALID', 'the text is not UTF-8');
  if (text.includes(0)) return refuse('MESSAGE_INVALID', 'the text holds a NUL');
  if (!isVisible(text)) return refuse('MESSAGE_INVALID', 'the text is empty');
  return { ok: true, body };
}

/** The bytes of field 1 if they are all there is, else undefined. */
function plainText(body: Uint8Array): Uint8Array | undefined {
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

function isVisible(utf8: Uint8Array): boolean {
  for (const byte of utf8) {
    if (byte > 0x20 && byte < 0x7f) return true;
    // The first character is not ASCII: look at the whole text.
    if (byte >= 0x80) return !nothingVisible.test(Buffer.from(utf8.buffer, utf8.byteOffset, utf8.length).toString());
  }
  return false;
}

function refuse(reason: ErrorName, message: string): CheckedBody {
  return { ok: false, reason, message };
}
