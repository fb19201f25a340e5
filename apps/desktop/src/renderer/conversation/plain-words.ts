import { parseBlocks } from './markdown-blocks.ts';
import { type Inline, parseInline } from './markdown-inline.ts';
import { oneLine } from './safe-text.ts';

/** A text as one line without its marks: for quotes, search hits and what a screen reader says. */
export function plainWords(text: string, limit = 200): string {
  return oneLine(
    parseBlocks(text.slice(0, limit * 4), true)
      .map((block) => {
        switch (block.kind) {
          case 'code':
            return block.text;
          case 'list':
            return block.items
              .map((item) => `${item.number === null ? '•' : `${item.number}.`} ${plain(item.text)}`)
              .join(' ');
          default:
            return plain(block.text);
        }
      })
      .join(' '),
    limit,
  );
}

function plain(text: string): string {
  return wordsOf(parseInline(text, (all) => [{ kind: 'text', text: all }]));
}

function wordsOf(nodes: readonly Inline[]): string {
  return nodes.map((node) => ('children' in node ? wordsOf(node.children) : node.text)).join('');
}
