/**
 * Makes any text harmless to show: what comes out is a list of plain pieces and links, never markup. Long text is
 * clipped, piles of combining marks are cut, and only http, https and mailto become links.
 */
import { LinkifyIt } from 'linkify-it';

export type TextPiece = { kind: 'text'; text: string } | { kind: 'link'; text: string; href: string };

export const clipAt = 4000;
/** The wire allows 16 KiB; nothing longer is ever drawn, whatever the store holds. */
export const drawAtMost = 64 * 1024;

const marks = /(\p{M}{6})\p{M}+/gu;
const bidiControls = /[\u202A-\u202E\u2066-\u2069\u200E\u200F\u061C]/u;

export function cutMarks(text: string): string {
  return text.replace(marks, '$1');
}

/** At most `limit` characters, cut between words where one is near, never inside a character. */
export function clip(text: string, limit: number): { text: string; clipped: boolean } {
  if (text.length <= limit) return { text, clipped: false };
  const space = text.lastIndexOf(' ', limit);
  let end = space > Math.max(0, limit - 40) ? space : limit;
  // Not between the halves of a pair, and not before something that belongs to the character.
  while (end > limit - 64 && /[\uDC00-\uDFFF]|\u200D|\p{M}/u.test(text[end] ?? '')) end--;
  if (text.charCodeAt(end - 1) === 0x200d) end--;
  return { text: text.slice(0, end), clipped: true };
}

export function createLinkFinder(): (text: string) => TextPiece[] {
  const linkify = new LinkifyIt({ fuzzyLink: false, fuzzyEmail: true, fuzzyIP: false, maxLength: 2048 });
  linkify.add('ftp:', null).add('//', null);
  return (text) => {
    const found = linkify.test(text) ? (linkify.match(text) ?? []) : [];
    const pieces: TextPiece[] = [];
    let from = 0;
    for (const match of found) {
      const href = safeHref(match.url);
      if (href === null || bidiControls.test(match.raw)) continue;
      if (match.index > from) pieces.push({ kind: 'text', text: text.slice(from, match.index) });
      pieces.push({ kind: 'link', text: match.raw, href });
      from = match.lastIndex;
    }
    if (from < text.length) pieces.push({ kind: 'text', text: text.slice(from) });
    return pieces;
  };
}

export function safeHref(url: string): string | null {
  try {
    const parsed = new URL(url);
    return parsed.protocol === 'http:' || parsed.protocol === 'https:' || parsed.protocol === 'mailto:'
      ? parsed.href
      : null;
  } catch {
    return null;
  }
}

const oneEmoji = /^\p{RGI_Emoji}$/v;

/** How many emoji the text is made of, when it is one to three and nothing else; otherwise 0. */
export function emojiCount(text: string): number {
  const trimmed = text.trim();
  if (trimmed.length === 0 || trimmed.length > 64) return 0;
  let count = 0;
  for (const { segment } of new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(trimmed)) {
    if (segment === ' ') continue;
    if (!oneEmoji.test(segment) || ++count > 3) return 0;
  }
  return count;
}

/** One line for lists: no line breaks, no piles of marks, not longer than needed. */
export function oneLine(text: string, limit = 200): string {
  return cutMarks(text.slice(0, limit * 4))
    .replace(/\s+/gu, ' ')
    .trim()
    .slice(0, limit);
}
