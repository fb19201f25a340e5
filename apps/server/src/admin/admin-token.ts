import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '@fastim/core';

const FILE = 'admin-token';

/** The token in the data folder; undefined: there is none. */
export function readAdminToken(directory: string): string | undefined {
  try {
    return readFileSync(join(directory, FILE), 'utf8').trim() || undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The same, made when there is none; only the owner can read it. Written whole or not at all. */
export function ensureAdminToken(directory: string, random: Random): string {
  const known = readAdminToken(directory);
  if (known !== undefined) return known;
  mkdirSync(directory, { recursive: true });
  const token = Buffer.from(random.bytes(32)).toString('base64url');
  const file = join(directory, FILE);
  const fresh = `${file}.${Buffer.from(random.bytes(6)).toString('hex')}`;
  writeFileSync(fresh, `${token}\n`, { mode: 0o600, flag: 'wx' });
  try {
    rmSync(file, { force: true });
    linkSync(fresh, file);
  } finally {
    rmSync(fresh, { force: true });
  }
  return token;
}

/** What is shown where the operator chose no token of its own: made from the cluster's secret, which itself never travels. */
export function adminTokenOfSecret(secret: string): string {
  return createHmac('sha256', secret).update('fastim admin token').digest('base64url');
}

/** Whether it is the token, in a time that does not say how much of it is right. */
export function isAdminToken(shown: string, token: string): boolean {
  return timingSafeEqual(digest(shown), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
