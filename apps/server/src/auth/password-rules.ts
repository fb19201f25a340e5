import { FastimError } from '@fastim/protocol';
import { foldText } from '../storage/fold-text.ts';
import { commonPasswords } from './common-passwords.ts';

/** UTF-16 units accepted from outside at all: nothing longer is normalised or hashed. */
export const MAX_RAW_PASSWORD_LENGTH = 1024;
const MIN_PASSWORD = 8;
const MAX_PASSWORD = 256;

/**
 * The form of a password that is hashed: NFKC and one kind of space (RFC 8265 OpaqueString, but with compatibility
 * forms folded, so that a full-width keyboard gives the same password). Undefined: no stored password can have this
 * form; that depends on the text alone, so it tells nothing about any account.
 */
export function preparePassword(raw: string): string | undefined {
  if (raw.length > MAX_RAW_PASSWORD_LENGTH || !raw.isWellFormed()) return undefined;
  const password = raw.normalize('NFKC').replace(/\p{Zs}/gu, ' ');
  const length = [...password].length;
  if (length < MIN_PASSWORD || length > MAX_PASSWORD || /\p{Cc}/u.test(password)) return undefined;
  return password;
}

/** The prepared form of a new password; throws PASSWORD_INVALID with the rule that it breaks. */
export function requireGoodPassword(raw: string, usernameKey: string): string {
  if (raw.length > MAX_RAW_PASSWORD_LENGTH) throw invalid(`A password has at most ${MAX_PASSWORD} characters.`);
  const password = preparePassword(raw);
  if (password === undefined) {
    const length = [...raw.normalize('NFKC')].length;
    if (length < MIN_PASSWORD) throw invalid(`A password has at least ${MIN_PASSWORD} characters.`);
    if (length > MAX_PASSWORD) throw invalid(`A password has at most ${MAX_PASSWORD} characters.`);
    throw invalid('A password has no control characters.');
  }
  const folded = foldText(password);
  if (folded === usernameKey) throw invalid('A password is not the user name.');
  if (commonPasswords.has(folded) || /^(.)\1*$/su.test(folded)) {
    throw invalid('This password is among the first that anybody would try.');
  }
  return password;
}

function invalid(message: string): FastimError {
  return new FastimError('PASSWORD_INVALID', message);
}
