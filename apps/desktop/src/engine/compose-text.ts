import { FastimError, MAX_MENTIONS, MAX_TEXT_LENGTH } from '@fastim/protocol';
import { wireId } from './wire-values.ts';

/** What a user wrote, as it can be sent. */
export interface Words {
  readonly text: string;
  readonly mentions: readonly string[];
  readonly mentionAll: boolean;
}

/** Throws MESSAGE_INVALID, MESSAGE_TOO_LONG, TOO_MANY, or NOT_FOUND for a mention that is no id. */
export function checkedWords(text: string, mentions: readonly string[] = [], mentionAll = false): Words {
  const wellFormed = text.toWellFormed();
  if (wellFormed.trim() === '') throw new FastimError('MESSAGE_INVALID', 'the message is empty');
  if (utf8Length(wellFormed) > MAX_TEXT_LENGTH) throw new FastimError('MESSAGE_TOO_LONG');
  const unique = [...new Set(mentions)];
  if (unique.length > MAX_MENTIONS) throw new FastimError('TOO_MANY', 'too many people are mentioned');
  for (const userId of unique) wireId(userId);
  return { text: wellFormed, mentions: unique, mentionAll };
}

function utf8Length(text: string): number {
  let length = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) length += 1;
    else if (unit < 0x800) length += 2;
    // Half of a pair that is four bytes together.
    else if (unit >= 0xd800 && unit <= 0xdfff) length += 2;
    else length += 3;
  }
  return length;
}
