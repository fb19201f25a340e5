import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import {
  CloseCode,
  Command,
  ConversationKind,
  cursorPush,
  cursorRequest,
  cursorResponse,
  goodbye,
  heartbeatRequest,
  heartbeatResponse,
  historyRequest,
  historyResponse,
  MessageKind,
  messagePush,
  plainText,
  reconnect,
  sendRequest,
  sendResponse,
  syncRequest,
  syncResponse,
  textBody,
} from '@fastim/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Config, configSchema } from '../config.ts';
import { createLogger } from '../observe/logger.ts';
import { StorageRefusal } from '../storage/storage.ts';
import { type AllInOne, startAllInOne } from './all-in-one.ts';
import type { RolePorts } from './running-role.ts';
import { systemClock } from './system-ports.ts';
import { HttpClient } from './testing/http-client.ts';
import { WireClient } from './testing/wire-client.ts';

let folder: string;
let log: string;
const running: AllInOne[] = [];
const sockets: WireClient[] = [];
const blockers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fastim-all-in-one-'));
  log = '';
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  for (const server of running.splice(0)) await server.stop();
  for (const blocker of blockers.splice(0)) blocker.close();
  rmSync(folder, { recursive: true, force: true });
});

const stream = new Writable({
  write(chunk, _encoding, done) {
    log += String(chunk);
    done();
  },
});

async function start(
  settings: Partial<Record<keyof Config, unknown>> = {},
  ports: Omit<RolePorts, 'logger'> = {},
): Promise<AllInOne> {
  const config = configSchema.parse({
    data: folder,
    port: 0,
    tcpPort: 0,
    wsPort: 0,
    metricsPort: 0,
    logLevel: 'trace',
    gate: { drainMs: 200 },
    ...settings,
  });
  const server = await startAllInOne(config, {
    ...ports,
    logger: createLogger({ level: config.logLevel, name: 'test' }, stream),
  });
  running.push(server);
  return server;
}

async function connect(http: HttpClient, accessToken: string): Promise<WireClient> {
  const client = await WireClient.logIn(await http.gate(accessToken), accessToken);
  sockets.push(client);
  return client;
}

/** A port that another program listens on. */
async function blockedPort(): Promise<number> {
  const blocker = createServer();
  blockers.push(blocker);
  await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
  return (blocker.address() as AddressInfo).port;
}

const say = (conversationId: bigint, fill: number, text: string) => ({
  clientMsgId: new Uint8Array(16).fill(fill),
  conversationId,
  kind: MessageKind.text,
  body: textBody.encode(plainText(text)),
});

describe('the all-in-one server', () => {
  it('carries a message from one person to the other and back to its ticks, over real HTTP and TCP', async () => {
    const server = await start();
    const http = new HttpClient(server.addresses.api);
    const alice = await http.register('alice');
    const bob = await http.register('Bob');

    const found = await http.call('GET', '/v1/users?query=bo', { token: alice.accessToken });
    expect(found.body.users).toEqual([{ userId: bob.userId, username: 'Bob', displayName: 'Bob' }]);
    const direct = { body: { userId: bob.userId }, token: alice.accessToken };
    const opened = await http.call('POST', '/v1/conversations/direct', direct);
    expect(opened.body).toMatchObject({ created: true, peer: { username: 'Bob' } });
    const again = await http.call('POST', '/v1/conversations/direct', {
      body: { userId: alice.userId },
      token: bob.accessToken,
    });
    expect(again.body).toMatchObject({ created: false, conversationId: opened.body.conversationId });
    const conversationId = BigInt(opened.body.conversationId);

    const [aliceWire, bobWire] = [await connect(http, alice.accessToken), await connect(http, bob.accessToken)];
    const first = say(conversationId, 1, 'hello 你好');
    const ack = await aliceWire.request(Command.send, sendRequest, first, sendResponse);
    expect(ack).toMatchObject({ status: undefined, conversationId, convSeq: 1, countNo: 1 });
    const push = await bobWire.notification(Command.messages, messagePush);
    expect(push.messages).toHaveLength(1);
    expect(push.messages[0]).toMatchObject({ msgId: ack.msgId, convSeq: 1, senderId: BigInt(alice.userId) });
    expect(textBody.decode(push.messages[0]!.body).text).toBe('hello 你好');

    // The same message again: the same answer, and no second copy.
    expect(await aliceWire.request(Command.send, sendRequest, first, sendResponse)).toEqual(ack);

    const moves = [{ conversationId, deliveredSeq: 1, readSeq: 0 }];
    expect(await bobWire.request(Command.cursor, cursorRequest, { moves }, cursorResponse)).toEqual({
      status: undefined,
      refused: [],
    });
    const delivered = await aliceWire.notification(Command.cursors, cursorPush);
    expect(delivered.cursors).toMatchObject([{ userId: BigInt(bob.userId), deliveredSeq: 1, readSeq: 0 }]);
    const read = [{ conversationId, deliveredSeq: 1, readSeq: 1 }];
    await bobWire.request(Command.cursor, cursorRequest, { moves: read }, cursorResponse);
    const readPush = await aliceWire.notification(Command.cursors, cursorPush);
    expect(readPush.cursors).toMatchObject([{ deliveredSeq: 1, readSeq: 1, readCountNo: 1 }]);

    const page = { sinceMs: 0, beforeActivityMs: 0, beforeConversationId: 0n, limit: 20 };
    const synced = await bobWire.request(Command.sync, syncRequest, page, syncResponse);
    expect(synced.status).toBeUndefined();
    expect(synced.conversations).toMatchObject([
      { conversationId, kind: ConversationKind.direct, headSeq: 1, readSeq: 1, peer: { username: 'alice' } },
    ]);
    const mark = { ...synced.mark, sinceMs: synced.serverTimeMs };
    const beat = await bobWire.request(Command.heartbeat, heartbeatRequest, { mark }, heartbeatResponse);
    expect(beat).toMatchObject({ status: undefined, moved: [], more: false });
    const range = { conversationId, fromSeq: 1, toSeq: 10, limit: 10, newestFirst: false };
    const history = await bobWire.request(Command.history, historyRequest, range, historyResponse);
    expect(history.messages.map((message) => message.msgId)).toEqual([ack.msgId]);
  });

  it('keeps everything over a stop and a start, and stopping twice is stopping once', async () => {
    const before = await start();
    const http = new HttpClient(before.addresses.api);
    const alice = await http.register('alice');
    const bob = await http.register('bob');
    const opened = await http.call('POST', '/v1/conversations/direct', {
      body: { userId: bob.userId },
      token: alice.accessToken,
    });
    const conversationId = BigInt(opened.body.conversationId);
    const wire = await connect(http, alice.accessToken);
    const ack = await wire.request(Command.send, sendRequest, say(conversationId, 1, 'kept'), sendResponse);
    await Promise.all([before.stop(), before.stop()]);
    await before.stop();

    const after = new HttpClient((await start()).addresses.api);
    expect((await after.call('GET', '/v1/me', { token: alice.accessToken })).status).toBe(200);
    const again = await connect(after, alice.accessToken);
    expect(await again.request(Command.send, sendRequest, say(conversationId, 1, 'kept'), sendResponse)).toEqual(ack);
    const next = await again.request(Command.send, sendRequest, say(conversationId, 2, 'next'), sendResponse);
    expect(next.convSeq).toBe(2);
  });

  it('gives only ids above all it gave before, also when the clock was set back while it was down', async () => {
    const before = await start();
    const http = new HttpClient(before.addresses.api);
    const alice = await http.register('alice');
    const bob = await http.register('bob');
    const open = { body: { userId: bob.userId }, token: alice.accessToken };
    const conversationId = BigInt((await http.call('POST', '/v1/conversations/direct', open)).body.conversationId);
    const wire = await connect(http, alice.accessToken);
    const send = (client: WireClient, fill: number) =>
      client.request(Command.send, sendRequest, say(conversationId, fill, 'text'), sendResponse);
    const ids = [BigInt(bob.userId), conversationId];
    for (const fill of [1, 2, 3]) ids.push((await send(wire, fill)).msgId);
    await before.stop();

    const clock = { ...systemClock, now: () => systemClock.now() - 3_000 };
    const after = new HttpClient((await start({}, { clock })).addresses.api);
    const carol = await after.register('carol');
    const again = await connect(after, alice.accessToken);
    const later = [BigInt(carol.userId), (await send(again, 4)).msgId];
    const highest = ids.reduce((a, b) => (a > b ? a : b));
    for (const id of later) expect(id).toBeGreaterThan(highest);
    expect((await send(again, 3)).msgId).toBe(ids.at(-1));
  });

  it('tells clients to go elsewhere and says goodbye when it stops', async () => {
    const server = await start();
    const http = new HttpClient(server.addresses.api);
    const alice = await http.register('alice');
    const wire = await connect(http, alice.accessToken);
    const stopped = server.stop();
    expect((await wire.notification(Command.reconnect, reconnect)).delayMs).toBeGreaterThanOrEqual(0);
    expect((await wire.notification(Command.goodbye, goodbye)).closeCode).toBe(CloseCode.goingAway);
    await wire.waitForClose();
    await stopped;
    await expect(fetch(`${server.addresses.api}/server`)).rejects.toThrow();
  });

  it('ends the connections of a session at once on log-out, and takes its tokens no more', async () => {
    const server = await start();
    const http = new HttpClient(server.addresses.api);
    const alice = await http.register('alice');
    const other = await http.logIn('alice', alice.password);
    const wire = await connect(http, alice.accessToken);
    const otherWire = await connect(http, other.accessToken);
    expect((await http.call('POST', '/v1/auth/logout', { token: alice.accessToken })).status).toBe(204);
    expect((await wire.notification(Command.goodbye, goodbye)).closeCode).toBe(CloseCode.loggedOut);
    await wire.waitForClose();
    const me = await http.call('GET', '/v1/me', { token: alice.accessToken });
    expect([me.status, me.body.error.code]).toEqual([401, 'SESSION_ENDED']);
    const late = await WireClient.open(...gateOf(server));
    sockets.push(late);
    expect((await late.login(alice.accessToken)).status?.code).toBe(203);
    expect((await http.call('GET', '/v1/me', { token: other.accessToken })).status).toBe(200);
    expect(otherWire.closed).toBe(false);
  });

  it('serves its metrics on loopback and its readiness by part', async () => {
    const server = await start();
    const metrics = await (await fetch(server.addresses.metrics)).text();
    for (const name of ['nodejs_eventloop_lag_seconds', 'fastim_http_request_duration_seconds', 'fastim_gate_']) {
      expect(metrics).toContain(name);
    }
    const ready = await fetch(`${new URL(server.addresses.api).origin}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({ ready: true, components: { storage: 'ok', gate: 'ok' } });
  });

  it('never writes a password, a token or a message into its log, at any level', async () => {
    const server = await start();
    const http = new HttpClient(server.addresses.api);
    const alice = await http.register('alice', 'canary-password-1');
    const bob = await http.register('bob', 'canary-password-2');
    await http.call('POST', '/v1/auth/login', {
      body: { username: 'alice', password: 'canary-password-3', device: { deviceId: 'a'.repeat(32), name: 'x' } },
    });
    const opened = await http.call('POST', '/v1/conversations/direct', {
      body: { userId: bob.userId },
      token: alice.accessToken,
    });
    const wire = await connect(http, alice.accessToken);
    const message = say(BigInt(opened.body.conversationId), 1, 'canary-message');
    await wire.request(Command.send, sendRequest, message, sendResponse);
    await http.call('POST', '/v1/auth/refresh', {
      body: { refreshToken: alice.refreshToken, deviceId: alice.deviceId },
    });
    await server.stop();
    expect(log).toContain('"msg":"ready"');
    const secrets = [alice, bob].flatMap((one) => [one.accessToken, one.refreshToken, one.password]);
    for (const secret of [...secrets, 'canary', '$argon2id$']) expect(log).not.toContain(secret);
  });
});

describe('a start that cannot succeed', () => {
  it('says who uses the data folder, and leaves that server alone', async () => {
    const first = await start();
    const refused = start();
    await expect(refused).rejects.toBeInstanceOf(StorageRefusal);
    await expect(refused).rejects.toMatchObject({ kind: 'in-use', message: expect.stringContaining(`${process.pid}`) });
    expect((await fetch(`${first.addresses.api}/server`)).status).toBe(200);
  });

  it.each(['port', 'tcpPort', 'wsPort', 'metricsPort'] as const)(
    'with the %s taken stops what it had started, so that the next start works',
    async (name) => {
      const port = await blockedPort();
      const failure: Error & { code?: string } = await start({ [name]: port }).then(
        () => new Error('it started'),
        (error: Error) => error,
      );
      const fault = (failure.cause ?? failure) as NodeJS.ErrnoException & { port: number };
      expect({ code: fault.code, port: fault.port }).toEqual({ code: 'EADDRINUSE', port });
      expect((await fetch(`${(await start()).addresses.api}/server`)).status).toBe(200);
    },
  );
});

function gateOf(server: AllInOne): [host: string, port: number] {
  const [host = '', port] = server.addresses.tcp.split(':');
  return [host, Number(port)];
}
