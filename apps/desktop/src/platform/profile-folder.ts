import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const RESERVED = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])$/;
const MAX_LENGTH = 80;

/**
 * A folder name that is safe on every file system, different for different profile names: lower-case letters, digits,
 * '-' and '_' stand for themselves, every other byte of the UTF-8 becomes =hh. Long names end in a hash.
 */
export function profileFolderName(profile: string): string {
  const name = profile.normalize('NFC').toWellFormed();
  let safe = '';
  for (const byte of Buffer.from(name === '' ? 'default' : name, 'utf8')) {
    const character = String.fromCharCode(byte);
    safe += /[a-z0-9_-]/.test(character) ? character : escaped(byte);
  }
  if (RESERVED.test(safe)) safe = escaped(safe.charCodeAt(0)) + safe.slice(1);
  if (safe.length <= MAX_LENGTH) return safe;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 24);
  // '=h' is no escape, so no short name can look like this one.
  return `${safe.slice(0, MAX_LENGTH - 26)}=h${hash}`;
}

/** The profile's own folder, made if need be, closed to other users of the machine: it holds tokens and messages. */
export function openProfileFolder(directory: string, profile: string): string {
  const folder = join(directory, profileFolderName(profile));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  return folder;
}

function escaped(byte: number): string {
  return `=${byte.toString(16).padStart(2, '0')}`;
}
