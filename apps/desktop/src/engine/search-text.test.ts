import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { searchPhrases, searchWords } from './search-text.ts';

describe('the words of a text', () => {
  it.each([
    ['Hello, Wörld! foo_bar 1.5', ['hello', 'world', 'foo', 'bar', '1', '5']],
    ['明天3点 meeting', ['明', '天', '3', '点', 'meeting']],
    ['ＡＢＣ ﬁne ㎏ ½', ['abc', 'fine', 'kg', '1', '2']],
    ['がぎ カナー', ['が', 'ぎ', 'カ', 'ナ', 'ー']],
    ['가나 ไทย', ['가', '나', 'ไ', 'ท', 'ย']],
    ['Привет Ελλάδα ΕΛΛΑΣ İstanbul', ['привет', 'ελλαδα', 'ελλασ', 'istanbul']],
    ['ok👍🏽🎉 👨‍👩‍👧', ['ok', '👍', '🎉', '👨', '👩', '👧']],
    ['𠮷野家', ['𠮷', '野', '家']],
    ['مُحَمَّد', ['محمد']],
    ['。，！ -- "" \u0000 \ud800', []],
  ])('%s', (text, words) => {
    expect(searchWords(text)).toEqual(words);
  });

  it('are bounded, and cut between characters', () => {
    expect(searchWords('x'.repeat(10_000))).toEqual(['x'.repeat(64)]);
    expect(searchWords(`${'x'.repeat(63)}𝒳𝒳`)[0]?.isWellFormed()).toBe(true);
  });

  it('of what they were made to are the same words, and hold nothing that an index would take for its own', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const words = searchWords(text);
        expect(searchWords(words.join(' '))).toEqual(words);
        for (const word of words) expect(word).toMatch(/^[^\s"'*():^{}\-+\0]+$/);
      }),
    );
  });
});

describe('the phrases of a query', () => {
  it('are the words between spaces, in their order; the last may go on', () => {
    expect(searchPhrases('  退回请 foo-bar  hel ')).toEqual([
      { words: ['退', '回', '请'], prefix: false },
      { words: ['foo', 'bar'], prefix: false },
      { words: ['hel'], prefix: true },
    ]);
  });

  it('are none for nothing, and an empty list for what no text can hold', () => {
    expect(searchPhrases(' \t\u3000')).toBeNull();
    expect(searchPhrases('!! ""')).toEqual([]);
  });
});
