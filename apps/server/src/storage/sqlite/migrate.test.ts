import BetterSqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { migrate } from './migrate.ts';
import { type Migration, migrations } from './migrations/index.ts';

const steps: Migration[] = [1, 2, 3].map((version) => ({
  version,
  name: `step-${version}`,
  apply: (database) => void database.exec(`CREATE TABLE step_${version} (x INTEGER)`),
}));

function tables(database: BetterSqlite.Database): unknown[] {
  return database.prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'step%' ORDER BY 1").pluck().all();
}

describe('migrate', () => {
  test('a new database gets every step once, in order, with its time', () => {
    const database = new BetterSqlite(':memory:');
    expect(migrate(database, steps, 77).applied).toEqual([1, 2, 3]);
    expect(migrate(database, steps, 78).applied).toEqual([]);
    expect(database.prepare('SELECT version, name, applied_ms FROM schema_migration').raw().all()).toEqual([
      [1, 'step-1', 77],
      [2, 'step-2', 77],
      [3, 'step-3', 77],
    ]);
  });

  test('an older database gets only what it lacks', () => {
    const database = new BetterSqlite(':memory:');
    migrate(database, steps.slice(0, 1), 1);
    expect(migrate(database, steps, 2).applied).toEqual([2, 3]);
    expect(tables(database)).toEqual(['step_1', 'step_2', 'step_3']);
  });

  test('a step that fails leaves the step before, whole; the next start goes on from there', () => {
    const database = new BetterSqlite(':memory:');
    const failing: Migration = {
      version: 2,
      name: 'fails',
      apply: (opened) => {
        opened.exec('CREATE TABLE step_half (x INTEGER)');
        throw new Error('broken step');
      },
    };
    expect(() => migrate(database, [steps[0]!, failing], 1)).toThrow('broken step');
    expect(tables(database)).toEqual(['step_1']);
    expect(migrate(database, steps, 2).applied).toEqual([2, 3]);
  });

  test('the released steps are numbered 1, 2, 3 … without a hole', () => {
    expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, index) => index + 1));
  });
});
