import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { noMarks } from '@fastim/core';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { emptyRow } from '../../engine/conversation-rows.ts';
import { plainContent } from '../../engine/message-content.ts';
import { silentLogger } from '../../engine/testing/silent-logger.ts';
import { migrations } from './migrations/index.ts';
import { DATABASE_FILE } from './sqlite-database.ts';
import { SqliteStore } from './sqlite-store.ts';

const formatOne = fileURLToPath(new URL('../testing/format-1.db', import.meta.url));
const conversationId = '9223372036854775806';
const me = '9007199254740993001';
let folder: string;
let store: SqliteStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fastim-upgrade-'));
  store = new SqliteStore({ folder, logger: silentLogger });
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

/** A file that format 1 wrote (see the conversation in it below), opened by this version. */
async function upgraded(): Promise<number> {
  copyFileSync(formatOne, join(folder, DATABASE_FILE));
  return (await store.open()).account!.generation;
}

describe('a profile of format 1', () => {
  it('has its account, tokens, settings and log-outs after the upgrade', async () => {
    copyFileSync(formatOne, join(folder, DATABASE_FILE));
    const { profile, account, pendingLogOuts } = await store.open();
    expect(profile).toMatchObject({ deviceId: '0123456789abcdef0123456789abcdef', settings: { language: 'zh-CN' } });
    expect(account?.row).toMatchObject({
      user: { userId: me, username: 'bob', displayName: 'Bob 波' },
      session: { sessionId: '77', refreshToken: 'refresh' },
      sinceMs: 55,
      openConversationId: conversationId,
      historyEpoch: '',
    });
    expect(pendingLogOuts.map(({ sessionId }) => sessionId)).toEqual(['76']);
  });

  it('has every message and everything unsent; what it did not know of yet is known now', async () => {
    const generation = await upgraded();
    const query = { conversationId, fromSeq: 1, toSeq: 99, limit: 99, newestFirst: false };
    const messages = await store.messages(generation, query);
    expect(messages.map(({ convSeq }) => convSeq)).toEqual(Array.from({ length: 15 }, (_, index) => index + 1));
    expect(messages[0]).toEqual({
      conversationId,
      convSeq: 1,
      msgId: '9007199254740993001',
      senderId: '4',
      key: '1'.padStart(32, '0'),
      content: plainContent('明天下午三点开会'),
      serverTimeMs: 1_800_000_000_001,
      countNo: 1,
      marks: noMarks,
    });
    expect(messages[1]?.marks.reactions).toEqual([{ emoji: '👍', count: 1, mine: false, userIds: ['4'] }]);
    expect(messages[6]).toMatchObject({ content: { text: 'seven, edited 改过' }, marks: { editedSeq: 11 } });
    expect(messages[7]).toMatchObject({ content: { text: '' }, marks: { recalledSeq: 12, recalledBy: me } });
    expect(messages[13]?.content).toEqual({ type: 'unknown', kind: 99, body: 'AAH/' });
    expect(messages[14]?.content).toEqual({ type: 'unknown', kind: 1, body: '//8=' });
    const shown = await store.messages(generation, { ...query, shownOnly: true, fromSeq: 10 });
    expect(shown.map(({ convSeq }) => convSeq)).toEqual([10, 14, 15]);
    const { outbox } = await store.load(generation);
    expect(outbox).toMatchObject([
      { number: 1, content: plainContent('waiting 等待'), failure: null },
      { number: 2, content: plainContent('refused'), failure: 'NOT_A_MEMBER', refusedSinceMs: 1_800_000_000_150 },
    ]);
  });

  it('has its conversations, with what new ones begin with, and drafts that the server hears of', async () => {
    const generation = await upgraded();
    const { conversations, users } = await store.load(generation);
    const [one, other] = conversations.toSorted((a, b) => b.conversationId.length - a.conversationId.length);
    expect(Object.keys(one!).sort()).toEqual(Object.keys(emptyRow('1')).sort());
    expect(one).toMatchObject({
      headSeq: 15,
      readSeq: 3,
      ranges: [{ from: 1, to: 15 }],
      draft: 'half a sentence 半',
      settingsPending: { draft: 'half a sentence 半' },
      lastMessage: { convSeq: 15, content: { type: 'unknown' } },
    });
    expect(other).toMatchObject({
      settingsPending: null,
      lastMessage: { convSeq: 1, content: plainContent('in another conversation 会'), marks: noMarks },
    });
    expect(users.map(({ username }) => username).sort()).toEqual(['alice', 'carol']);
  });

  it('is searched as if it had always been', async () => {
    const generation = await upgraded();
    const find = async (query: string) =>
      (await store.search(generation, { query, limit: 9 })).map(({ convSeq }) => convSeq);
    expect(await find('会')).toEqual([1, 1]);
    expect(await find('ca va')).toEqual([4]);
    expect(await find('改过')).toEqual([7]);
    expect(await find('eight')).toEqual([]);
    expect(await find('seven')).toEqual([7]);
    // The index is kept in step from there on.
    await store.endAccount(generation, null);
    const next = await store.beginAccount({ ...(await rowOf()), serverUrl: 'http://other' }, null);
    expect(await store.search(next, { query: '会', limit: 9 })).toEqual([]);
  });

  it('ends in the same tables as a new one', async () => {
    await upgraded();
    await store.close();
    const before = tables(folder);
    rmSync(join(folder, DATABASE_FILE));
    await store.open();
    await store.close();
    expect(before).toEqual(tables(folder));
    expect(before.version).toBe(migrations.length);
  });
});

async function rowOf() {
  const session = {
    sessionId: '1',
    epoch: 1,
    accessToken: '',
    accessExpiresAt: 0,
    refreshToken: '',
    refreshExpiresAt: 0,
  };
  const user = { userId: me, username: 'bob', displayName: '' };
  return {
    serverUrl: '',
    user,
    deviceId: 'd',
    session,
    sinceMs: 0,
    openConversationId: null,
    historyEpoch: '',
  };
}

function tables(where: string): { version: unknown; sql: unknown[] } {
  const database = new Database(join(where, DATABASE_FILE));
  const sql = database.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name').all();
  const version = database.pragma('user_version', { simple: true });
  database.close();
  return { version, sql };
}
