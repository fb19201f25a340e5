import { createHash } from 'node:crypto';
import type { Random } from '@fastim/core';

const TOKEN_BYTES = 32;
const tokenShape = /^[A-Za-z0-9_-]{43}$/;

/** An opaque token: 256 random bits, base64url. Only its hash is ever stored. */
export function makeToken(random: Random): string {
  return Buffer.from(random.bytes(TOKEN_BYTES)).toString('base64url');
}

/** SHA-256 of a token, or undefined for text that no token of ours can be: nothing else reaches the store. */
export function hashToken(token: string): Uint8Array | undefined {
  if (!tokenShape.test(token)) return undefined;
  return createHash('sha256').update(token).digest();
}
