/** Mentions stand in the text as `@name`; whose they are is kept beside it. */

/** What stands for everybody, in both languages: the text shows the word of whoever wrote it. */
export const namesForAll = ['all', '所有人', 'All', 'everyone', '全体成员'] as const;

/** A member, or everybody (`userId` null), as `@name` in a text. */
export interface Named {
  readonly userId: string | null;
  readonly name: string;
}

const latinWord = /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{N}]/u;
const mostMentions = 50;

export interface Place {
  readonly from: number;
  readonly to: number;
  readonly named: Named;
}

/** Where they stand in the text; of two names the longer one. */
export function placesOf(text: string, known: readonly Named[]): Place[] {
  if (known.length === 0) return [];
  const sorted = [...known].sort((a, b) => b.name.length - a.name.length);
  const places: Place[] = [];
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const named = sorted.find(
      ({ name }) => text.startsWith(name, at + 1) && !latinWord.test(text[at + 1 + name.length] ?? ''),
    );
    if (named) places.push({ from: at, to: at + 1 + named.name.length, named });
  }
  return places;
}

export function mentionsIn(text: string, known: readonly Named[]): { mentions: string[]; mentionAll: boolean } {
  const found = placesOf(text, known).map(({ named }) => named.userId);
  return {
    mentions: [...new Set(found.filter((id) => id !== null))].slice(0, mostMentions),
    mentionAll: found.includes(null),
  };
}

/** The mention that ends at the caret, with the space behind it: one key deletes it as one. */
export function mentionBefore(text: string, caret: number, known: readonly Named[]): Place | undefined {
  return placesOf(text, known).findLast(({ to }) => to === caret || (to + 1 === caret && text[to] === ' '));
}

export interface Asked {
  /** Where the @ stands. */
  readonly from: number;
  readonly query: string;
}

const longestQuery = 32;

/** What is being typed after an @ before the caret: a name that is being looked for. Not in an e-mail address. */
export function askedAt(text: string, caret: number, known: readonly Named[]): Asked | null {
  const from = text.lastIndexOf('@', caret - 1);
  if (from < 0 || caret - from > longestQuery) return null;
  if (/[A-Za-z0-9._-]/.test(text[from - 1] ?? '')) return null;
  const query = text.slice(from + 1, caret);
  if (query.includes('\n') || query.startsWith(' ') || /\s.*\s.*\s/.test(query)) return null;
  // That one is chosen already.
  if (placesOf(text, known).some((place) => place.from === from && place.to < caret)) return null;
  return { from, query };
}
