import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Block, parseBlocks } from './markdown-blocks.ts';
import { type Inline, type Mention, parseInline } from './markdown-inline.ts';
import { createLinkFinder } from './safe-text.ts';

const findLinks = createLinkFinder();
const inline = (text: string, mentions: Mention[] = []) => parseInline(text, findLinks, mentions);

/** As short marks: <b>, <i>, <s>, <c>, <a href>, <@>. */
function marked(nodes: readonly Inline[]): string {
  return nodes
    .map((node) => {
      switch (node.kind) {
        case 'text':
          return node.text;
        case 'code':
          return `<c>${node.text}</c>`;
        case 'link':
          return `<a ${node.href}>${node.text}</a>`;
        case 'mention':
          return `<@${node.me ? '!' : ''}>${node.text}</@>`;
        default:
          return `<${node.kind[0]}>${marked(node.children)}</${node.kind[0]}>`;
      }
    })
    .join('');
}

describe('inside a line', () => {
  test.each([
    ['**bold** and *italic* and ~~gone~~', '<b>bold</b> and <i>italic</i> and <s>gone</s>'],
    ['__name__ and _italic_', '__name__ and <i>italic</i>'],
    ['***both***', '<b><i>both</i></b>'],
    ['**bold _and italic_ inside**', '<b>bold <i>and italic</i> inside</b>'],
    ['这是**重点**内容', '这是<b>重点</b>内容'],
    ['`a *b* c` stays', '<c>a *b* c</c> stays'],
    ['``a ` b``', '<c>a ` b</c>'],
    ['2 * 3 * 4 and 2*3*4', '2 * 3 * 4 and 2*3*4'],
    ['snake_case_name and __init__.py', 'snake_case_name and __init__.py'],
    ['never **closed and `open', 'never **closed and `open'],
    ['*a **b* c**', '<i>a **b</i> c**'],
    ['\\*not italic\\*', '*not italic*'],
    ['** ** and ****', '** ** and ****'],
    ['see https://example.org/a_b_c now', 'see <a https://example.org/a_b_c>https://example.org/a_b_c</a> now'],
    ['**https://example.org/x**', '<b><a https://example.org/x>https://example.org/x</a></b>'],
    ['[the docs](https://example.org/docs)', '<a https://example.org/docs>the docs</a>'],
    ['[click](javascript:alert(1))', '[click](javascript:alert(1))'],
    [
      '[https://bank.example](https://evil.example)',
      '[<a https://bank.example/>https://bank.example</a>](<a https://evil.example/>https://evil.example</a>)',
    ],
    ['<b>x</b> &lt;i&gt;', '<b>x</b> &lt;i&gt;'],
  ])('%j reads %j', (text, expected) => {
    expect(marked(inline(text))).toBe(expected);
  });

  test('a mention is one piece, mine is marked, and a longer word is none', () => {
    const mentions = [
      { text: '@Ann', me: false },
      { text: '@Ann Lee', me: true },
    ];
    expect(marked(inline('hi @Ann Lee, @Ann and @Anna', mentions))).toBe('hi <@!>@Ann Lee</@>, <@>@Ann</@> and @Anna');
    expect(marked(inline('在吗@Ann你好', mentions))).toBe('在吗<@>@Ann</@>你好');
  });
});

describe('blocks', () => {
  const kinds = (text: string) => parseBlocks(text).map((block) => block.kind);

  test('code keeps every character and its language', () => {
    expect(parseBlocks('before\n```ts\nconst a = **1**;\n\n> b\n```\nafter')).toEqual<Block[]>([
      { kind: 'text', text: 'before' },
      { kind: 'code', language: 'ts', text: 'const a = **1**;\n\n> b' },
      { kind: 'text', text: 'after' },
    ]);
    expect(parseBlocks('```one line```')).toEqual([{ kind: 'code', language: '', text: 'one line' }]);
  });

  test('code that never ends is text, unless the end was cut away', () => {
    expect(kinds('```js\nlet a')).toEqual(['text']);
    expect(parseBlocks('```js\nlet a', true)).toEqual([{ kind: 'code', language: 'js', text: 'let a' }]);
  });

  test('quotes and lists', () => {
    expect(parseBlocks('> one\n> two\nthree')).toEqual([
      { kind: 'quote', text: 'one\ntwo' },
      { kind: 'text', text: 'three' },
    ]);
    expect(parseBlocks('- a\n  - b\n1. c')).toEqual([
      {
        kind: 'list',
        items: [
          { number: null, depth: 0, text: 'a' },
          { number: null, depth: 1, text: 'b' },
          { number: 1, depth: 0, text: 'c' },
        ],
      },
    ]);
  });

  test('one numbered line is a sentence, and a dash alone is a dash', () => {
    expect(kinds('2024. That was long ago')).toEqual(['text']);
    expect(kinds('-')).toEqual(['text']);
    expect(kinds('-5 degrees')).toEqual(['text']);
  });
});

describe('any text', () => {
  const piece = fc.oneof(
    fc.constantFrom('*', '**', '_', '__', '~~', '`', '```', '\n', '> ', '- ', '1. ', '[', '](', ')', '\\', '@', ' '),
    fc.constantFrom('https://example.org/', 'javascript:alert(1)', '你好', 'word', '😀', '\u202E'),
    fc.string({ unit: 'binary', maxLength: 5 }),
  );

  test('loses no letter and makes no link but http, https and mailto', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (parts) => {
        const text = parts.join('');
        const nodes = inline(text, [{ text: '@word', me: true }]);
        const letters = (value: string) => value.replace(/[^\p{L}\p{N}]/gu, '');
        const shown: string[] = [];
        const walk = (all: readonly Inline[]): void => {
          for (const node of all) {
            if ('children' in node) walk(node.children);
            else shown.push(node.kind === 'link' && !text.includes(node.text) ? '' : node.text);
            if (node.kind === 'link') expect(node.href).toMatch(/^(https?:|mailto:)/);
          }
        };
        walk(nodes);
        const gone = text.match(/\]\([^)\s]*\)/gu) ?? [];
        if (gone.length === 0) expect(letters(shown.join(''))).toBe(letters(text));
      }),
    );
  });

  test.each([
    ['stars', '*a '.repeat(20_000)],
    ['pairs', '*a* _b_ **c** '.repeat(5_000)],
    ['open brackets', '['.repeat(60_000)],
    ['brackets', '[a]('.repeat(15_000)],
    ['ticks', Array.from({ length: 340 }, (_, index) => '`'.repeat(index + 1)).join(' ')],
    ['fences', '```\n'.repeat(15_001)],
    ['quotes', '>'.repeat(60_000)],
    ['quote lines', '> a\n'.repeat(15_000)],
    ['bullets', '- a\n'.repeat(15_000)],
    ['numbers without a list', '1. a\n\n'.repeat(10_000)],
    ['mentions', '@'.repeat(60_000)],
    ['escapes', '\\*'.repeat(30_000)],
    ['addresses', 'https://a.b/c_d_ '.repeat(3_500)],
    ['mixed', '**_~~`[](> \n'.repeat(5_000)],
  ])('of 60 KB of %s is parsed in no time', (_, text) => {
    const started = performance.now();
    for (const block of parseBlocks(text)) {
      if (block.kind === 'text' || block.kind === 'quote') inline(block.text, [{ text: '@all', me: true }]);
      if (block.kind === 'list') for (const item of block.items) inline(item.text);
    }
    expect(performance.now() - started).toBeLessThan(1500);
  });
});
