/**
 * What stands inside a line: bold, italic, strike, code, links, mentions. One pass; each kind of emphasis is open at most
 * once, so there is no nesting to explode, and what never closes stays as typed. Nothing is ever read as HTML.
 */
import type { TextPiece } from './safe-text.ts';
import { safeHref } from './safe-text.ts';

export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly href: string }
  | { readonly kind: 'mention'; readonly text: string; readonly me: boolean }
  | { readonly kind: Emphasis; readonly children: readonly Inline[] };

export type Emphasis = 'bold' | 'italic' | 'strike';

/** A name as it stands in the text, with its @. */
export interface Mention {
  readonly text: string;
  readonly me: boolean;
}

/** Emphasis that has begun, with what stands inside so far; the outermost one is the text itself. */
interface Frame {
  readonly mark: string;
  readonly kind: Emphasis | null;
  readonly nodes: Inline[];
}

const marks: readonly (readonly [string, Emphasis])[] = [
  ['**', 'bold'],
  ['~~', 'strike'],
  ['*', 'italic'],
  ['_', 'italic'],
];
const escapable = /[\\`*_~[\]()>#+\-.!|]/u;
const wordCharacter = /[\p{L}\p{N}]/u;
const latinWord = /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{N}]/u;
const longestLabel = 500;
const longestUrl = 2048;

export function parseInline(
  text: string,
  findLinks: (text: string) => TextPiece[],
  mentions: readonly Mention[] = [],
): Inline[] {
  const named = [...mentions].sort((a, b) => b.text.length - a.text.length);
  const links = linksIn(text, findLinks);
  const frames: Frame[] = [{ mark: '', kind: null, nodes: [] }];
  let plain = '';
  let nextBracket = 0;
  // Lengths of backtick runs that have no partner further on.
  const noCode = new Set<number>();

  const endPlain = (): void => {
    if (plain !== '') frames.at(-1)!.nodes.push({ kind: 'text', text: plain });
    plain = '';
  };
  const push = (node: Inline): void => {
    endPlain();
    frames.at(-1)!.nodes.push(node);
  };
  /** What was opened inside never closed: it stays as typed. */
  const unwind = (depth: number): void => {
    while (frames.length > depth) {
      endPlain();
      const { mark, nodes } = frames.pop()!;
      const outer = frames.at(-1)!.nodes;
      outer.push({ kind: 'text', text: mark });
      for (const node of nodes) outer.push(node);
    }
  };

  let index = 0;
  while (index < text.length) {
    const character = text[index]!;
    const link = links.get(index);
    if (link) {
      // Emphasis round an address: its closing marks are no part of the address.
      const tail = /[*_~]+$/u.exec(link.text)?.[0] ?? '';
      const trimmed = tail !== '' && frames.length > 1 ? link.text.slice(0, -tail.length) : link.text;
      const href = trimmed === link.text ? link.href : safeHref(link.href.slice(0, -tail.length));
      if (href !== null) {
        push({ kind: 'link', text: trimmed, href });
        index += trimmed.length;
        continue;
      }
    }
    if (character === '\\' && escapable.test(text[index + 1] ?? '')) {
      plain += text[index + 1];
      index += 2;
      continue;
    }
    if (character === '`') {
      let run = 1;
      while (text[index + run] === '`') run++;
      const end = noCode.has(run) ? -1 : closingTicks(text, index + run, run);
      if (end < 0) {
        noCode.add(run);
        plain += '`'.repeat(run);
        index += run;
        continue;
      }
      push({ kind: 'code', text: codeText(text.slice(index + run, end)) });
      index = end + run;
      continue;
    }
    if (character === '@') {
      const mention = named.find(
        (one) => text.startsWith(one.text, index) && !latinWord.test(text[index + one.text.length] ?? ''),
      );
      if (mention) {
        push({ kind: 'mention', ...mention });
        index += mention.text.length;
        continue;
      }
    }
    if (character === '[') {
      if (nextBracket >= 0 && nextBracket <= index) nextBracket = text.indexOf('](', index);
      const found = nextBracket < 0 ? null : labelled(text, index, nextBracket);
      if (found) {
        push({ kind: 'link', text: found.label, href: found.href });
        index = found.end;
        continue;
      }
    }
    const sign = signAt(text, index, frames.at(-1)!.mark);
    if (sign) {
      const [mark, kind] = sign;
      const before = text[index - 1] ?? ' ';
      const after = text[index + mark.length] ?? ' ';
      const at = frames.findIndex((frame) => frame.mark === mark);
      if (at >= 0 && closes(mark, before, after)) {
        unwind(at + 1);
        endPlain();
        const { nodes } = frames.pop()!;
        push(nodes.length > 0 ? { kind, children: joined(nodes) } : { kind: 'text', text: mark + mark });
      } else if (at < 0 && opens(mark, before, after)) {
        endPlain();
        frames.push({ mark, kind, nodes: [] });
      } else {
        plain += mark;
      }
      index += mark.length;
      continue;
    }
    plain += character;
    index++;
  }
  unwind(1);
  endPlain();
  return joined(frames[0]!.nodes);
}

/** The mark that stands there. Of three in a row the inner one ends first. */
function signAt(text: string, index: number, innermost: string): readonly [string, Emphasis] | undefined {
  if (!'*_~'.includes(text[index]!)) return undefined;
  const inner = text[index]!.repeat(3);
  if (innermost.length === 1 && text.startsWith(inner, index)) {
    const one = marks.find(([sign]) => sign === innermost);
    if (one && text[index] === innermost) return one;
  }
  // __init__ is a name.
  if (text[index] === '_' && (text[index - 1] === '_' || text[index + 1] === '_')) return undefined;
  return marks.find(([sign]) => text.startsWith(sign, index));
}

function opens(sign: string, before: string, after: string): boolean {
  if (/\s/u.test(after)) return false;
  // snake_case and __init__ are no emphasis, nor is 2*3; inside Chinese words a star is.
  return sign[0] === '_' ? !wordCharacter.test(before) : !latinWord.test(before);
}

function closes(sign: string, before: string, after: string): boolean {
  if (/\s/u.test(before)) return false;
  return sign[0] !== '_' || !wordCharacter.test(after);
}

function linksIn(text: string, findLinks: (text: string) => TextPiece[]): Map<number, { text: string; href: string }> {
  const found = new Map<number, { text: string; href: string }>();
  let from = 0;
  for (const piece of findLinks(text)) {
    if (piece.kind === 'link') found.set(from, piece);
    from += piece.text.length;
  }
  return found;
}

function closingTicks(text: string, from: number, run: number): number {
  const ticks = '`'.repeat(run);
  for (let at = text.indexOf(ticks, from); at >= 0; at = text.indexOf(ticks, at)) {
    let length = run;
    while (text[at + length] === '`') length++;
    if (length === run) return at;
    at += length;
  }
  return -1;
}

function codeText(text: string): string {
  return text.startsWith(' ') && text.endsWith(' ') && text.trim() !== '' ? text.slice(1, -1) : text;
}

/** `[words](https://…)`: only where the words do not pretend to be another address. */
function labelled(text: string, from: number, close: number): { label: string; href: string; end: number } | null {
  if (close - from > longestLabel) return null;
  const label = text.slice(from + 1, close);
  if (label.trim() === '' || label.includes('[') || label.includes('\n')) return null;
  const end = text.slice(close + 2, close + 2 + longestUrl).search(/[)\s]/u);
  if (end <= 0 || text[close + 2 + end] !== ')') return null;
  const href = safeHref(text.slice(close + 2, close + 2 + end));
  if (href === null || pretends(label, href)) return null;
  return { label, href, end: close + 2 + end + 1 };
}

function pretends(label: string, href: string): boolean {
  const address = /(?:https?:\/\/)?((?:[\w-]+\.)+[a-z]{2,})/iu.exec(label)?.[1];
  return address !== undefined && !href.toLowerCase().includes(address.toLowerCase());
}

/** Neighbouring texts become one. */
function joined(nodes: readonly Inline[]): Inline[] {
  const result: Inline[] = [];
  for (const node of nodes) {
    const last = result.at(-1);
    if (node.kind === 'text' && last?.kind === 'text') {
      result[result.length - 1] = { kind: 'text', text: last.text + node.text };
    } else {
      result.push(node);
    }
  }
  return result;
}
