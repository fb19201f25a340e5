import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { readInnerTls } from './inner-tls.ts';
import { type GateLink, gateLink } from './testing/gate-link.ts';
import { until } from './testing/inner-world.ts';
import { LinkProxy } from './testing/link-proxy.ts';
import { type Call, recordingGate, recordingLogic } from './testing/recording-ports.ts';
import { certificateFiles, testCa } from './testing/test-certificates.ts';

type Tls = { certFile: string; keyFile: string; caFile: string };

const folder = mkdtempSync(join(tmpdir(), 'fastim-inner-tls-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ca = testCa('the cluster');
const otherCa = testCa('somebody else');
const none: Tls = { certFile: '', keyFile: '', caFile: '' };
const member = (name: string): Tls => certificateFiles(folder, ca.issue(name), ca);

let world: GateLink;
let toGate: Call[];
afterEach(() => world?.stop());

async function setUp(gate: Tls, logic: Tls, via?: Parameters<typeof gateLink>[0]['via']): Promise<void> {
  toGate = [];
  world = await gateLink({
    gate: recordingGate('gate-1', toGate),
    logic: recordingLogic([]),
    gateOptions: { config: { tls: gate, linkSilenceMs: 500 } },
    logicOptions: { config: { tls: logic, linkSilenceMs: 500 } },
    ...(via && { via }),
  });
}

function innerPort(): { host: string; port: number } {
  const [gate] = world.directory.nodes();
  if (gate?.role !== 'gate') throw new Error('no gate is listed');
  return gate.inner;
}

async function noLink(): Promise<void> {
  world.dialer.start();
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect([world.attached.size, world.listener.linked.length]).toEqual([0, 0]);
}

describe('inner links with TLS', () => {
  it('are up when both have a certificate of the CA, and not readable on the way', async () => {
    let passed = '';
    await setUp(member('gate'), member('logic'), async (inner) => {
      const relay = createServer((client) => {
        const server = connect(inner);
        client.pipe(server).pipe(client);
        client.on('data', (chunk: Buffer) => {
          passed += chunk.toString('latin1');
        });
        for (const socket of [client, server]) socket.on('error', () => undefined);
      }).unref();
      await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
      return { host: '127.0.0.1', port: (relay.address() as { port: number }).port };
    });
    await world.up();
    world.gate().close(1, { code: 1, reason: 'a reason in plain words', retryAfterMs: 0 });
    await until('it has arrived', () => toGate.length === 1);
    expect(passed.length).toBeGreaterThan(500);
    expect(passed).not.toContain('a reason in plain words');
    expect(passed).not.toContain('logic-1');
  });

  it('are refused to a certificate of another CA, on either side', async () => {
    await setUp(member('gate'), certificateFiles(folder, otherCa.issue('logic'), ca));
    await noLink();
    expect(world.directory.refusals.map(({ reason }) => reason)[0]).toMatch(/^no TLS connection/);
    await world.stop();
    await setUp(certificateFiles(folder, otherCa.issue('gate'), ca), member('logic'));
    await noLink();
  });

  it('are refused to who has no certificate, or speaks no TLS', async () => {
    await setUp(member('gate'), none);
    await noLink();
    const socket = connectTls({ ...innerPort(), rejectUnauthorized: false });
    const ended = await new Promise<string>((resolve) => {
      socket.on('error', (error) => resolve(error.message));
      socket.on('data', (chunk: Buffer) => resolve(`data ${chunk.length}`));
      socket.on('close', () => resolve('closed'));
    });
    expect(ended).toMatch(/certificate required|closed|ECONNRESET/);
    expect(world.listener.linked).toEqual([]);
  });

  it('are not up with a node that speaks no TLS, when this one does', async () => {
    await setUp(none, member('logic'));
    await noLink();
  });

  it('hold without a CA too: the proof of the secret is bound to the TLS connection it was made on', async () => {
    await setUp(certificateFiles(folder, ca.issue('gate')), certificateFiles(folder, otherCa.issue('logic')));
    await world.up();
    await world.stop();
    // Somebody in the middle who has a certificate of his own, and passes on what is said inside.
    await setUp(
      certificateFiles(folder, ca.issue('gate')),
      certificateFiles(folder, ca.issue('logic')),
      async (inner) => {
        const { cert, key } = otherCa.issue('the middle');
        const relay = createTlsServer({ cert, key }, (client) => {
          const server = connectTls({ ...inner, rejectUnauthorized: false });
          client.pipe(server).pipe(client);
          for (const socket of [client, server]) socket.on('error', () => undefined);
        }).unref();
        await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
        return { host: '127.0.0.1', port: (relay.address() as { port: number }).port };
      },
    );
    await noLink();
    expect(world.directory.refusals[0]?.reason).toBe('it does not know the secret of this cluster');
  });

  it('survive being sliced to single bytes', async () => {
    let proxy: LinkProxy | undefined;
    await setUp(member('gate'), member('logic'), async (inner) => {
      const made = await LinkProxy.start(inner);
      proxy = made.proxy;
      proxy.slice = 1;
      return made.inner;
    });
    await world.up();
    for (let id = 0; id < 20; id += 1) world.gate().view(id, 1n);
    await until('all has arrived', () => toGate.length === 20);
    await world.stop();
    await proxy?.stop();
  });

  it('say which file of the configuration is wrong', () => {
    expect(readInnerTls(none)).toBeUndefined();
    expect(() => readInnerTls({ ...none, certFile: 'a' })).toThrow(/cluster.tls.keyFile/);
    expect(() => readInnerTls({ ...none, certFile: '/nowhere/a', keyFile: '/nowhere/b' })).toThrow(
      'cluster.tls.certFile: /nowhere/a cannot be read',
    );
  });
});
