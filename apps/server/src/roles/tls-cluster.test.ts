import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateFiles, testCa } from '../cluster/inner/testing/test-certificates.ts';
import { type LocalCluster, startLocalCluster } from '../local-cluster/local-cluster.ts';
import { missingStores } from '../local-cluster/testing/missing-stores.ts';
import { chatFromElsewhere } from './testing/chat-from-elsewhere.ts';

const missing = await missingStores();
const TEST_MS = 120_000;
const ca = testCa('test CA');

let directory: string;
let caFile: string;
let cluster: LocalCluster;

beforeAll(async () => {
  if (missing) return;
  directory = mkdtempSync(join(tmpdir(), 'fastim-tls-cluster-'));
  const files = certificateFiles(directory, ca.issue('localhost'), ca);
  caFile = files.caFile;
  cluster = await startLocalCluster({
    directory,
    lsbs: 1,
    gates: 1,
    apis: 1,
    logics: 2,
    environment: () => ({
      NODE_EXTRA_CA_CERTS: caFile,
      FASTIM_TLS_CERT_FILE: files.certFile,
      FASTIM_TLS_KEY_FILE: files.keyFile,
      FASTIM_CLUSTER_TLS_CERT_FILE: files.certFile,
      FASTIM_CLUSTER_TLS_KEY_FILE: files.keyFile,
      FASTIM_CLUSTER_TLS_CA_FILE: caFile,
    }),
  });
}, TEST_MS);
afterAll(async () => {
  await cluster?.stop();
  if (directory) rmSync(directory, { recursive: true, force: true });
}, TEST_MS);

/** The first bytes that a port says to somebody who does not speak TLS; it hangs up then. */
function saidInPlain(address: string): Promise<string> {
  const [host = '', port] = address.replace(/^\w+:\/\//, '').split(':');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host);
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(heard));
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  });
}

describe.skipIf(missing !== undefined)(`a cluster with certificates${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('has TLS on every public port and between its nodes, and the chat goes over it', async () => {
    const [url = ''] = cluster.serverUrls;
    expect(url).toMatch(/^https:/);
    expect(await chatFromElsewhere(url, { NODE_EXTRA_CA_CERTS: caFile })).toBe('over TLS 你好');
    // Also the way from the API to the LSB: else it would have answered by itself, and said so.
    expect(readFileSync(cluster.member('api-1').logFile, 'utf8')).not.toContain('an LSB did not answer');
    const { tcp = '', websocket = '', inner = '' } = cluster.member('gate-1').addresses;
    expect(websocket).toMatch(/^wss:/);
    expect(await saidInPlain(websocket)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await saidInPlain(tcp)).toBe('');
    expect(await saidInPlain(inner)).not.toMatch(/HTTP|fastim/i);
  });
});
