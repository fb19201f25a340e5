/** Which parts of a text were looked for: every word of the query, whatever its case, width or accents. */
export interface Part {
  readonly text: string;
  readonly found: boolean;
}

const contextBefore = 24;
const longest = 180;

function folded(character: string): string {
  return character.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

/** One line round the first hit. */
export function highlight(text: string, query: string): Part[] {
  const words = [...new Set(query.split(/\s+/u).map(folded).filter(Boolean))].sort((a, b) => b.length - a.length);
  // Folding may change lengths: where each folded unit comes from is kept.
  const from: number[] = [];
  let plain = '';
  let at = 0;
  for (const character of text) {
    for (const unit of folded(character)) {
      for (let index = 0; index < unit.length; index++) from.push(at);
      plain += unit;
    }
    at += character.length;
  }
  from.push(text.length);
  const marked: { from: number; to: number }[] = [];
  for (let index = 0; words.length > 0 && index < plain.length; ) {
    const word = words.find((one) => plain.startsWith(one, index));
    if (word) marked.push({ from: from[index]!, to: from[index + word.length]! });
    index += word ? word.length : 1;
  }
  const first = marked[0]?.from ?? 0;
  const start = first <= contextBefore ? 0 : first - contextBefore;
  const end = Math.min(text.length, start + longest);
  const parts: Part[] = [];
  const push = (piece: string, found: boolean): void => {
    if (piece !== '') parts.push({ text: piece, found });
  };
  if (start > 0) push('…', false);
  let done = start;
  for (const { from: begin, to } of marked) {
    if (begin < done || begin >= end) continue;
    push(text.slice(done, begin), false);
    push(text.slice(begin, Math.min(to, end)), true);
    done = Math.min(to, end);
  }
  push(text.slice(done, end), false);
  if (end < text.length) push('…', false);
  return parts;
}
