import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloseCode,
  Command,
  goodbye,
  MessageKind,
  messagePush,
  plainText,
  sendRequest,
  sendResponse,
  textBody,
} from '@fastim/protocol';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configSchema } from '../config.ts';
import { startAllInOne } from '../roles/all-in-one.ts';
import { HttpClient, type TestPerson } from '../roles/testing/http-client.ts';
import { WireClient } from '../roles/testing/wire-client.ts';
import { runAdmin } from './run-admin.ts';

let folder: string;
let server: Awaited<ReturnType<typeof startAllInOne>>;
let http: HttpClient;
let at: string;
const sockets: WireClient[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fastim-admin-'));
  const config = configSchema.parse({
    data: folder,
    port: 0,
    tcpPort: 0,
    wsPort: 0,
    metricsPort: 0,
    gate: { drainMs: 300 },
  });
  server = await startAllInOne(config, { logger: pino({ level: 'silent' }) });
  http = new HttpClient(server.addresses.api!);
  at = new URL(server.addresses.metrics!).origin;
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The command, as an operator runs it. */
async function admin(...words: string[]) {
  const lines: string[] = [];
  const complaints: string[] = [];
  const exitCode = await runAdmin(
    [...words, '--at', at, '--data', folder],
    {},
    {
      out: (line) => lines.push(...line.split('\n')),
      complain: (line) => complaints.push(line),
    },
  );
  return { exitCode, complaints, answer: JSON.parse(lines.at(-1)!) };
}

async function connect({ accessToken }: TestPerson): Promise<WireClient> {
  const client = await WireClient.logIn(await http.gate(accessToken), accessToken);
  sockets.push(client);
  return client;
}

async function openDirect(person: TestPerson, peer: TestPerson): Promise<bigint> {
  const opened = await http.call('POST', '/v1/conversations/direct', {
    token: person.accessToken,
    body: { userId: peer.userId },
  });
  return BigInt(opened.body.conversationId);
}

/** What fetch does not let a test say. */
function raw(path: string, headers: Record<string, string>, method = 'GET'): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(at);
    request({ host: '127.0.0.1', port, path, method, headers: { host: `127.0.0.1:${port}`, ...headers } }, (answer) => {
      let body = '';
      answer.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
    })
      .on('error', reject)
      .end();
  });
}

describe('admin of a server in one process', () => {
  it('lists its gate and nodes, who is connected and where users are reached', async () => {
    const [alice, bob] = [await http.register('alice'), await http.register('bob')];
    await connect(alice);
    await connect(bob);
    const { answer: gates, exitCode } = await admin('gates');
    expect(exitCode).toBe(0);
    expect(gates.gates).toMatchObject([
      { role: 'gate', name: 'gate', accepting: true, connections: 2, logicNodes: ['logic'] },
    ]);
    const gateId = gates.gates[0].nodeId;
    expect((await admin('nodes')).answer.nodes.map((node: { role: string }) => node.role)).toEqual(['gate', 'logic']);

    const all = (await admin('connections')).answer;
    expect(all).toMatchObject({ more: false, missing: [] });
    expect(all.connections.map((each: { userId: string }) => each.userId).sort()).toEqual(
      [alice.userId, bob.userId].sort(),
    );
    const one = (await admin('connections', '--user', 'alice', '--gate', 'gate')).answer.connections;
    expect(one).toMatchObject([{ gateId, userId: alice.userId, deviceId: alice.deviceId, transport: 'tcp' }]);
    expect((await admin('connections', '--limit', '1')).answer).toMatchObject({ connections: [{}] });

    const routes = (await admin('routes', '--user', bob.userId)).answer.routes;
    expect(routes).toMatchObject([
      {
        userId: bob.userId,
        deviceId: bob.deviceId,
        sessionId: bob.sessionId,
        gateId,
        gate: 'gate',
        logicNode: 'logic',
      },
    ]);
    expect((await admin('intruders')).answer).toEqual({ intruders: [] });
  });

  it('shows the way of one message, by the log id of its request and by its msg_id, and how far the others are', async () => {
    const [alice, bob] = [await http.register('alice'), await http.register('bob')];
    const [from, to] = [await connect(alice), await connect(bob)];
    const conversationId = await openDirect(alice, bob);
    const sent = await from.request(
      Command.send,
      sendRequest,
      {
        clientMsgId: new Uint8Array(16).fill(7),
        conversationId,
        kind: MessageKind.text,
        body: textBody.encode(plainText('hello')),
      },
      sendResponse,
    );
    await to.notification(Command.messages, messagePush);
    const { answer } = await admin('trace', '--msg-id', String(sent.msgId));
    const steps = answer.way.map((entry: { what: string }) => entry.what);
    expect(new Set(steps)).toEqual(new Set(['forwarded', 'accepted', 'stored', 'answered', 'to gate', 'to clients']));
    expect(steps.indexOf('accepted')).toBeLessThan(steps.indexOf('stored'));
    expect(answer.stored).toMatchObject({
      msgId: String(sent.msgId),
      conversationId: String(conversationId),
      convSeq: 1,
      senderId: alice.userId,
    });
    expect(answer.stored.cursors).toContainEqual({ userId: bob.userId, deliveredSeq: 0, readSeq: 0 });
    expect(answer.missing).toEqual([]);
    const { logId } = answer.way[0];
    const byLogId = (await admin('trace', '--log-id', String(logId))).answer;
    expect(byLogId.way).toEqual(answer.way);
    expect((await admin('trace', '--msg-id', '1')).answer).toMatchObject({ way: [], stored: null });
    expect(JSON.stringify(answer)).not.toContain('hello');
  });

  it('ends the sessions of a user, or of one device, for good', async () => {
    const alice = await http.register('alice');
    const tablet = await http.logIn('alice', alice.password);
    const [phone, other] = [await connect(alice), await connect(tablet)];
    const one = await admin('kick', '--user', 'Alice', '--device', tablet.deviceId);
    expect(one).toMatchObject({ exitCode: 0, answer: { userId: alice.userId, sessionIds: [tablet.sessionId] } });
    expect(await other.notification(Command.goodbye, goodbye)).toMatchObject({ closeCode: CloseCode.loggedOut });
    await other.waitForClose();
    expect((await http.call('GET', '/v1/me', { token: tablet.accessToken })).status).toBe(401);
    expect((await http.call('GET', '/v1/me', { token: alice.accessToken })).status).toBe(200);
    expect((await admin('kick', '--user', alice.userId)).answer.sessionIds).toEqual([alice.sessionId]);
    await phone.waitForClose();
    expect((await admin('kick', '--user', alice.userId)).answer.sessionIds).toEqual([]);
    expect(await admin('kick', '--user', 'nobody')).toMatchObject({
      exitCode: 1,
      answer: { error: { code: 'NO_SUCH_USER' } },
    });
  });

  it('makes the clients of a gate come back, and drains it', async () => {
    const alice = await http.register('alice');
    const client = await connect(alice);
    const reconnected = await admin('reconnect', 'gate', '--window', '100ms');
    expect(reconnected.answer).toMatchObject({ ordered: 'reconnect', windowMs: 100, connections: 1 });
    const deadline = Date.now() + 5_000;
    while (!client.waiting().some((frame) => frame.cmd === Command.reconnect) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(client.waiting().map((frame) => frame.cmd)).toContain(Command.reconnect);
    expect(await admin('drain', 'elsewhere')).toMatchObject({
      exitCode: 1,
      answer: { error: { code: 'NO_SUCH_GATE' } },
    });
    expect((await admin('drain', 'gate')).answer).toMatchObject({ ordered: 'drain', gate: 'gate' });
    await client.waitForClose();
    expect((await admin('gates')).answer.gates).toMatchObject([{ accepting: false, connections: 0 }]);
  });

  it('lets nobody in without the token, which only its owner can read, and no browser', async () => {
    expect(statSync(join(folder, 'admin-token')).mode & 0o777).toBe(0o600);
    expect((await raw('/admin/nodes', {})).status).toBe(401);
    const { readFileSync } = await import('node:fs');
    const authorization = `Bearer ${readFileSync(join(folder, 'admin-token'), 'utf8').trim()}`;
    expect((await raw('/admin/nodes', { authorization })).status).toBe(200);
    expect((await raw('/admin/nodes', { authorization, origin: 'http://127.0.0.1:1' })).status).toBe(403);
    expect((await raw('/admin/nodes', { authorization, 'sec-fetch-site': 'same-origin' })).status).toBe(403);
    expect((await raw('/admin/nodes', { authorization, host: 'evil.example' })).status).toBe(403);
    expect((await raw('/admin/nodes?x=1', { authorization })).status).toBe(400);
    expect((await raw('/admin/connections?limit=0', { authorization })).status).toBe(400);
    expect((await raw('/admin/kick', { authorization })).status).toBe(405);
    expect((await raw('/admin/kick', { authorization }, 'POST')).status).toBe(415);
    expect((await raw('/admin/elsewhere', { authorization })).status).toBe(404);
    const statuses: number[] = [];
    for (let turn = 0; turn < 15; turn += 1)
      statuses.push((await raw('/admin/nodes', { authorization: 'Bearer x' })).status);
    expect(statuses[0]).toBe(401);
    expect(statuses.at(-1)).toBe(429);
    // Somebody else's wrong guesses do not lock the operator out.
    expect((await raw('/admin/nodes', { authorization })).status).toBe(200);
  });

  it('says with its exit code and its last line what was wrong', async () => {
    for (const words of [
      [],
      ['dance'],
      ['drain'],
      ['gates', '--user', '1'],
      ['trace'],
      ['kick'],
      ['reconnect', 'gate'],
      ['reconnect', 'gate', '--window', 'soon'],
      ['trace', '--log-id', '1', '--msg-id', '2'],
      ['connections', '--limit'],
    ]) {
      const lines: string[] = [];
      const exitCode = await runAdmin(words, {}, { out: (line) => lines.push(line), complain: () => undefined });
      expect([words, exitCode]).toEqual([words, 2]);
      expect(JSON.parse(lines.at(-1)!)).toMatchObject({ error: { code: 'WRONG_WORDS' } });
    }
    const help: string[] = [];
    expect(await runAdmin(['--help'], {}, { out: (line) => help.push(line), complain: () => undefined })).toBe(0);
    expect(help.join('\n')).toContain('reconnect GATE --window');
    const empty = mkdtempSync(join(tmpdir(), 'fastim-admin-empty-'));
    const run = async (env: Record<string, string>, words = ['nodes']) => {
      const lines: string[] = [];
      const exitCode = await runAdmin([...words, '--at', at, '--data', empty], env, {
        out: (line) => lines.push(line),
        complain: () => undefined,
      });
      return { exitCode, ...JSON.parse(lines.at(-1)!) };
    };
    try {
      expect(await run({})).toMatchObject({ exitCode: 1, error: { code: 'NO_TOKEN' } });
      expect(await run({ FASTIM_ADMIN_TOKEN: 'wrong' })).toMatchObject({
        exitCode: 1,
        error: { code: 'UNAUTHORIZED' },
      });
      writeFileSync(join(empty, 'token'), 'wrong\n');
      expect(await run({ FASTIM_CLUSTER_SECRET_FILE: join(empty, 'token') })).toMatchObject({
        error: { code: 'UNAUTHORIZED' },
      });
      await server.stop();
      expect(await run({ FASTIM_ADMIN_TOKEN: 'x' })).toMatchObject({ exitCode: 1, error: { code: 'UNREACHABLE' } });
    } finally {
      rmSync(empty, { recursive: true, force: true });
    }
  });
});
