import { statSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { afterAll, expect, test } from 'vitest';
import { TemporaryFolders } from '../testing/temporary-folders.ts';
import { LogKeeper } from './log-keeper.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

const LONG = 50;
/** A frame is a page and its header. */
const FRAME_BYTES = 4096 + 24;

function bench(background: (path: string) => void) {
  const path = join(folders.make(), 'test.db');
  const database = new BetterSqlite(path);
  database.pragma('journal_mode = WAL');
  database.pragma('wal_autocheckpoint = 0');
  database.exec('CREATE TABLE row (x TEXT)');
  let requests = 0;
  const keeper = new LogKeeper(
    database,
    () => {
      requests += 1;
      background(path);
    },
    LONG,
  );
  const insert = database.prepare('INSERT INTO row (x) VALUES (?)');
  return {
    commit(times: number): number {
      let longest = 0;
      for (let round = 0; round < times; round += 1) {
        insert.run('x'.repeat(500));
        keeper.afterCommit();
        longest = Math.max(longest, statSync(`${path}-wal`).size / FRAME_BYTES);
      }
      return longest;
    },
    requests: () => requests,
    database,
  };
}

test('a short log is left alone', () => {
  const { commit, requests, database } = bench(() => {});
  commit(20);
  expect(requests()).toBe(0);
  database.close();
});

test('under steady writing the log stays near its mark, with one request for each round of it', () => {
  const { commit, requests, database } = bench((path) => {
    const other = new BetterSqlite(path);
    other.pragma('query_only = ON');
    other.pragma('wal_checkpoint(PASSIVE)');
    other.close();
  });
  expect(commit(600)).toBeLessThan(LONG + 20);
  expect(requests()).toBeGreaterThan(5);
  expect(requests()).toBeLessThan(60);
  database.close();
});

test('a request that nobody answers is not made again and again, and stops no commit', () => {
  const { commit, requests, database } = bench(() => {});
  expect(commit(300)).toBeGreaterThan(LONG);
  expect(requests()).toBe(1);
  expect(database.prepare('SELECT count(*) FROM row').pluck().get()).toBe(300);
  database.close();
});
