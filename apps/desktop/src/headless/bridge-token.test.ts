import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadBridgeToken, sameToken } from './bridge-token.ts';

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'fastim-token-'));
});
afterEach(() => {
  rmSync(data, { recursive: true, force: true });
});

const mode = (name: string) => statSync(join(data, name)).mode & 0o777;

describe('the bridge token', () => {
  it('has 256 bits, is the owner’s alone, and is the same after a restart', () => {
    const token = loadBridgeToken(data);
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(mode('bridge-token')).toBe(0o600);
    expect(loadBridgeToken(data)).toBe(token);
    expect(readdirSync(data)).toEqual(['bridge-token']);
  });

  it('differs from folder to folder', () => {
    const other = mkdtempSync(join(tmpdir(), 'fastim-token-'));
    expect(loadBridgeToken(other)).not.toBe(loadBridgeToken(data));
    rmSync(other, { recursive: true });
  });

  it.each(['', 'short', 'x'.repeat(44), `${'x'.repeat(42)}!`, '\0'.repeat(43)])(
    'replaces a damaged one (%j): an empty token would let everybody in',
    (text) => {
      writeFileSync(join(data, 'bridge-token'), text);
      const token = loadBridgeToken(data);
      expect(token).toMatch(/^[\w-]{43}$/);
      expect(readFileSync(join(data, 'bridge-token'), 'utf8').trim()).toBe(token);
      expect(mode('bridge-token')).toBe(0o600);
    },
  );

  it('takes the rights of others away', () => {
    loadBridgeToken(data);
    chmodSync(join(data, 'bridge-token'), 0o644);
    loadBridgeToken(data);
    expect(mode('bridge-token')).toBe(0o600);
  });

  it('matches itself alone, at any length', () => {
    const token = loadBridgeToken(data);
    expect(sameToken(token, token)).toBe(true);
    for (const other of ['', token.slice(1), `${token}x`, token.toUpperCase(), 'x'.repeat(1e5)]) {
      expect(sameToken(other, token)).toBe(false);
    }
  });
});
