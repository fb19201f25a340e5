import { MAX_EMOJI } from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { isEmoji } from './check-emoji.ts';

describe('isEmoji', () => {
  it.each([
    ['a thumb', '👍'],
    ['a thumb with a skin tone', '👍🏽'],
    ['a heart with its selector', '❤️'],
    ['a heart without it', '❤'],
    ['a family', '👩‍👩‍👧‍👦'],
    ['a kiss with skin tones', '👩🏽‍❤️‍💋‍👨🏿'],
    ['a flag', '🇩🇪'],
    ['the flag of Scotland', '🏴󠁧󠁢󠁳󠁣󠁴󠁿'],
    ['a keycap', '1️⃣'],
    ['a sign', '✓'],
    ['a mathematical sign', '∞'],
    ['a currency', '€'],
  ])('takes %s', (_name, text) => {
    expect(isEmoji(text)).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['a letter', 'a'],
    ['a digit', '1'],
    ['a word', 'ok'],
    ['Chinese', '赞'],
    ['two emoji', '👍👍'],
    ['an emoji and a letter', '👍a'],
    ['an emoji and a space', '👍 '],
    ['a space', ' '],
    ['a line end', '\n'],
    ['a NUL', '\0'],
    ['a joiner alone', '\u200d'],
    ['an emoji with a joiner behind it', '👍\u200d'],
    ['a selector alone', '\ufe0f'],
    ['a skin tone behind a letter', 'a🏽'],
    ['turning text round', '\u202e👍'],
    ['markup', '<b>'],
    ['the start of markup', '<'],
    ['an ASCII sign', '+'],
    ['half a surrogate pair', '\ud83d'],
    ['a long row of joined emoji', Array.from({ length: 20 }, () => '👩').join('\u200d')],
    ['far too much', '👍'.repeat(1_000)],
  ])('refuses %s', (_name, text) => {
    expect(isEmoji(text)).toBe(false);
  });

  it('never takes more than it may', () => {
    const joined = (count: number): string => Array.from({ length: count }, () => '👩').join('\u200d');
    expect(joined(11)).toHaveLength(MAX_EMOJI);
    expect(isEmoji(joined(11))).toBe(true);
    expect(isEmoji(joined(12))).toBe(false);
  });
});
