import { FastimError } from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { foldText } from '../storage/fold-text.ts';
import { parseDisplayName, parseUsername } from './username.ts';

function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof FastimError) return error.reason;
    throw error;
  }
  return 'accepted';
}

describe('user names', () => {
  it.each([
    ['alice', 'alice', 'alice'],
    ['Alice.B-2', 'Alice.B-2', 'alice.b-2'],
    ['ＡＬＩＣＥ', 'ALICE', 'alice'],
    ['Straße', 'Straße', 'strasse'],
    ['小明', '小明', '小明'],
    ['小明Tom', '小明Tom', '小明tom'],
    ['さくらサクラ桜', 'さくらサクラ桜', 'さくらサクラ桜'],
    ['Иван', 'Иван', 'иван'],
    ['नमस्ते', 'नमस्ते', 'नमस्ते'],
    ['e\u0301va', 'éva', 'éva'],
    ['12', '12', '12'],
  ])('takes %s', (raw, username, usernameKey) => {
    expect(parseUsername(raw)).toEqual({ username, usernameKey });
  });

  it.each([
    ['nothing', ''],
    ['one character', 'a'],
    ['33 characters', 'a'.repeat(33)],
    ['a megabyte', 'a'.repeat(1_000_000)],
    ['NUL', 'ali\0ce'],
    ['a line break', 'ali\nce'],
    ['a space', 'ali ce'],
    ['an ideographic space', 'ali\u3000ce'],
    ['an emoji', 'alice😀'],
    ['half an emoji', 'alice\ud83d'],
    ['a zero-width space', 'ali\u200bce'],
    ['a zero-width joiner', 'ali\u200dce'],
    ['an invisible filler', 'ali\u3164ce'],
    ['a change of direction', 'ali\u202ece'],
    ['Cyrillic а in Latin', 'аlice'],
    ['Greek ο in Latin', 'bοb'],
    ['Cyrillic in Greek', 'αβгд'],
    ['a sign at the start', '.alice'],
    ['a sign at the end', 'alice-'],
    ['two signs', 'ali..ce'],
    ['a loose accent at the start', '\u0301alice'],
    ['a pile of accents', `a${'\u0334'.repeat(3)}lice`],
    ['SQL', "alice' OR '1'='1"],
    ['LDAP', 'alice)(uid=*'],
    ['a path', '../alice'],
    ['Arabic digits', 'alice٣'],
  ])('refuses %s', (_what, raw) => {
    expect(refusal(() => parseUsername(raw))).toBe('NAME_INVALID');
  });

  it.each([
    ['alice', 'ALICE'],
    ['alice', 'ａｌｉｃｅ'],
    ['strasse', 'STRAẞE'],
    ['ﬁona', 'fiona'],
    ['éva', 'E\u0301VA'],
    ['kelvin', '\u212Aelvin'],
    ['οδός', 'ΟΔΌΣ'],
  ])('counts %s and %s as the same name', (one, other) => {
    expect(foldText(one)).toBe(foldText(other));
    expect(foldText(foldText(one))).toBe(foldText(one));
  });
});

describe('folding', () => {
  it('does not see the case of any letter, and folding twice changes nothing', () => {
    for (let code = 0; code < 0x20000; code += 1) {
      const letter = String.fromCodePoint(code);
      if (!/\p{L}/u.test(letter)) continue;
      const folded = foldText(letter);
      const forms = [foldText(letter.toUpperCase()), foldText(letter.toLowerCase()), foldText(folded)];
      if (forms.some((form) => form !== folded)) throw new Error(`U+${code.toString(16)} folds in more than one way`);
    }
    expect(foldText('İ')).toBe(foldText(foldText('İ')));
  });
});

describe('display names', () => {
  it.each(['Alice B.', '小明 🎉', '👨‍👩‍👧 family', '🏴󠁧󠁢󠁳󠁣󠁴󠁿', 'محمد', 'Robert"); DROP TABLE users;--', '<b>x</b>'])(
    'takes %s as it is',
    (name) => {
      expect(parseDisplayName(name)).toBe(name);
    },
  );

  it('trims and composes', () => {
    expect(parseDisplayName('  Eva e\u0301 ')).toBe('Eva é');
  });

  it.each([
    ['nothing', '   '],
    ['65 characters', 'a'.repeat(65)],
    ['NUL', 'a\0b'],
    ['a line break', 'a\nb'],
    ['a change of direction', 'a\u202eb'],
    ['an isolate', 'a\u2066b'],
    ['a zero-width space', 'a\u200bb'],
    ['only joiners', '\u200d\u200d'],
    ['half an emoji', 'a\ud83d'],
    ['a million accents', `a${'\u0334'.repeat(1_000_000)}`],
    ['a pile of accents', `a${'\u0334'.repeat(9)}`],
  ])('refuses %s', (_what, raw) => {
    expect(refusal(() => parseDisplayName(raw))).toBe('NAME_INVALID');
  });
});
