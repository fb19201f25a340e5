import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, FastimError, textBody } from '@fastim/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeServer } from '../engine/testing/index.ts';
import { systemClock } from '../platform/system-clock.ts';
import { type ServedFakeServer, serveFakeServer } from '../platform/testing/serve-fake-server.ts';
import { type ConnectOptions, connect } from './connect.ts';
import type { FastimClient } from './fastim-client.ts';
import type { Message } from './sdk-types.ts';

let directory: string;
let server: FakeServer;
let served: ServedFakeServer;
let clients: FastimClient[];
let alice: bigint;
let bob: bigint;
let wireId: bigint;
let conversationId: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'fastim-sdk-test-'));
  server = new FakeServer(systemClock);
  served = await serveFakeServer(server);
  clients = [];
  alice = server.addUser('alice');
  bob = server.addUser('bob');
  wireId = server.openDirect(alice, bob);
  conversationId = wireId.toString();
});

afterEach(async () => {
  for (const client of clients) await client.close();
  await served.close();
  rmSync(directory, { recursive: true });
});

async function enter(username: string, over: Partial<ConnectOptions> = {}): Promise<FastimClient> {
  const client = await connect({ serverUrl: served.url, username, password: 'password', ...over });
  clients.push(client);
  return client;
}

/** What the event `message` tells, until there are so many. */
function told(client: FastimClient, count: number): Promise<Message[]> {
  const messages: Message[] = [];
  return new Promise((resolve) => {
    const stop = client.on('message', (message) => {
      messages.push(message);
      if (messages.length < count) return;
      stop();
      resolve(messages);
    });
  });
}

const words = (messages: readonly Message[]) => messages.map(({ text }) => text);
const reasonOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'no error',
    (error: unknown) => (error instanceof FastimError ? error.reason : error),
  );

describe('connecting', () => {
  it('says why it cannot, and leaves nothing running or lying about', async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('fastim-sdk-'));
    expect(await reasonOf(enter('bob', { password: 'wrong' }))).toBe('INVALID_CREDENTIALS');
    expect(await reasonOf(enter('bob', { serverUrl: 'http://127.0.0.1:9', timeoutMs: 2_000 }))).toBe('UNAVAILABLE');
    server.gates = [];
    expect(await reasonOf(enter('bob', { timeoutMs: 300 }))).toBe('UNAVAILABLE');
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('fastim-sdk-'))).toEqual(before);
  });

  it('without a directory is a device for once: logged out by close, and gone from the disk', async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('fastim-sdk-')).length;
    const client = await enter('bob');
    const [device] = await client.devices();
    expect(device?.current).toBe(true);
    await client.close();
    await client.close();
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('fastim-sdk-')).length).toBe(before);
    const other = await enter('bob');
    expect((await other.devices()).map(({ sessionId }) => sessionId)).not.toContain(device?.sessionId);
  });

  it('with a directory goes on with its session, needs no password, and lets in one process at a time', async () => {
    const first = await enter('bob', { directory });
    const [device] = await first.devices();
    expect(await reasonOf(enter('bob', { directory }))).toBe('UNAVAILABLE');
    await first.close();
    const second = await enter('bob', { directory, password: 'not asked for' });
    expect((await second.devices()).map(({ sessionId }) => sessionId)).toEqual([device?.sessionId]);
    expect(second.account.user.userId).toBe(bob.toString());
    await second.close({ logOut: true });
    expect(await reasonOf(enter('bob', { directory, password: 'wrong' }))).toBe('INVALID_CREDENTIALS');
    await enter('bob', { directory });
  });

  it('registers when there is nobody of that name, and logs in when there is', async () => {
    const dora = await enter('dora', { register: { displayName: 'Dora 朵拉' } });
    expect(dora.account.user.displayName).toBe('Dora 朵拉');
    await dora.close();
    const again = await enter('dora', { register: true });
    expect(again.account.user.userId).toBe(dora.account.user.userId);
    expect(await reasonOf(enter('dora', { register: true, password: 'wrong' }))).toBe('INVALID_CREDENTIALS');
  });
});

describe('sending', () => {
  it('resolves when the server has the message, in the order of the calls', async () => {
    const client = await enter('bob');
    const sent = await Promise.all(['one', '两', 'three'].map((text) => client.send(conversationId, text)));
    expect(sent.map(({ convSeq, status }) => [convSeq, status])).toEqual([1, 2, 3].map((seq) => [seq, 'stored']));
    expect(server.history(wireId)).toHaveLength(3);
  });

  it('has one effect for one key', async () => {
    const client = await enter('bob');
    const key = '0123456789abcdef0123456789abcdef';
    const first = await client.send(conversationId, 'once', { key });
    expect(await client.send(conversationId, 'once', { key })).toMatchObject({ convSeq: first.convSeq, key });
    expect(server.history(wireId)).toHaveLength(1);
  });

  it('rejects with what the server refuses it for', async () => {
    const client = await enter('bob');
    server.refuse = (cmd) => (cmd === Command.send ? { reason: 'MUTED' } : undefined);
    expect(await reasonOf(client.send(conversationId, 'no'))).toBe('MUTED');
    server.refuse = () => undefined;
    expect(await reasonOf(client.send('99', 'nowhere'))).toBe('NOT_FOUND');
    expect(await reasonOf(client.edit({ conversationId, convSeq: null }, 'x'))).toBe('TARGET_INVALID');
  });

  it('waits for the network; a signal or the close end the waiting, and the next start sends it', async () => {
    const client = await enter('bob', { directory });
    const { gates } = server;
    server.gates = [];
    served.cutAll();
    const stopWaiting = new AbortController();
    const waiting = client.send(conversationId, 'first', { signal: stopWaiting.signal });
    const closed = client.send(conversationId, 'second');
    const stored = new Promise<void>((resolve) => {
      client.on('messages', ({ changed }) => {
        if (changed.some(({ text }) => text === 'second')) resolve();
      });
    });
    await stored;
    stopWaiting.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await Promise.all([expect(closed).rejects.toMatchObject({ reason: 'UNAVAILABLE' }), client.close()]);
    expect(server.history(wireId)).toHaveLength(0);
    expect(await reasonOf(client.send(conversationId, 'third'))).toBe('UNAVAILABLE');
    server.gates = gates;
    const next = await enter('bob', { directory });
    const third = await next.send(conversationId, 'third');
    expect(third.convSeq).toBe(3);
    const texts = server.history(wireId).map(({ body }) => textBody.decode(body).text);
    expect(texts).toEqual(['first', 'second', 'third']);
  });
});

describe('the event message', () => {
  it('tells others’ messages once and in order, those that wait first, and not what is mine', async () => {
    server.write(wireId, alice, 'while away');
    const client = await enter('bob');
    const heard = told(client, 5);
    await client.send(conversationId, 'mine');
    for (const text of ['a', 'b', 'c', 'd']) server.write(wireId, alice, text);
    expect(words(await heard)).toEqual(['while away', 'a', 'b', 'c', 'd']);
  });

  it('tells all of a long absence, in order', async () => {
    const count = 700;
    for (let number = 0; number < count; number += 1) server.write(wireId, alice, `m${number}`);
    const client = await enter('bob');
    expect(words(await told(client, count))).toEqual(Array.from({ length: count }, (_, number) => `m${number}`));
  });

  it('waits for the listener before it goes on, and goes on when that fails', async () => {
    const client = await enter('bob');
    const log: string[] = [];
    const errors: unknown[] = [];
    client.on('error', (error) => {
      errors.push(error);
    });
    const done = new Promise<void>((resolve) => {
      client.on('message', async ({ text }) => {
        log.push(`${text} begins`);
        await new Promise((later) => setImmediate(later));
        log.push(`${text} ends`);
        if (text === 'b') throw new Error('the listener failed');
        if (text === 'c') resolve();
      });
    });
    for (const text of ['a', 'b', 'c']) server.write(wireId, alice, text);
    await done;
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
    expect(errors).toEqual([new Error('the listener failed')]);
  });

  it('tells again after a restart what was not marked as read, and nothing else', async () => {
    const first = await enter('bob', { directory });
    for (const text of ['a', 'b', 'c']) server.write(wireId, alice, text);
    const messages = await told(first, 3);
    await first.markRead(messages[1]!);
    await first.close();
    server.write(wireId, alice, 'd');
    const second = await enter('bob', { directory });
    expect(words(await told(second, 2))).toEqual(['c', 'd']);
  });
});

describe('reading', () => {
  it('gives history in pages, from either end, a message or a moment', async () => {
    const client = await enter('bob');
    for (let number = 1; number <= 25; number += 1) server.write(wireId, alice, `m${number}`);
    await told(client, 25);
    const pages = async (options: Parameters<FastimClient['history']>[1]) => {
      const all: string[][] = [];
      for await (const page of client.history(conversationId, { pageSize: 10, ...options })) all.push(words(page));
      return all;
    };
    const names = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `m${from + index}`);
    expect(await pages({})).toEqual([names(16, 25), names(6, 15), names(1, 5)]);
    expect(await pages({ from: 'oldest' })).toEqual([names(1, 10), names(11, 20), names(21, 25)]);
    const middle = { conversationId, convSeq: 20 };
    expect((await pages({ from: middle })).flat().at(-1)).toBe('m9');
    expect(await pages({ from: middle, direction: 'newer' })).toEqual([names(21, 25)]);
    expect((await pages({ from: new Date(0) })).flat()).toEqual(names(1, 25));
    expect(await reasonOf(pages({ pageSize: 0 }))).toBe('BAD_REQUEST');
  });

  it('searches what is on the device, in pages', async () => {
    const client = await enter('bob');
    for (const text of ['明天开会', 'hello there', '会议 hello']) server.write(wireId, alice, text);
    await told(client, 3);
    const found: string[][] = [];
    for await (const page of client.search('会', { pageSize: 1 })) found.push(page.map(({ message }) => message.text));
    expect(found).toEqual([['会议 hello'], ['明天开会']]);
    const none: unknown[] = [];
    for await (const page of client.search('hello', { senderId: bob.toString() })) none.push(page);
    expect(none).toEqual([]);
  });

  it('finds the conversation with a user by name, and says when there is none', async () => {
    const client = await enter('bob');
    expect((await client.direct('alice')).conversationId).toBe(conversationId);
    expect(await reasonOf(client.direct('nobody'))).toBe('NOT_FOUND');
    expect((await client.conversations()).map(({ title }) => title)).toEqual(['ALICE']);
  });
});

describe('groups and events', () => {
  it('edits, reactions and recalls reach the other; a group is made, read and left', async () => {
    const [a, b] = await Promise.all([enter('alice'), enter('bob')]);
    const sent = await a.send(conversationId, 'helo');
    const until = (wanted: (message: Message) => boolean) =>
      new Promise<Message>((resolve) => {
        const stop = b.on('messages', ({ changed }) => {
          const found = changed.find(wanted);
          if (!found) return;
          stop();
          resolve(found);
        });
      });
    const edited = until((message) => message.edited);
    await a.edit(sent, 'hello');
    expect((await edited).text).toBe('hello');
    const reacted = until((message) => message.reactions.length > 0);
    await a.react(sent, '👍');
    expect((await reacted).reactions).toMatchObject([{ emoji: '👍', count: 1, mine: false }]);
    const recalled = until((message) => message.recalled !== null);
    await a.recall(sent);
    expect((await recalled).text).toBe('');

    const group = await a.groups.create({ name: 'Hikers', userIds: [bob.toString()] });
    // What was recalled has nothing left to be told.
    const heard = told(b, 2);
    await a.send(group, 'welcome');
    expect((await heard).map(({ kind, text }) => [kind, text])).toEqual([
      ['notice', ''],
      ['text', 'welcome'],
    ]);
    await a.groups.rename(group.conversationId, 'Walkers');
    const members: string[] = [];
    for await (const page of b.groups.members(group.conversationId)) {
      members.push(...page.map(({ user, role }) => `${user.username} ${role}`));
    }
    expect(members).toEqual(['alice owner', 'bob member']);
    expect(await reasonOf(b.groups.rename(group.conversationId, 'mine'))).toBe('NOT_ALLOWED');
    expect(await reasonOf(a.groups.leave(group.conversationId))).toBe('OWNER_CANNOT_LEAVE');
    await b.groups.leave(group.conversationId);
  });
});
