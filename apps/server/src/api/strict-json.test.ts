import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStrictJson } from './strict-json.ts';

const parse = (text: string) => parseStrictJson(Buffer.from(text));

/** What JSON.parse makes of it, or 'refused'. */
function outcome(call: () => unknown): unknown {
  try {
    return { value: call() };
  } catch {
    return 'refused';
  }
}

describe('strict JSON', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5, noUnicodeString: false }), (text) => {
        fc.pre(!/\\u0000|\\ud[89a-f]|"(?:__proto__|constructor|prototype)"|e[+]?\d|\d{16}/i.test(text));
        expect(parse(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('refuses whatever JSON.parse refuses, and never throws anything but its own refusal', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      '\\',
      'a',
      '1',
      '-',
      '.',
      'e',
      'true',
      ' ',
      '\n',
      'é',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        const expected = outcome(() => JSON.parse(text));
        if (expected === 'refused')
          expect(() => parse(text)).toThrow(expect.objectContaining({ reason: 'BAD_REQUEST' }));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['nesting of 10 000', `${'['.repeat(10_000)}${']'.repeat(10_000)}`],
    ['objects nested 10 000 deep', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
    ['an endless opening', '['.repeat(60_000)],
    ['a prototype key', '{"__proto__": {"admin": true}}'],
    ['an escaped prototype key', '{"__pr\\u006fto__": 1}'],
    ['a constructor key', '{"constructor": {"prototype": {}}}'],
    ['a key twice', '{"a": 1, "a": 2}'],
    ['a key twice, once escaped', '{"a": 1, "\\u0061": 2}'],
    ['a number past 2^53', '{"id": 9007199254740993}'],
    ['a number past a double', '1e400'],
    ['NaN', 'NaN'],
    ['NUL in a string', '{"a": "x\\u0000y"}'],
    ['NUL as it is', '{"a": "x\0y"}'],
    ['half an emoji', '"\\ud83d"'],
    ['a line break in a string', '"a\nb"'],
    ['two values', '{} {}'],
    ['a comma at the end', '[1,]'],
    ['a comment', '{} // x'],
    ['single quotes', "{'a': 1}"],
    ['a leading zero', '01'],
    ['an open string', '"abc'],
    ['an open string that ends in a backslash', '"abc\\'],
    ['nothing', ''],
    ['a byte order mark', '\ufeff{}'],
  ])('refuses %s', (_what, text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ reason: 'BAD_REQUEST' }));
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => parseStrictJson(Uint8Array.of(0x22, 0xff, 0x22))).toThrow('UTF-8');
    expect(() => parseStrictJson(Uint8Array.of(0x22, 0xc0, 0x80, 0x22))).toThrow('UTF-8');
  });

  it('takes time in proportion to the length', () => {
    const started = performance.now();
    expect((parse(`"${'\\n'.repeat(30_000)}"`) as string).length).toBe(30_000);
    expect(parse(`[${'1,'.repeat(30_000)}1]`)).toHaveLength(30_001);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
