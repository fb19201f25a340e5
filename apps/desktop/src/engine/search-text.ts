/**
 * Words as the full-text search knows them. Scripts without spaces between words (Chinese, Japanese, Korean, Thai and
 * their neighbours) count each character as a word, so that they are found from one character on, wherever it stands;
 * so do emoji. Case, accents and full-width forms do not matter.
 */
export function searchWords(text: string): string[] {
  const plain = isAscii(text) ? text.toLowerCase() : folded(text);
  return (plain.match(WORD) ?? []).map((word) =>
    word.length > MAX_WORD ? word.slice(0, MAX_WORD).toWellFormed() : word,
  );
}

/** A group of words that have to follow one another. */
export interface SearchPhrase {
  readonly words: readonly string[];
  /** The last of the words may go on: it is being typed. */
  readonly prefix: boolean;
}

/**
 * What a text has to hold to be found: every phrase, anywhere. null: there is nothing to search for in the query (only
 * spaces); an empty list: there is something, but no text can hold it (only punctuation).
 */
export function searchPhrases(query: string): SearchPhrase[] | null {
  if (query.trim() === '') return null;
  const phrases = query
    .split(/\s+/u)
    .map((part) => searchWords(part))
    .filter((words) => words.length > 0)
    .map((words) => ({ words, prefix: false }));
  return phrases.map((phrase, index) => ({ ...phrase, prefix: index === phrases.length - 1 }));
}

/** Scripts written without spaces, as fixed ranges: what is stored in an index must not change with the platform. */
const SINGLE = [
  '\\u0e00-\\u0eff', // Thai, Lao
  '\\u1000-\\u109f\\u1780-\\u17ff', // Myanmar, Khmer
  '\\u1100-\\u11ff\\u3130-\\u318f\\ua960-\\ua97f\\uac00-\\ud7ff', // Korean
  '\\u2e80-\\u2fdf\\u3005-\\u3007\\u3021-\\u3029\\u3038-\\u303b\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff', // Han
  '\\u3040-\\u30ff\\u31f0-\\u31ff', // Japanese
  '\\u{17000}-\\u{18dff}\\u{1b000}-\\u{1b2ff}\\u{20000}-\\u{3ffff}',
].join('');
/** Without the skin tones, so that an emoji is found in any of them. */
const EMOJI = '\\u2600-\\u27bf\\u{1f000}-\\u{1f3fa}\\u{1f400}-\\u{1faff}';
const WORD = new RegExp(`[${SINGLE}]\\p{M}*|[${EMOJI}]|(?:(?![${SINGLE}${EMOJI}])[\\p{L}\\p{N}\\p{M}\\p{Co}])+`, 'gu');
/** UTF-16 units; of longer ones only the beginning counts. */
const MAX_WORD = 64;
/** Accents of Latin, Greek and Cyrillic, and the vowel signs of Hebrew and Arabic: they are left out by many. */
const ACCENTS = /[\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0670]/g;

function folded(text: string): string {
  const plain = text.toWellFormed().normalize('NFKD').toLowerCase().replace(ACCENTS, '').normalize('NFC');
  // Which of the two it is depends on what follows, and a word that is being typed ends anywhere.
  return plain.replaceAll('ς', 'σ');
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 127) return false;
  return true;
}
