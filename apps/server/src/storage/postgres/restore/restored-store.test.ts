import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../roles/system-ports.ts';
import { Fixture } from '../../contract-suite/fixtures.ts';
import type { PostgresStorage } from '../open-postgres-storage.ts';
import { postgresMissing, TestStorages } from '../testing/test-storages.ts';
import { restoredStore } from './restored-store.ts';

const tools = findTools();
const missing = await postgresMissing();
if (!tools) console.warn('skipped: pg_dump and pg_restore are not installed');
const storages = new TestStorages();
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fastim-drill-'));
  await storages.start();
});
afterAll(async () => {
  await storages.remove();
  rmSync(folder, { recursive: true, force: true });
});

const ready = (url: string) => restoredStore({ url, clock: systemClock, logger: pino({ level: 'silent' }) });

async function filled(): Promise<{
  fixture: Fixture;
  storage: PostgresStorage;
  url: string;
  conversationId: bigint;
  senderId: bigint;
}> {
  const url = await storages.postgres.database();
  const fixture = new Fixture();
  const storage = await storages.open({ url });
  fixture.storage = storage;
  const { conversationId, first } = await fixture.pair();
  await fixture.send(conversationId, first.userId, 50);
  await fixture.group(4);
  return { fixture, storage, url, conversationId, senderId: first.userId };
}

describe.skipIf(missing || !tools)(
  'the drill: pg_dump while servers are at work, pg_restore into an empty database',
  () => {
    test('what was committed when the backup began is there, whole, under a new epoch', async () => {
      const { fixture, storage, url, conversationId, senderId } = await filled();
      const before = await fixture.history(conversationId, senderId);
      const file = join(folder, 'fastim.dump');
      let isBackedUp = false;
      const busy = (async () => {
        while (!isBackedUp) await fixture.send(conversationId, senderId);
      })();
      await promisify(execFile)(tools!.dump, ['--format=custom', `--file=${file}`, url]);
      isBackedUp = true;
      await busy;
      await fixture.send(conversationId, senderId, 5);
      const fence = await storage.takeNumber(7, 'the node before');

      const restored = await storages.postgres.database();
      const restore = ['--exit-on-error', '--no-owner', '--single-transaction', `--dbname=${restored}`, file];
      await promisify(execFile)(tools!.restore, restore);
      const report = await ready(restored);
      expect(report).toMatchObject({ conversations: 2, problems: [] });
      expect(report.messages).toBeGreaterThanOrEqual(before.length);

      const again = await storages.open({ url: restored });
      expect(again.historyEpoch).toBe(report.historyEpoch);
      expect(again.historyEpoch).not.toBe(storage.historyEpoch);
      const other = new Fixture();
      other.storage = again;
      const history = await other.history(conversationId, senderId);
      expect(history.slice(0, before.length)).toEqual(before);
      const all = await fixture.history(conversationId, senderId);
      expect(history).toEqual(all.slice(0, history.length));
      expect(history.length).toBeLessThan(all.length);
      expect(await again.takeNumber(7, 'the node after')).toBeGreaterThan(0n);
      expect(fence).toBeGreaterThan(0n);
      const { convSeq } = (await other.send(conversationId, senderId))[0]!;
      expect(convSeq).toBe(history.length + 1);
    });
  },
);

describe.skipIf(missing)('making a restored database ready', () => {
  test('every call gives the history another epoch, and raises the fences of node numbers', async () => {
    const { storage, url } = await filled();
    const fence = await storage.takeNumber(3, 'a node');
    await storage.close();
    const [first, second] = [await ready(url), await ready(url)];
    expect(new Set([storage.historyEpoch, first.historyEpoch, second.historyEpoch]).size).toBe(3);
    const again = await storages.open({ url });
    expect(again.historyEpoch).toBe(second.historyEpoch);
    expect(await again.takeNumber(3, 'another node')).toBeGreaterThan(fence + 2n ** 32n);
  });

  test('not while servers are connected', async () => {
    const { storage, url } = await filled();
    await expect(ready(url)).rejects.toMatchObject({
      name: 'StorageRefusal',
      kind: 'in-use',
      message: expect.stringContaining('stop them'),
    });
    const again = await storages.open({ url });
    expect(again.historyEpoch).toBe(storage.historyEpoch);
  });

  test.each([
    { what: 'a lost message', sql: 'DELETE FROM message WHERE conv_seq = 20', says: 'has no message 20' },
    { what: 'a lost end', sql: 'DELETE FROM message WHERE conv_seq = 50', says: 'its head says 50' },
    {
      what: 'a message that was changed',
      sql: "UPDATE message SET body = '\\x01' WHERE conv_seq = 9",
      says: 'message 9',
    },
    { what: 'a lost conversation', sql: 'DELETE FROM conversation WHERE kind = 1', says: 'is not there itself' },
    { what: 'a lost member', sql: 'DELETE FROM member WHERE role = 1', says: 'as many members' },
    { what: 'no owner', sql: 'UPDATE member SET role = 2 WHERE role = 3', says: 'the one owner' },
    { what: 'a group without its rows', sql: 'DELETE FROM chat_group', says: 'a group by its kind' },
    { what: 'a group that nobody made', sql: 'DELETE FROM group_creation', says: 'by who made it' },
    {
      what: 'a mark of nothing',
      sql: 'INSERT INTO message_state SELECT conversation_id, 99, 0, 0, 0, 0 FROM conversation',
      says: 'has a mark',
    },
    { what: 'a cursor in the future', sql: 'UPDATE member SET read_seq = 1000', says: 'behind its head' },
  ])('$what is said, and the epoch stays', async ({ sql, says }) => {
    const { storage, url } = await filled();
    await storage.close();
    await storages.postgres.query(sql, url);
    const report = await ready(url);
    expect(report.historyEpoch).toBeUndefined();
    expect(report.problems).toContainEqual(expect.stringContaining(says));
    expect((await storages.open({ url })).historyEpoch).toBe(storage.historyEpoch);
  });
});

function findTools(): { dump: string; restore: string } | undefined {
  const debian = '/usr/lib/postgresql';
  const folders = existsSync(debian)
    ? readdirSync(debian)
        .toSorted((left, right) => Number(right) - Number(left))
        .map((major) => join(debian, major, 'bin'))
    : [];
  for (const place of [...folders, ...(process.env.PATH ?? '').split(':')]) {
    const [dump, restore] = [join(place, 'pg_dump'), join(place, 'pg_restore')];
    if (existsSync(dump) && existsSync(restore)) return { dump, restore };
  }
  return undefined;
}
