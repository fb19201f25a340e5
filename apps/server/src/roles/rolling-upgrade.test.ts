import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type FastimClient, type Message } from '@fastim/desktop/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalCluster, startLocalCluster } from '../local-cluster/local-cluster.ts';
import { missingStores } from '../local-cluster/testing/missing-stores.ts';

const missing = await missingStores();
const names = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'];
const SEND_EVERY_MS = 200;
const BACK_MS = 10_000;
const TEST_MS = 300_000;

let directory: string;
let cluster: LocalCluster;

beforeAll(async () => {
  if (missing) return;
  directory = mkdtempSync(join(tmpdir(), 'fastim-rolling-'));
  cluster = await startLocalCluster({ directory, lsbs: 2, gates: 2, apis: 2, logics: 2 });
}, TEST_MS);
afterAll(async () => {
  await cluster?.stop();
  if (directory) rmSync(directory, { recursive: true, force: true });
}, TEST_MS);

/** Somebody who writes without a pause, and what he was told is stored. */
class Writer {
  readonly name: string;
  readonly client: FastimClient;
  readonly acked = new Map<string, Message>();
  readonly failed: unknown[] = [];
  /** The longest time without being online. */
  longestAwayMs = 0;
  readonly #conversations: readonly string[];
  readonly #sends: Promise<void>[] = [];
  #writing = true;
  #loop: Promise<void> | undefined;

  constructor(name: string, client: FastimClient, conversations: readonly string[]) {
    this.name = name;
    this.client = client;
    this.#conversations = conversations;
    let awaySince: number | undefined;
    client.on('connection', ({ state }) => {
      if (state !== 'online') {
        awaySince ??= performance.now();
      } else if (awaySince !== undefined) {
        this.longestAwayMs = Math.max(this.longestAwayMs, performance.now() - awaySince);
        awaySince = undefined;
      }
    });
  }

  start(): void {
    this.#loop = (async () => {
      for (let number = 0; this.#writing; number += 1) {
        for (const conversationId of this.#conversations) {
          const text = `${this.name} ${number}`;
          const sent = this.client.send(conversationId, text);
          this.#sends.push(
            sent.then(
              (message) => void this.acked.set(`${conversationId} ${text}`, message),
              (error: unknown) => void this.failed.push(error),
            ),
          );
        }
        await sleep(SEND_EVERY_MS);
      }
    })();
  }

  /** Resolves when everything that was sent is acknowledged. */
  async stop(): Promise<void> {
    this.#writing = false;
    await this.#loop;
    await Promise.all(this.#sends);
  }
}

async function isOnline(client: FastimClient): Promise<boolean> {
  return (await client.connection()).state === 'online';
}

/** Who is not online after the time. */
async function notBack(writers: readonly Writer[]): Promise<string[]> {
  const deadline = performance.now() + BACK_MS;
  for (;;) {
    const online = await Promise.all(writers.map(({ client }) => isOnline(client)));
    const away = writers.filter((_, index) => !online[index]).map(({ name }) => name);
    if (away.length === 0 || performance.now() > deadline) return away;
    await sleep(50);
  }
}

async function historyOf(client: FastimClient, conversationId: string): Promise<Message[]> {
  const pages: Message[][] = [];
  for await (const page of client.history(conversationId, { pageSize: 200 })) pages.unshift(page);
  return pages.flat().filter((message) => message.kind === 'text');
}

/** Until the device has as many as it is to have. */
async function settledHistory(client: FastimClient, conversationId: string, count: number): Promise<Message[]> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const messages = await historyOf(client, conversationId);
    if (messages.length >= count || performance.now() > deadline) return messages;
    await sleep(100);
  }
}

describe.skipIf(missing !== undefined)(`a rolling upgrade${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('restarts every process while six people chat: nothing lost, doubled or misordered, everybody soon back', {
    timeout: TEST_MS,
  }, async () => {
    const clients = await Promise.all(
      names.map((username, index) =>
        connect({
          serverUrl: cluster.serverUrls[index % cluster.serverUrls.length] ?? '',
          username,
          password: 'a long password',
          register: true,
        }),
      ),
    );
    const [alice] = clients as [FastimClient];
    const { conversationId: group } = await alice.groups.create({
      name: 'Upgrade',
      userIds: clients.slice(1).map((client) => client.account.user.userId),
    });
    const writers: Writer[] = [];
    for (const [index, client] of clients.entries()) {
      const peer = names[index ^ 1] ?? '';
      const { conversationId } = await client.direct(peer);
      writers.push(new Writer(names[index] ?? '', client, [conversationId, group]));
    }
    const away: string[] = [];
    try {
      for (const writer of writers) writer.start();
      for (const { name, kind } of cluster.members()) {
        if (kind === 'postgres' || kind === 'redis') continue;
        await cluster.signal(name, 'SIGTERM');
        await cluster.start(name);
        away.push(...(await notBack(writers)).map((who) => `${who} after ${name}`));
      }
      await Promise.all(writers.map((writer) => writer.stop()));
      expect(away).toEqual([]);
      expect(writers.flatMap(({ failed }) => failed)).toEqual([]);

      const acked = new Map(writers.flatMap((writer) => [...writer.acked]));
      expect(acked.size).toBeGreaterThan(300);
      const conversations = new Set([...acked.values()].map(({ conversationId }) => conversationId));
      expect(conversations.size).toBe(4);
      for (const conversationId of conversations) {
        const stored = [...acked.values()].filter((message) => message.conversationId === conversationId);
        const expected = stored.toSorted((left, right) => Number(left.convSeq) - Number(right.convSeq));
        const readers = writers.filter(
          ({ name }) => conversationId === group || expected.some(({ text }) => text.startsWith(`${name} `)),
        );
        for (const { name, client } of readers) {
          const messages = await settledHistory(client, conversationId, expected.length);
          const shown = messages.map(({ text, convSeq }) => `${convSeq} ${text}`);
          expect(shown, `${name} in ${conversationId}`).toEqual(
            expected.map(({ text, convSeq }) => `${convSeq} ${text}`),
          );
        }
        for (const { name } of readers) {
          const own = expected.filter(({ text }) => text.startsWith(`${name} `));
          expect(own.map(({ text }) => text)).toEqual(own.map((_, number) => `${name} ${number}`));
        }
      }
    } finally {
      await Promise.all(writers.map((writer) => writer.stop()));
      await Promise.all(clients.map((client) => client.close()));
    }
  });
});
