import { FastimError } from '@fastim/protocol';
import { foldText } from '../storage/fold-text.ts';

/** UTF-16 units accepted from outside at all, before any normalising. */
export const MAX_RAW_NAME_LENGTH = 256;
const MIN_USERNAME = 2;
const MAX_USERNAME = 32;
const MAX_DISPLAY_NAME = 64;

export interface Username {
  /** NFKC, as the user wrote it otherwise. */
  username: string;
  /** What is unique: two names of one key are the same name. */
  usernameKey: string;
}

/**
 * Scripts that people write together and that do not look alike (UTS 39, "highly restrictive"). Any other mixture, such
 * as Latin with Cyrillic, can imitate a name of one script and is refused.
 */
const scriptsTogether: readonly (readonly string[])[] = [
  ['Latin', 'Han', 'Hiragana', 'Katakana'],
  ['Latin', 'Han', 'Bopomofo'],
  ['Latin', 'Han', 'Hangul'],
];

const scripts: readonly (readonly [name: string, matches: RegExp])[] = [
  'Latin',
  'Han',
  'Hiragana',
  'Katakana',
  'Bopomofo',
  'Hangul',
  'Cyrillic',
  'Greek',
  'Arabic',
  'Hebrew',
  'Thai',
  'Devanagari',
  'Bengali',
  'Tamil',
  'Telugu',
  'Gujarati',
  'Gurmukhi',
  'Kannada',
  'Malayalam',
  'Sinhala',
  'Lao',
  'Khmer',
  'Myanmar',
  'Tibetan',
  'Georgian',
  'Armenian',
  'Ethiopic',
].map((name) => [name, new RegExp(`\\p{Script_Extensions=${name}}`, 'u')]);

/** The user name of a registration; throws NAME_INVALID with the rule that it breaks. */
export function parseUsername(raw: string): Username {
  if (raw.length > MAX_RAW_NAME_LENGTH) throw invalid(`A user name has at most ${MAX_USERNAME} characters.`);
  if (!raw.isWellFormed()) throw invalid('A user name has to be valid Unicode.');
  const username = raw.normalize('NFKC');
  const length = [...username].length;
  if (length < MIN_USERNAME) throw invalid(`A user name has at least ${MIN_USERNAME} characters.`);
  if (length > MAX_USERNAME) throw invalid(`A user name has at most ${MAX_USERNAME} characters.`);
  if (!/^[\p{L}\p{M}0-9._-]+$/u.test(username) || /\p{Default_Ignorable_Code_Point}/u.test(username)) {
    throw invalid('A user name is made of letters, digits, and . _ -');
  }
  if (!/^[\p{L}0-9].*[\p{L}\p{M}0-9]$/su.test(username)) {
    throw invalid('A user name starts and ends with a letter or a digit.');
  }
  if (/\p{M}{3}/u.test(username) || /[._-]\p{M}/u.test(username)) {
    throw invalid('A user name has no loose accents.');
  }
  if (/[._-]{2}/.test(username)) throw invalid('A user name has no two signs in a row.');
  requireOneScript(username);
  return { username, usernameKey: foldText(username) };
}

/** The display name of a registration; throws NAME_INVALID. Emoji and any script are welcome, invisible tricks are not. */
export function parseDisplayName(raw: string): string {
  if (raw.length > MAX_RAW_NAME_LENGTH) throw invalid(`A display name has at most ${MAX_DISPLAY_NAME} characters.`);
  if (!raw.isWellFormed()) throw invalid('A display name has to be valid Unicode.');
  const name = raw.normalize('NFC').trim();
  const length = [...name].length;
  if (length === 0) throw invalid('A display name is not empty.');
  if (length > MAX_DISPLAY_NAME) throw invalid(`A display name has at most ${MAX_DISPLAY_NAME} characters.`);
  if (/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}]/u.test(name)) {
    throw invalid('A display name has no control characters.');
  }
  // Joiners, variation selectors and tags are parts of emoji and of some scripts; every other invisible is a trick.
  if (
    /\p{Default_Ignorable_Code_Point}/u.test(
      name.replace(/\p{Join_Control}|\p{Variation_Selector}|[\u{e0020}-\u{e007f}]/gu, ''),
    )
  ) {
    throw invalid('A display name has no invisible characters.');
  }
  if (/^[\p{Default_Ignorable_Code_Point}\p{White_Space}\p{M}]*$/u.test(name) || /\p{M}{5}/u.test(name)) {
    throw invalid('A display name has to be readable.');
  }
  return name;
}

function requireOneScript(username: string): void {
  let possible: Set<string> | undefined;
  const used = new Set<string>();
  for (const character of username) {
    if (!/\p{L}/u.test(character)) continue;
    const of = scripts.filter(([, matches]) => matches.test(character)).map(([name]) => name);
    if (of.length === 0) {
      throw invalid('A user name is written in a script that this server knows.');
    }
    possible = possible === undefined ? new Set(of) : new Set(of.filter((name) => possible?.has(name)));
    for (const name of of) used.add(name);
  }
  if (possible === undefined || possible.size > 0) return;
  const together = scriptsTogether.some((group) =>
    [...username].every(
      (character) =>
        !/\p{L}/u.test(character) || scripts.some(([name, matches]) => group.includes(name) && matches.test(character)),
    ),
  );
  if (!together) throw invalid('A user name does not mix scripts that look alike.');
}

function invalid(message: string): FastimError {
  return new FastimError('NAME_INVALID', message);
}
