import BetterSqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { plannedOnce } from './planned-once.ts';

describe('plannedOnce', () => {
  const database = new BetterSqlite(':memory:');
  database.exec('CREATE TABLE place (x INTEGER, y INTEGER, name TEXT); CREATE INDEX place_by_x ON place (x, y)');
  database.exec("INSERT INTO place VALUES (1, 2, 'a'), (1, 3, 'b'), (2, 2, '10'), (9007199254740993, 1, 'large')");

  test('finds the same rows, with numbers, large integers, text and names', () => {
    const names = (sql: string, ...values: unknown[]) =>
      database
        .prepare(sql)
        .pluck()
        .all(...values);
    for (const [sql, ...values] of [
      ['SELECT name FROM place WHERE x = ? AND y > ? ORDER BY y DESC LIMIT ?', 1, 1, 2],
      ['SELECT name FROM place WHERE x = ?', 9007199254740993n],
      ['SELECT name FROM place WHERE name = :name', { name: '10' }],
      ['SELECT name FROM place WHERE x BETWEEN ? AND ? ORDER BY y', 1, 2],
    ] as const) {
      expect(names(plannedOnce(sql), ...values)).toEqual(names(sql, ...values));
      expect(names(sql, ...values).length).toBeGreaterThan(0);
    }
  });

  test('goes by the same index', () => {
    const sql = 'SELECT name FROM place WHERE x = ? AND y > ? ORDER BY y';
    const plan = (query: string) =>
      (database.prepare(`EXPLAIN QUERY PLAN ${query}`).all(1, 1) as { detail: string }[]).map(({ detail }) => detail);
    expect(plan(plannedOnce(sql))).toEqual(plan(sql));
    expect(plan(sql).join()).toContain('place_by_x');
  });
});
