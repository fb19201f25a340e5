import {
  editBody,
  MAX_MENTIONS,
  MAX_TEXT_LENGTH,
  MessageKind,
  noticeBody,
  plainText,
  reactionBody,
  recallBody,
  textBody,
} from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { type CheckedMessage, checkMessage } from './check-message.ts';

const body = (text: string): Uint8Array => textBody.encode(plainText(text));
const raw = (...bytes: number[]): Uint8Array => new Uint8Array([0x0a, bytes.length, ...bytes]);

const NOW = 1_000_000;
const windows = { editWindowMs: 1_000, recallWindowMs: 100 };

function check(kind: number, bytes: Uint8Array, ofWindows = windows): CheckedMessage {
  const request = { clientMsgId: new Uint8Array(16), conversationId: 9n, kind, body: bytes };
  return checkMessage(request, NOW, ofWindows);
}

const checkTextBody = (bytes: Uint8Array): CheckedMessage => check(MessageKind.text, bytes);

describe('a text', () => {
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
    const withUnknownField = new Uint8Array([...body('hello'), 0x7a, 3, 1, 2, 3]);
    const checked = checkTextBody(withUnknownField);
    expect(checked).toMatchObject({ ok: true, body: body('hello') });
  });

  it('takes a real replacement character beside an unknown field', () => {
    const checked = checkTextBody(new Uint8Array([...body('a\ufffdb'), 0x7a, 0]));
    expect(checked).toMatchObject({ ok: true, body: body('a\ufffdb') });
  });

  it('is not fooled by bad UTF-8 beside an unknown field', () => {
    expect(checkTextBody(new Uint8Array([...raw(0x61, 0xff), 0x7a, 0]))).toMatchObject({ reason: 'MESSAGE_INVALID' });
  });
});

describe('a text with more than words', () => {
  const rich = { text: '@bob look', mentions: [2n, 3n], mentionAll: true, replySeq: 7, forwardedFrom: 4n };

  it('is stored whole, and says what it mentions and answers', () => {
    expect(checkTextBody(textBody.encode(rich))).toEqual({
      ok: true,
      body: textBody.encode(rich),
      action: { type: 'post', mentions: [2n, 3n], mentionAll: true, replySeq: 7 },
    });
  });

  it('mentions each user once', () => {
    const checked = checkTextBody(textBody.encode({ ...rich, mentions: [2n, 3n, 2n] }));
    expect(checked).toMatchObject({ body: textBody.encode(rich), action: { mentions: [2n, 3n] } });
  });

  it.each([
    ['one mention too many', Array.from({ length: MAX_MENTIONS + 1 }, (_, index) => BigInt(index + 1)), 'TOO_MANY'],
    ['more mentions than a list may hold', Array.from({ length: 2_000 }, () => 5n), 'MESSAGE_INVALID'],
    ['a mention of nobody', [0n], 'MESSAGE_INVALID'],
  ])('is refused with %s', (_name, mentions, reason) => {
    expect(checkTextBody(textBody.encode({ ...rich, mentions }))).toMatchObject({ ok: false, reason });
  });

  it('has to hold words all the same', () => {
    expect(checkTextBody(textBody.encode({ ...rich, text: ' ' }))).toMatchObject({ reason: 'MESSAGE_INVALID' });
  });
});

describe('an edit', () => {
  const edit = { targetSeq: 3, text: 'better', mentions: [2n], mentionAll: false };

  it('names its target, and how old that may be', () => {
    expect(check(MessageKind.edit, editBody.encode(edit))).toEqual({
      ok: true,
      body: editBody.encode(edit),
      action: { type: 'edit', targetSeq: 3, notBeforeMs: NOW - 1_000, mentions: [2n], mentionAll: false },
    });
  });

  it.each([
    ['without a target', { ...edit, targetSeq: 0 }, 'MESSAGE_INVALID'],
    ['without words', { ...edit, text: '\n' }, 'MESSAGE_INVALID'],
    ['with a NUL', { ...edit, text: 'a\0b' }, 'MESSAGE_INVALID'],
    ['that is too long', { ...edit, text: 'x'.repeat(MAX_TEXT_LENGTH + 1) }, 'MESSAGE_TOO_LONG'],
  ])('%s is refused', (_name, body, reason) => {
    expect(check(MessageKind.edit, editBody.encode(body))).toMatchObject({ ok: false, reason });
  });
});

describe('a recall', () => {
  it.each([
    ['at its own window', 100, NOW - 100],
    ['never where the window is 0', 0, Number.MAX_SAFE_INTEGER],
    ['at any age where the window is longer than time', Number.MAX_SAFE_INTEGER, 1],
  ])('ends %s', (_name, recallWindowMs, notBeforeMs) => {
    const checked = check(MessageKind.recall, recallBody.encode({ targetSeq: 5 }), { ...windows, recallWindowMs });
    expect(checked).toMatchObject({ ok: true, action: { type: 'recall', targetSeq: 5, notBeforeMs } });
  });

  it('without a target is refused', () => {
    expect(check(MessageKind.recall, new Uint8Array(0))).toMatchObject({ ok: false, reason: 'MESSAGE_INVALID' });
  });
});

describe('a reaction', () => {
  it('names target and emoji, and whether it goes', () => {
    const reaction = { targetSeq: 5, emoji: '👍🏽', removed: true };
    expect(check(MessageKind.reaction, reactionBody.encode(reaction))).toEqual({
      ok: true,
      body: reactionBody.encode(reaction),
      action: { type: 'reaction', ...reaction },
    });
  });

  it.each([
    ['without a target', { targetSeq: 0, emoji: '👍', removed: false }],
    ['without an emoji', { targetSeq: 1, emoji: '', removed: false }],
    ['with a word', { targetSeq: 1, emoji: 'yes', removed: false }],
  ])('%s is refused', (_name, reaction) => {
    expect(check(MessageKind.reaction, reactionBody.encode(reaction))).toMatchObject({ reason: 'MESSAGE_INVALID' });
  });
});

describe('other kinds', () => {
  it.each([
    ['a notice', MessageKind.notice],
    ['kind 0', 0],
    ['a kind that is not known', 99],
  ])('%s is refused', (_name, kind) => {
    const bytes = noticeBody.encode({ action: 6, userIds: [1n], text: '', number: 0 });
    expect(check(kind, bytes)).toMatchObject({ ok: false, reason: 'MESSAGE_INVALID' });
  });

  it.each(Object.values(MessageKind))('kind %i with bytes that are no body is refused', (kind) => {
    expect(check(kind, new Uint8Array([0x08, 0x80]))).toMatchObject({ ok: false, reason: 'MESSAGE_INVALID' });
  });
});
