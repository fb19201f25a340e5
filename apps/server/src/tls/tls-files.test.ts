import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@fastim/core/testing';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateFiles, testCa } from '../cluster/inner/testing/test-certificates.ts';
import { TlsFiles, TlsRefusal } from './tls-files.ts';

const ca = testCa('test CA');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fastim-tls-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const NOW = Date.parse('2026-06-01T00:00:00Z');

function open(files: { certFile: string; keyFile: string }, now = NOW) {
  const lines: { level: number; msg: string }[] = [];
  const registry = new Registry();
  const logger = pino({ level: 'trace' }, { write: (line) => lines.push(JSON.parse(line)) });
  const tls = new TlsFiles({ ...files, clock: new ManualClock(now), logger, registry });
  return { tls, lines, registry };
}

describe('the files of a certificate', () => {
  it('are read again on demand; what cannot be used changes nothing', () => {
    const files = certificateFiles(folder, ca.issue('first'));
    const { tls, lines } = open(files);
    const first = tls.context;
    writeFileSync(files.certFile, 'half a certific');
    tls.reload();
    expect(tls.context).toBe(first);
    expect(lines.at(-1)).toMatchObject({ level: 50, msg: expect.stringContaining('was not changed') });
    const next = certificateFiles(folder, ca.issue('second'));
    copyFileSync(next.certFile, files.certFile);
    copyFileSync(next.keyFile, files.keyFile);
    tls.reload();
    expect(tls.context).not.toBe(first);
  });

  it('are named with their key of the configuration when they cannot be used', () => {
    const files = certificateFiles(folder, ca.issue('one'));
    const other = certificateFiles(folder, ca.issue('other'));
    const refused = (certFile: string, keyFile: string) => () => open({ certFile, keyFile });
    expect(refused('/no/such.pem', files.keyFile)).toThrow(TlsRefusal);
    expect(refused('/no/such.pem', files.keyFile)).toThrow(/^tls\.certFile: cannot read \/no\/such\.pem \(ENOENT\)$/);
    expect(refused(files.keyFile, files.keyFile)).toThrow(/^tls\.certFile: .* holds no certificate/);
    expect(refused(files.certFile, files.certFile)).toThrow(/^tls\.keyFile: .* holds no private key/);
    expect(refused(files.certFile, other.keyFile)).toThrow(/^tls\.keyFile: .* is not the key of the certificate/);
  });

  it('say when the certificate ends, in time', async () => {
    const files = certificateFiles(folder, ca.issue('one'));
    const end = Date.parse('2049-12-31T23:59:59Z');
    const { registry, lines } = open(files);
    expect(await registry.metrics()).toContain(`fastim_tls_certificate_expires_seconds ${end / 1_000}`);
    expect(lines).toEqual([]);
    expect(open(files, end - 7 * 24 * 3_600_000).lines).toMatchObject([
      { level: 40, msg: expect.stringContaining('expires soon') },
    ]);
    expect(open(files, end).lines).toMatchObject([{ level: 50, msg: expect.stringContaining('has expired') }]);
  });
});
