import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CloseCode,
  Command,
  changeGroupRequest,
  changeGroupResponse,
  createGroupRequest,
  createGroupResponse,
  errorCatalogue,
  GroupChange,
  goodbye,
  headPush,
  historyRequest,
  historyResponse,
  MessageKind,
  messagePush,
  NoticeAction,
  noticeBody,
  plainText,
  sendRequest,
  sendResponse,
  statusResponse,
  textBody,
  viewingRequest,
} from '@fastim/protocol';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configSchema } from '../config.ts';
import { type AllInOne, startAllInOne } from './all-in-one.ts';
import { HttpClient, type TestPerson } from './testing/http-client.ts';
import { WireClient } from './testing/wire-client.ts';

let folder: string;
let server: AllInOne;
let http: HttpClient;
const sockets: WireClient[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fastim-group-'));
  const config = configSchema.parse({
    data: folder,
    port: 0,
    tcpPort: 0,
    wsPort: 0,
    metricsPort: 0,
    gate: { drainMs: 200 },
  });
  server = await startAllInOne(config, { logger: pino({ level: 'silent' }) });
  http = new HttpClient(server.addresses.api);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function connect({ accessToken }: TestPerson): Promise<WireClient> {
  const client = await WireClient.logIn(await http.gate(accessToken), accessToken);
  sockets.push(client);
  return client;
}

const idOf = (fill: number) => new Uint8Array(16).fill(fill);
const say = (conversationId: bigint, fill: number, text: string) => ({
  clientMsgId: idOf(fill),
  conversationId,
  kind: MessageKind.text,
  body: textBody.encode(plainText(text)),
});

describe('a group on the whole server', () => {
  it('tells heads to those who look elsewhere and bodies to those who look, until they are removed', async () => {
    const people = [await http.register('alice'), await http.register('bob'), await http.register('carol')];
    const [alice, bob, carol] = (await Promise.all(people.map(connect))) as [WireClient, WireClient, WireClient];
    const others = people.slice(1).map(({ userId }) => BigInt(userId));
    const created = await alice.request(
      Command.createGroup,
      createGroupRequest,
      { clientMsgId: idOf(1), name: 'Trip', avatarColor: 3, userIds: others },
      createGroupResponse,
    );
    const { conversationId, headSeq } = created.conversation!;
    for (const client of [bob, carol]) {
      const { heads } = await client.notification(Command.heads, headPush);
      expect(heads).toContainEqual({ conversationId, headSeq });
    }

    await carol.request(Command.viewing, viewingRequest, { conversationId }, statusResponse);
    const sent = await alice.request(Command.send, sendRequest, say(conversationId, 2, 'hello'), sendResponse);
    expect(sent).toMatchObject({ status: undefined, convSeq: headSeq + 1, countNo: 1 });
    const body = await carol.notification(Command.messages, messagePush);
    expect(body.messages).toMatchObject([{ conversationId, convSeq: sent.convSeq, countNo: 1 }]);
    let told = 0;
    while (told < sent.convSeq) {
      const { heads } = await bob.notification(Command.heads, headPush);
      told = Math.max(...heads.map((head) => head.headSeq));
    }
    const range = { conversationId, fromSeq: 1, toSeq: told, limit: 100, newestFirst: false };
    const pulled = await bob.request(Command.history, historyRequest, range, historyResponse);
    expect(pulled.messages.map(({ convSeq }) => convSeq)).toEqual([1, 2]);
    expect(noticeBody.decode(pulled.messages[0]!.body).action).toBe(NoticeAction.created);

    const removal = await alice.request(
      Command.changeGroup,
      changeGroupRequest,
      {
        clientMsgId: idOf(3),
        conversationId,
        change: GroupChange.remove,
        userIds: [BigInt(people[2]!.userId)],
        text: '',
        number: 0,
      },
      changeGroupResponse,
    );
    expect(removal).toMatchObject({ status: undefined, convSeq: sent.convSeq + 1 });
    const secret = await alice.request(Command.send, sendRequest, say(conversationId, 4, 'secret'), sendResponse);
    while (told < secret.convSeq) {
      const { heads } = await bob.notification(Command.heads, headPush);
      told = Math.max(...heads.map((head) => head.headSeq));
    }
    // Bob has it, so whatever Carol was sent of it is there too, after the answer to this.
    const seen = await carol.request(
      Command.history,
      historyRequest,
      { ...range, toSeq: secret.convSeq },
      historyResponse,
    );
    expect(seen.messages.map(({ convSeq }) => convSeq)).toEqual([1, 2, removal.convSeq]);
    const frames = carol.waiting();
    expect(frames.filter(({ cmd }) => cmd === Command.messages)).toEqual([]);
    const heads = frames.filter(({ cmd }) => cmd === Command.heads).flatMap(({ data }) => headPush.decode(data).heads);
    expect(Math.max(...heads.map((head) => head.headSeq))).toBe(removal.convSeq);
    const refused = await carol.request(Command.send, sendRequest, say(conversationId, 5, 'no'), sendResponse);
    expect(refused.status?.code).toBe(errorCatalogue.NOT_A_MEMBER.code);
  });
});

describe('a device that is logged out from another one', () => {
  it('loses its connection and its tokens within a second, and the list says who is connected', async () => {
    const phone = await http.register('alice');
    const laptop = await http.logIn('alice', phone.password);
    const [phoneWire] = [await connect(phone), await connect(laptop)];
    const list = async () =>
      (await http.call('GET', '/v1/sessions', { token: laptop.accessToken })).body.sessions.map(
        (one: { sessionId: string; online: boolean; current: boolean }) => [one.sessionId, one.online, one.current],
      );
    expect(await list()).toEqual([
      [laptop.sessionId, true, true],
      [phone.sessionId, true, false],
    ]);
    const started = performance.now();
    const answer = await http.call('DELETE', `/v1/sessions/${phone.sessionId}`, { token: laptop.accessToken });
    expect(answer.status).toBe(204);
    expect(await phoneWire.notification(Command.goodbye, goodbye)).toMatchObject({ closeCode: CloseCode.loggedOut });
    await phoneWire.waitForClose();
    expect(performance.now() - started).toBeLessThan(1_000);
    expect((await http.call('GET', '/v1/me', { token: phone.accessToken })).status).toBe(401);
    expect(await list()).toEqual([[laptop.sessionId, true, true]]);
  });

  it('was last seen when it was last connected', async () => {
    const phone = await http.register('alice');
    const wire = await connect(phone);
    const lastSeen = async (): Promise<number> =>
      (await http.call('GET', '/v1/sessions', { token: phone.accessToken })).body.sessions[0].lastSeenAt;
    const before = await lastSeen();
    wire.close();
    const deadline = performance.now() + 10_000;
    while ((await lastSeen()) === before && performance.now() < deadline) await sleep(50);
    expect(await lastSeen()).toBeGreaterThan(before);
  });
});
