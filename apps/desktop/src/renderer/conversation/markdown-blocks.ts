/**
 * The blocks of a message: code, quotes, lists, and text between them. Every line is looked at once, so a hostile text
 * costs no more than a long one. Whatever is not clearly a block stays text as it was typed.
 */
export type Block =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'quote'; readonly text: string }
  | { readonly kind: 'code'; readonly language: string; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly ListItem[] };

export interface ListItem {
  /** As typed; null: a bullet. */
  readonly number: number | null;
  /** 0 to 3. */
  readonly depth: number;
  readonly text: string;
}

const fence = /^ {0,3}```([\w+#.-]{0,24})[ \t]*$/u;
const oneLineFence = /^ {0,3}```([^`]+)```[ \t]*$/u;
const quote = /^ {0,3}>[ \t]?(.*)$/u;
const bullet = /^( {0,12})[-*+•] +(\S.*)$/u;
const numbered = /^( {0,12})(\d{1,6})[.)] +(\S.*)$/u;
/** A single "2024. was" is a sentence: numbers make a list from two on. */
const leastNumbered = 2;
const deepest = 3;

/** `cut`: the text goes on beyond what is shown, so a code block may have lost its end. */
export function parseBlocks(text: string, cut = false): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  let plain: string[] = [];
  // No closing fence stands after this line.
  let noFenceAfter = lines.length;

  const endPlain = (): void => {
    while (plain.length > 0 && plain[0]!.trim() === '') plain.shift();
    while (plain.length > 0 && plain.at(-1)!.trim() === '') plain.pop();
    if (plain.length > 0) blocks.push({ kind: 'text', text: plain.join('\n') });
    plain = [];
  };

  let index = 0;
  while (index < lines.length) {
    const line = lines[index]!;
    const opened = fence.exec(line);
    if (opened && index < noFenceAfter) {
      let end = index + 1;
      while (end < lines.length && !/^ {0,3}```[ \t]*$/u.test(lines[end]!)) end++;
      if (end < lines.length || cut) {
        endPlain();
        blocks.push({ kind: 'code', language: opened[1] ?? '', text: lines.slice(index + 1, end).join('\n') });
        index = end + 1;
        continue;
      }
      noFenceAfter = index;
    }
    const single = oneLineFence.exec(line);
    if (single) {
      endPlain();
      blocks.push({ kind: 'code', language: '', text: single[1]! });
      index++;
      continue;
    }
    if (quote.test(line)) {
      endPlain();
      const quoted: string[] = [];
      for (let match = quote.exec(line); match; match = quote.exec(lines[index] ?? '')) {
        quoted.push(match[1]!);
        index++;
        if (index >= lines.length) break;
      }
      blocks.push({ kind: 'quote', text: quoted.join('\n') });
      continue;
    }
    const items = listFrom(lines, index);
    if (items.length > 0) {
      endPlain();
      blocks.push({ kind: 'list', items });
      index += items.length;
      continue;
    }
    plain.push(line);
    index++;
  }
  endPlain();
  return blocks;
}

/** The items that begin at this line; none when it is no list. */
function listFrom(lines: readonly string[], from: number): ListItem[] {
  const items: ListItem[] = [];
  for (let index = from; index < lines.length; index++) {
    const item = itemOf(lines[index]!);
    if (!item) break;
    items.push(item);
  }
  const isList = items.length >= leastNumbered || items.some(({ number }) => number === null);
  return isList ? items : [];
}

function itemOf(line: string): ListItem | null {
  const dot = bullet.exec(line);
  if (dot) return { number: null, depth: depthOf(dot[1]!), text: dot[2]! };
  const count = numbered.exec(line);
  return count ? { number: Number(count[2]), depth: depthOf(count[1]!), text: count[3]! } : null;
}

function depthOf(indent: string): number {
  return Math.min(deepest, Math.floor(indent.length / 2));
}
