/** The secret that lets a page use the bridge: 256 random bits, kept so that printed addresses work after a restart. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const format = /^[\w-]{43}$/;

/** Reads the token of this data folder, or makes one; the file is readable by its owner alone in either case. */
export function loadBridgeToken(dataDirectory: string): string {
  const path = join(dataDirectory, 'bridge-token');
  const found = read(path);
  if (found !== undefined && format.test(found)) {
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
    return found;
  }
  const token = randomBytes(32).toString('base64url');
  // Written aside and renamed: a crash leaves the whole token or none.
  const temporary = `${path}.${process.pid}.new`;
  const file = openSync(temporary, 'w', 0o600);
  try {
    writeSync(file, `${token}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  return token;
}

/** In constant time, whatever is offered. */
export function sameToken(offered: string, token: string): boolean {
  return timingSafeEqual(digest(offered), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
