import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clip, clipAt, createLinkFinder, cutMarks, drawAtMost, emojiCount, oneLine } from './safe-text.ts';

const find = createLinkFinder();
const links = (text: string) => find(text).flatMap((piece) => (piece.kind === 'link' ? [piece.href] : []));

describe('links', () => {
  test.each([
    ['see https://example.org/a?b=c#d.', ['https://example.org/a?b=c#d']],
    ['http://127.0.0.1:8600/x and mailto:me@example.org', ['http://127.0.0.1:8600/x', 'mailto:me@example.org']],
    ['write to me@example.org', ['mailto:me@example.org']],
    ['（https://example.org）', ['https://example.org/']],
    ['javascript:alert(1)', []],
    ['data:text/html,<script>alert(1)</script>', []],
    ['file:///etc/passwd ftp://example.org //example.org', []],
    ['README.md and example.org', []],
    ['https://example.org/\u202Egpj.exe', []],
  ])('in %j are %j', (text, expected) => {
    expect(links(text)).toEqual(expected);
  });

  test('the pieces put together are the text again, whatever it is', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.webUrl(),
      fc.emailAddress(),
      fc.constantFrom('javascript:', '://', '@'),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (parts) => {
        const text = parts.join(' ');
        const pieces = find(text);
        expect(pieces.map((one) => one.text).join('')).toBe(text);
        for (const one of pieces) if (one.kind === 'link') expect(one.href).toMatch(/^(https?:|mailto:)/);
      }),
    );
  });
});

describe('length', () => {
  test('a short text stays as it is', () => {
    expect(clip('hello', clipAt)).toEqual({ text: 'hello', clipped: false });
  });

  test('a cut leaves no half character', () => {
    const family = '👨‍👩‍👧‍👦';
    for (let limit = 20; limit < 60; limit++) {
      const { text } = clip(family.repeat(20), limit);
      expect(text.isWellFormed()).toBe(true);
      expect(text.endsWith('\u200D')).toBe(false);
    }
  });

  test('a cut falls between words where one is near', () => {
    expect(clip(`${'word '.repeat(20)}`, 52).text.endsWith('word')).toBe(true);
  });
});

describe('hostile texts', () => {
  test('a million combining marks become six, quickly', () => {
    const began = performance.now();
    const text = cutMarks(`a${'\u0301'.repeat(1_000_000)}`.slice(0, drawAtMost));
    expect(text).toBe(`a${'\u0301'.repeat(6)}`);
    expect(performance.now() - began).toBeLessThan(200);
  });

  test('ordinary marks stay', () => {
    for (const text of ['é', 'नमस्ते', 'กำลัง', 'שָׁלוֹם', 'Việt Nam']) expect(cutMarks(text)).toBe(text);
  });

  test.each([
    ['one emoji, 100 KB of it', '😀'.repeat(25_000)],
    ['one letter without a space', 'a'.repeat(100_000)],
    ['slashes and dots', 'http://'.repeat(14_000)],
    ['at signs', 'a@'.repeat(30_000)],
    ['brackets', '(['.repeat(30_000)],
  ])('%s is made ready in time', (_, text) => {
    const began = performance.now();
    find(clip(cutMarks(text.slice(0, drawAtMost)), clipAt).text);
    emojiCount(text);
    oneLine(text);
    expect(performance.now() - began).toBeLessThan(200);
  });

  test('in a list a text is one short line', () => {
    expect(oneLine('a\n\n  b\tc')).toBe('a b c');
    expect(oneLine('x'.repeat(10_000)).length).toBeLessThanOrEqual(200);
  });
});

describe('emoji alone', () => {
  test.each([
    ['👍', 1],
    ['👨‍👩‍👧‍👦 🇩🇪', 2],
    ['❤️❤️❤️', 3],
    ['😀😀😀😀', 0],
    ['👍 ok', 0],
    ['1', 0],
    ['', 0],
  ])('%j counts %i', (text, count) => {
    expect(emojiCount(text)).toBe(count);
  });
});
