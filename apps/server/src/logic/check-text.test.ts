import { MAX_TEXT_LENGTH, textBody } from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { checkTextBody } from './check-text.ts';

const body = (text: string): Uint8Array => textBody.encode({ text });
const raw = (...bytes: number[]): Uint8Array => new Uint8Array([0x0a, bytes.length, ...bytes]);

describe('checkTextBody', () => {
  it.each([
    ['a letter', 'a'],
    ['Chinese', '你好，世界'],
    ['an emoji of several code points', '👩‍👩‍👧‍👦'],
    ['white space around something', '  \n x'],
    ['a real replacement character', 'a\ufffdb'],
    ['markup', '<img src=x onerror=alert(1)>'],
    ['SQL', "'; DROP TABLE message; --"],
    ['the longest text there may be', 'x'.repeat(MAX_TEXT_LENGTH)],
    ['the longest text of three-byte characters', '界'.repeat(Math.floor(MAX_TEXT_LENGTH / 3))],
  ])('takes %s as it is', (_name, text) => {
    const checked = checkTextBody(body(text));
    expect(checked.ok && textBody.decode(checked.body).text).toBe(text);
  });

  it.each([
    ['no bytes', new Uint8Array(0), 'MESSAGE_INVALID'],
    ['an empty text', body(''), 'MESSAGE_INVALID'],
    ['an explicit empty text', new Uint8Array([0x0a, 0]), 'MESSAGE_INVALID'],
    ['spaces and line ends', body(' \t\r\n '), 'MESSAGE_INVALID'],
    ['ideographic spaces', body('\u3000\u3000'), 'MESSAGE_INVALID'],
    ['nothing but invisible characters', body('\u200b\u2060\ufeff\u200d'), 'MESSAGE_INVALID'],
    ['control characters', body('\u0001\u0002'), 'MESSAGE_INVALID'],
    ['a NUL', body('a\u0000b'), 'MESSAGE_INVALID'],
    ['a byte that is no UTF-8', raw(0x61, 0xff), 'MESSAGE_INVALID'],
    ['a cut UTF-8 sequence', raw(0x61, 0xe4, 0xbd), 'MESSAGE_INVALID'],
    ['an overlong form', raw(0xc0, 0x80), 'MESSAGE_INVALID'],
    ['half a surrogate pair', raw(0xed, 0xa0, 0x80), 'MESSAGE_INVALID'],
    ['a length beyond the end', new Uint8Array([0x0a, 5, 0x61]), 'MESSAGE_INVALID'],
    ['a length without an end', new Uint8Array([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff]), 'MESSAGE_INVALID'],
    ['another wire type', new Uint8Array([0x08, 1]), 'MESSAGE_INVALID'],
    ['one byte too many', body('x'.repeat(MAX_TEXT_LENGTH + 1)), 'MESSAGE_TOO_LONG'],
    ['a text as long as a frame', body('x'.repeat(65_000)), 'MESSAGE_TOO_LONG'],
  ])('refuses %s', (_name, bytes, reason) => {
    expect(checkTextBody(bytes)).toMatchObject({ ok: false, reason });
  });

  it('drops fields it does not know, and stores the rest', () => {
    const withUnknownField = new Uint8Array([...body('hello'), 0x12, 3, 1, 2, 3]);
    const checked = checkTextBody(withUnknownField);
    expect(checked).toEqual({ ok: true, body: body('hello') });
  });

  it('takes a real replacement character beside an unknown field', () => {
    const checked = checkTextBody(new Uint8Array([...body('a\ufffdb'), 0x12, 0]));
    expect(checked).toEqual({ ok: true, body: body('a\ufffdb') });
  });

  it('is not fooled by bad UTF-8 beside an unknown field', () => {
    expect(checkTextBody(new Uint8Array([...raw(0x61, 0xff), 0x12, 0]))).toMatchObject({ reason: 'MESSAGE_INVALID' });
  });
});
