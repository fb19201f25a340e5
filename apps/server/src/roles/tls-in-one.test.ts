import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { Command, encodeFrames, MsgType } from '@fastim/protocol';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateFiles, testCa } from '../cluster/inner/testing/test-certificates.ts';
import { configSchema } from '../config.ts';
import { type AllInOne, startAllInOne } from './all-in-one.ts';

const ca = testCa('test CA');

let folder: string;
let files: ReturnType<typeof certificateFiles>;
let server: AllInOne;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fastim-tls-'));
  files = certificateFiles(folder, ca.issue('localhost'), ca);
  const ports = { port: 0, tcpPort: 0, wsPort: 0, metricsPort: 0 };
  const tls = { certFile: files.certFile, keyFile: files.keyFile };
  const config = configSchema.parse({ data: folder, ...ports, tls, gate: { drainMs: 200 } });
  server = await startAllInOne(config, { logger: pino({ level: 'silent' }) });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A client as on another machine: it knows the CA, nothing else. */
const program = `
import { connect } from '@fastim/desktop/sdk';
const [serverUrl] = process.argv.slice(1);
const options = { serverUrl, password: 'a long password', register: true, timeoutMs: 15_000 };
const [alice, bob] = await Promise.all(['alice', 'bob'].map((username) => connect({ ...options, username })));
const heard = new Promise((resolve) => bob.on('message', (message) => resolve(message.text)));
const { conversationId } = await alice.direct('bob');
await alice.send(conversationId, 'over TLS 你好');
console.log(JSON.stringify({ heard: await heard }));
await alice.close();
await bob.close();
`;

function run(environment: Record<string, string>) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('FASTIM_'));
  return promisify(execFile)(
    process.execPath,
    ['--conditions=fastim-source', '--input-type=module', '-e', program, new URL(server.addresses.api).origin],
    { env: { ...Object.fromEntries(inherited), ...environment }, cwd: import.meta.dirname, timeout: 40_000 },
  );
}

describe('a server with a certificate', () => {
  it('says so in its addresses, and the chat goes over it for whoever trusts its CA', async () => {
    expect(server.addresses.api).toMatch(/^https:/);
    expect(server.addresses.websocket).toMatch(/^wss:/);
    const { stdout } = await run({ NODE_EXTRA_CA_CERTS: files.caFile });
    expect(JSON.parse(stdout)).toEqual({ heard: 'over TLS 你好' });
  });

  it('is refused by a client that does not know its CA', async () => {
    await expect(run({})).rejects.toThrow(/UNAVAILABLE|certificate/i);
  });

  it('tells plain HTTP what is wrong, on the API and on the WebSocket port', async () => {
    for (const address of [server.addresses.api, server.addresses.websocket]) {
      const { host } = new URL(address);
      const answer = await fetch(`http://${host}/livez`);
      expect(answer.status).toBe(400);
      expect(await answer.text()).toContain('https://');
    }
  });

  it('answers HTTPS with the headers and errors of HTTP', async () => {
    const { port } = new URL(server.addresses.api);
    const status = await new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path: '/readyz', ca: ca.cert }, (response) => {
        response.resume();
        resolve([response.statusCode, response.headers['x-content-type-options']]);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toEqual([200, 'nosniff']);
  });

  it('speaks its own protocol on the TCP port, behind the handshake', async () => {
    const [host = '', port] = server.addresses.tcp.split(':');
    const socket = connectTls({ host, port: Number(port), ca: ca.cert });
    const data = new Uint8Array(0);
    socket.write(encodeFrames([{ cmd: Command.login, msgType: MsgType.request, logId: 1, sequenceId: 0, data }]));
    const answer = await new Promise<Buffer>((resolve, reject) => {
      socket.once('data', resolve);
      socket.once('error', reject);
    });
    socket.destroy();
    // The magic of a frame; what it says of the empty request is for other tests.
    expect(answer.length).toBeGreaterThanOrEqual(22);
    expect(socket.authorized).toBe(true);
  });
});
