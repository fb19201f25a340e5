import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { noMarks } from '@fastim/core';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { plainContent } from '../../engine/message-content.ts';
import type { AccountRow, ApplyResult, StoreBatch, StoredMessage } from '../../engine/store.ts';
import { silentLogger } from '../../engine/testing/silent-logger.ts';
import { storeContract } from '../../engine/testing/store-contract.ts';
import { batch, recall } from '../../engine/testing/store-samples.ts';
import { openProfileFolder } from '../profile-folder.ts';
import { DATABASE_FILE } from './sqlite-database.ts';
import { SqliteStore } from './sqlite-store.ts';

let folder: string;
let stores: SqliteStore[];

beforeEach(() => {
  folder = openProfileFolder(mkdtempSync(join(tmpdir(), 'fastim-store-')), 'test');
  stores = [];
});

afterEach(async () => {
  for (const store of stores) await store.close();
  rmSync(join(folder, '..'), { recursive: true });
});

function makeStore(): SqliteStore {
  const store = new SqliteStore({ folder, logger: silentLogger });
  stores.push(store);
  return store;
}

const account: AccountRow = {
  serverUrl: 'http://s',
  user: { userId: '1', username: 'u', displayName: 'U' },
  deviceId: 'd',
  session: {
    sessionId: '1',
    epoch: 1,
    accessToken: 'secret-access-token',
    accessExpiresAt: 0,
    refreshToken: 'secret-refresh-token',
    refreshExpiresAt: 0,
  },
  sinceMs: 0,
  openConversationId: null,
  historyEpoch: '',
};

function batchOf(messages: StoredMessage[]): StoreBatch {
  return batch({ messages });
}

function message(convSeq: number, text: string): StoredMessage {
  return {
    conversationId: '7',
    convSeq,
    msgId: `${1_000_000 + convSeq}`,
    senderId: '2',
    key: convSeq.toString(16).padStart(32, '0'),
    content: plainContent(text),
    serverTimeMs: 1,
    countNo: convSeq,
    marks: noMarks,
  };
}

describe('the store on SQLite', () => {
  for (const { name, run } of storeContract) {
    it(name, () => run(makeStore(), makeStore));
  }

  it('says who has the profile open', async () => {
    await makeStore().open();
    await expect(makeStore().open()).rejects.toMatchObject({
      kind: 'in-use',
      message: expect.stringContaining(`process ${process.pid}`),
    });
  });

  it('refuses a profile from a newer version and leaves it alone', async () => {
    const store = makeStore();
    await store.open();
    await store.close();
    const database = new Database(join(folder, DATABASE_FILE));
    database.pragma('user_version = 999');
    database.close();
    await expect(makeStore().open()).rejects.toMatchObject({
      kind: 'newer-version',
      message: expect.stringContaining('format 999'),
    });
    const after = new Database(join(folder, DATABASE_FILE));
    expect(after.pragma('user_version', { simple: true })).toBe(999);
    after.close();
  });

  it('refuses a file that is no database, and does not overwrite it', async () => {
    writeFileSync(join(folder, DATABASE_FILE), 'this is not a database '.repeat(100));
    await expect(makeStore().open()).rejects.toMatchObject({ kind: 'corrupt' });
    expect(readFileSync(join(folder, DATABASE_FILE), 'utf8')).toContain('this is not');
  });

  it('is closed to other users of the machine: folder and every file in it', async () => {
    const store = makeStore();
    await store.open();
    await store.beginAccount(account, null);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const files = readdirSync(folder);
    expect(files).toContain(`${DATABASE_FILE}-wal`);
    for (const file of files) expect([file, statSync(join(folder, file)).mode & 0o777]).toEqual([file, 0o600]);
  });

  it('leaves no trace of an account that was removed in any file', async () => {
    const store = makeStore();
    await store.open();
    const generation = await store.beginAccount(account, null);
    const texts = Array.from({ length: 500 }, (_, index) => message(index + 1, `canary-${index}-${'x'.repeat(300)}`));
    await store.apply(generation, batchOf(texts));
    const contents = () => readdirSync(folder).map((file) => readFileSync(join(folder, file), 'latin1'));
    expect(contents().some((text) => text.includes('canary-250'))).toBe(true);
    await store.endAccount(generation, null);
    for (const text of contents()) {
      expect(text).not.toContain('canary-');
      expect(text).not.toContain('secret-');
    }
  });

  it('leaves no word of a recalled message in its tables, in the index neither', async () => {
    const store = makeStore();
    await store.open();
    const generation = await store.beginAccount(account, null);
    await store.apply(generation, batchOf([message(1, 'a canarybird sings'), message(2, 'another')]));
    await store.apply(generation, batchOf([{ ...recall(3, 1), conversationId: '7' }]));
    await store.close();
    const file = readFileSync(join(folder, DATABASE_FILE), 'latin1');
    expect(file).toContain('another');
    expect(file).not.toContain('canarybird');
  });

  it('takes what it cannot hand over for the caller’s fault, and goes on', async () => {
    const store = makeStore();
    await store.open();
    const generation = await store.beginAccount(account, null);
    const bad = { ...message(1, 'x'), key: (() => 'x') as unknown as string };
    await expect(store.apply(generation, batchOf([bad]))).rejects.toMatchObject({ kind: 'other' });
    await store.apply(generation, batchOf([message(1, 'fine')]));
    const query = { conversationId: '7', fromSeq: 1, toSeq: 9, limit: 9, newestFirst: false };
    expect(await store.messages(generation, query)).toHaveLength(1);
  });

  it('rejects every call that waits when its worker dies, and can be opened again', async () => {
    const workerUrl = pathToFileURL(join(folder, 'dying-worker.mjs'));
    const source = `
      import { parentPort } from 'node:worker_threads';
      parentPort.on('message', ({ id, method }) => {
        if (method === 'open') parentPort.postMessage({ id, value: null, millis: 0 });
        else process.exit(1);
      });`;
    writeFileSync(workerUrl, source);
    const store = new SqliteStore({ folder, logger: silentLogger, workerUrl });
    await store.open();
    const calls = [store.load(1), store.saveProfile({}), store.removePendingLogOut('1')];
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { kind: 'io' } });
    }
    await expect(store.load(1)).rejects.toMatchObject({ kind: 'closed' });
    await store.open();
    await store.close();
  });

  it('takes in 10,000 messages a second and more, without holding up this thread', async () => {
    const store = makeStore();
    await store.open();
    const generation = await store.beginAccount(account, null);
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    }, 1);
    const started = performance.now();
    const writes: Promise<ApplyResult>[] = [];
    for (let batch = 0; batch < 100; batch += 1) {
      const messages = Array.from({ length: 100 }, (_, index) => message(batch * 100 + index + 1, 'a line of text'));
      writes.push(store.apply(generation, batchOf(messages)));
    }
    await Promise.all(writes);
    const seconds = (performance.now() - started) / 1000;
    clearInterval(timer);
    // Far below what it does (the report has figures), so that a busy machine does not fail it.
    expect(10_000 / seconds).toBeGreaterThan(3_000);
    expect(longest).toBeLessThan(1_000);
  });
});
