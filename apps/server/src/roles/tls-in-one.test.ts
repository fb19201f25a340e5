import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { Command, encodeFrames, MsgType } from '@fastim/protocol';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateFiles, testCa } from '../cluster/inner/testing/test-certificates.ts';
import { configSchema } from '../config.ts';
import { type AllInOne, startAllInOne } from './all-in-one.ts';
import { chatFromElsewhere } from './testing/chat-from-elsewhere.ts';

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

const origin = () => new URL(server.addresses.api).origin;

describe('a server with a certificate', () => {
  it('says so in its addresses, and the chat goes over it for whoever trusts its CA', async () => {
    expect(server.addresses.api).toMatch(/^https:/);
    expect(server.addresses.websocket).toMatch(/^wss:/);
    expect(await chatFromElsewhere(origin(), { NODE_EXTRA_CA_CERTS: files.caFile })).toBe('over TLS 你好');
  });

  it('is refused by a client that does not know its CA', async () => {
    await expect(chatFromElsewhere(origin(), {})).rejects.toThrow(/UNAVAILABLE|certificate/i);
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
