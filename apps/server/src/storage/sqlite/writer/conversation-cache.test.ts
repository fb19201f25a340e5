import BetterSqlite, { type Database } from 'better-sqlite3';
import { beforeEach, describe, expect, test } from 'vitest';
import { migrate } from '../migrate.ts';
import { migrations } from '../migrations/index.ts';
import { ConversationCache } from './conversation-cache.ts';

const GROUP = 900n;
const MEMBERS = 200;

function groupOf(members: number): Database {
  const database = new BetterSqlite(':memory:');
  migrate(database, migrations, 1);
  database.exec(`
    INSERT INTO conversation (conversation_no, conversation_id, kind, head_seq, head_count_no, last_activity_ms,
                              created_ms) VALUES (1, ${GROUP}, 2, 5, 3, 7, 1);
    INSERT INTO chat_group VALUES (1, 'Walkers', 1, '', 1, ${members}, 1, 0, 0)`);
  const add = database.prepare(
    `INSERT INTO member (conversation_no, user_id, join_seq, join_count_no, read_seq, read_count_no, own_seq,
                         own_count_no, delivered_seq, changed_ms, role) VALUES (1, ?, 1, 0, 0, 0, 0, 0, 0, 1, 1)`,
  );
  for (let userId = 1; userId <= members; userId += 1) add.run(userId);
  return database;
}

describe('conversation cache', () => {
  let database: Database;
  beforeEach(() => {
    database = groupOf(MEMBERS);
  });

  test('of a group only the members that are asked for are read', () => {
    const cache = new ConversationCache(database);
    const entry = cache.get(GROUP)!;
    expect(entry).toMatchObject({ kind: 2, headSeq: 5, headCountNo: 3, group: { muteAll: true }, memberIds: [] });
    expect(entry.members.size).toBe(0);
    expect(cache.member(entry, 7n)).toMatchObject({ userId: 7n, role: 1, leaveSeq: 0 });
    expect(cache.member(entry, 7n)).toBe(cache.member(entry, 7n));
    expect(cache.member(entry, 1_000n)).toBeUndefined();
    expect(entry.members.size).toBe(1);
  });

  test('more members than the bound are let go, after their changes are written', () => {
    const cache = new ConversationCache(database, 10, 50);
    for (let userId = 1n; userId <= MEMBERS; userId += 1n) {
      const entry = cache.get(GROUP)!;
      const member = cache.member(entry, userId)!;
      member.ownSeq = Number(userId);
      cache.touchOwn(entry, member);
      cache.flush();
      expect(entry.members.size).toBeLessThanOrEqual(51);
    }
    const written = database.prepare('SELECT count(*) FROM member WHERE own_seq = user_id').pluck().get();
    expect(written).toBe(MEMBERS);
  });

  test('an own send writes nothing but itself; any other change writes everything', () => {
    const cache = new ConversationCache(database);
    const entry = cache.get(GROUP)!;
    const [sender, reader] = [cache.member(entry, 1n)!, cache.member(entry, 2n)!];
    for (const member of [sender, reader]) {
      Object.assign(member, { ownSeq: 5, ownCountNo: 3, readSeq: 4 });
      cache.touchOwn(entry, member);
    }
    cache.touchMember(entry, reader);
    cache.touchOwn(entry, reader);
    cache.flush();
    const rows = database.prepare('SELECT own_seq, own_count_no, read_seq FROM member WHERE user_id <= 2').raw().all();
    expect(rows).toEqual([
      [5, 3, 0],
      [5, 3, 4],
    ]);
  });

  test('a conversation that has to make room in the middle of a transaction is read again as it was left', () => {
    const cache = new ConversationCache(database, 2);
    for (let id = 1; id <= 6; id += 1) {
      database.exec(`INSERT INTO conversation (conversation_no, conversation_id, kind, head_seq, head_count_no,
                     last_activity_ms, created_ms) VALUES (${id + 1}, ${id}, 1, 0, 0, 1, 1)`);
    }
    const entry = cache.get(GROUP)!;
    entry.headSeq = 6;
    cache.touchHead(entry);
    for (let id = 1n; id <= 6n; id += 1n) cache.get(id);
    const again = cache.get(GROUP)!;
    expect(again).not.toBe(entry);
    expect(again.headSeq).toBe(6);
  });

  test('a conversation that is released has its changes in the database, and is read anew', () => {
    const cache = new ConversationCache(database);
    const entry = cache.get(GROUP)!;
    entry.headSeq = 6;
    cache.touchHead(entry);
    cache.release(GROUP);
    expect(database.prepare('SELECT head_seq FROM conversation').pluck().get()).toBe(6);
    database.exec('UPDATE conversation SET head_seq = 7');
    expect(cache.get(GROUP)!.headSeq).toBe(7);
    cache.flush();
    expect(database.prepare('SELECT head_seq FROM conversation').pluck().get()).toBe(7);
  });
});
