import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ManualClock, seededRandom } from '@fastim/core/testing';
import BetterSqlite from 'better-sqlite3';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fixture } from '../contract-suite/fixtures.ts';
import { verifyPostgres } from '../postgres/restore/verify-postgres.ts';
import { postgresMissing, TestStorages } from '../postgres/testing/test-storages.ts';
import { withDatabase } from '../postgres/testing/with-database.ts';
import { DATABASE_FILE } from '../sqlite/database-file.ts';
import { TemporaryFolders } from '../sqlite/testing/temporary-folders.ts';
import { type MoveReport, moveStore } from './move-store.ts';
import { movedTables } from './tables.ts';
import { type FullStore, fillStore, readStore, useStore } from './testing/full-store.ts';

const missing = await postgresMissing();
const storages = new TestStorages();
const folders = new TemporaryFolders();
const fixture = new Fixture();
let data = '';
let full: FullStore;
let expected: unknown;
let nowMs = 0;

beforeAll(async () => {
  if (missing) return;
  await storages.start();
  data = folders.make();
  fixture.storage = await folders.open({ directory: data });
  full = await fillStore(fixture);
  nowMs = fixture.later();
  expected = await readStore(fixture.storage, full, nowMs);
  await fixture.storage.close();
}, 120_000);
afterAll(async () => {
  await storages.remove();
  folders.remove();
});

interface Progress {
  table: string;
  rows: number;
  of: number;
}

function move(url: string, overrides: Partial<Parameters<typeof moveStore>[0]> = {}): Promise<MoveReport> {
  return moveStore({
    data,
    url,
    clock: new ManualClock(),
    logger: pino({ level: 'silent' }),
    onProgress: () => undefined,
    ...overrides,
  });
}

async function expectMoved(url: string): Promise<void> {
  const storage = await storages.open({ url });
  expect(await readStore(storage, full, nowMs)).toEqual(expected);
  const { problems } = await withDatabase(url, (database) => verifyPostgres(database));
  expect(problems).toEqual([]);
}

describe.skipIf(missing)('moving a store', () => {
  test('everything is there afterwards, and goes on where it was', async () => {
    const url = await storages.postgres.database();
    const lines: Progress[] = [];
    const report = await move(url, { onProgress: (progress) => lines.push(progress) });
    expect(report.outcome).toBe('moved');
    // A kind of row that the store does not have would not be tested.
    expect(Object.entries(report.tables).filter(([, rows]) => rows === 0)).toEqual([]);
    expect(Object.keys(report.tables)).toHaveLength(movedTables.length);
    for (const [table, rows] of Object.entries(report.tables)) {
      expect(lines.filter((line) => line.table === table).at(-1)).toEqual({ table, rows, of: rows });
    }
    await expectMoved(url);
    fixture.storage = await storages.open({ url });
    await useStore(fixture, full);
  });

  test('killed at twenty random points and run again it is as if it had never been', async () => {
    const url = await storages.postgres.database();
    const random = seededRandom(7);
    let kills = 0;
    for (let finished = false; !finished; ) {
      const after = kills < 20 ? 1 + Math.floor(random() * 5) : Number.POSITIVE_INFINITY;
      finished = await moveInProcess(url, after);
      if (!finished) kills += 1;
    }
    expect(kills).toBe(20);
    await expectMoved(url);
    expect((await move(url)).outcome).toBe('finished-before');
  }, 240_000);

  test('the database may go away in the middle, too', async () => {
    const url = await storages.postgres.database();
    let batches = 0;
    const cut = move(url, {
      batchRows: 25,
      onProgress: () => {
        batches += 1;
        if (batches === 5) void storages.postgres.query(CUT);
      },
    });
    await expect(cut).rejects.toMatchObject({ name: 'StorageError', kind: 'io' });
    expect((await move(url)).outcome).toBe('moved');
    await expectMoved(url);
  });

  test('no server starts on a database that is half moved', async () => {
    const url = await storages.postgres.database();
    await expect(move(url, { batchRows: 5, onProgress: stopAfter(10) })).rejects.toThrow('stopped');
    await expect(storages.open({ url })).rejects.toMatchObject({
      name: 'StorageRefusal',
      message: expect.stringContaining('migrate-store'),
    });
    await move(url);
    await expectMoved(url);
  });

  test('a database with other data is refused and left as it is', async () => {
    const url = await storages.postgres.database();
    const other = new Fixture();
    other.storage = await storages.open({ url });
    const { userId } = await other.user();
    await expect(move(url)).rejects.toMatchObject({ kind: 'in-use', message: expect.stringContaining('not empty') });
    expect(await other.storage.users.byIds([userId])).toHaveLength(1);
    await expect(storages.open({ url })).resolves.toBeDefined();
  });

  test('a store that has changed since, and another store, do not go on with what was begun', async () => {
    const url = await storages.postgres.database();
    await expect(move(url, { batchRows: 5, onProgress: stopAfter(10) })).rejects.toThrow('stopped');
    const other = folders.make();
    await (await folders.open({ directory: other })).close();
    await expect(move(url, { data: other })).rejects.toMatchObject({ kind: 'in-use' });
    const database = new BetterSqlite(join(data, DATABASE_FILE));
    try {
      const change = database.prepare('UPDATE member SET pinned_ms = pinned_ms + ? WHERE pinned_ms > 0');
      change.run(1);
      await expect(move(url)).rejects.toMatchObject({ kind: 'in-use', message: expect.stringContaining('changed') });
      change.run(-1);
    } finally {
      database.close();
    }
    expect((await move(url)).outcome).toBe('moved');
  });

  test.each([
    { what: 'a message', sql: "UPDATE message SET body = body || '\\x00' WHERE conv_seq = 2", says: 'message' },
    { what: 'a cursor', sql: 'UPDATE member SET read_seq = read_seq + 1 WHERE read_seq = 20', says: 'member' },
    { what: 'a lost row', sql: 'DELETE FROM draft', says: 'draft has 0 rows' },
    { what: 'a name', sql: "UPDATE chat_user SET display_name = display_name || ' '", says: 'chat_user' },
    { what: 'an end', sql: 'UPDATE session SET ended_ms = NULL', says: 'session' },
  ])('$what that is other there than here is found before a server can start', async ({ sql, says }) => {
    const url = await storages.postgres.database();
    const last = movedTables.at(-1)!.name;
    let damage: Promise<unknown> | undefined;
    const moving = move(url, {
      batchRows: 5,
      onProgress: ({ table, rows }) => {
        // The last table is short of its end: everything before it is there.
        if (table === last && rows === 5) damage = storages.postgres.query(sql, url);
        if (table === last && rows === 10) throw new Error('stopped');
      },
    });
    await expect(moving).rejects.toThrow('stopped');
    await damage;
    await expect(move(url)).rejects.toMatchObject({
      name: 'StorageError',
      kind: 'corrupt',
      message: expect.stringContaining(says),
    });
    await expect(storages.open({ url })).rejects.toMatchObject({ name: 'StorageRefusal' });
  });

  test('a damaged store is not moved, nor one that a server runs on, nor a folder without one', async () => {
    const url = await storages.postgres.database();
    const empty = folders.make();
    await expect(move(url, { data: empty })).rejects.toMatchObject({ kind: 'unreadable' });
    const running = folders.make();
    const storage = await folders.open({ directory: running });
    await expect(move(url, { data: running })).rejects.toMatchObject({ kind: 'in-use' });
    await storage.close();
    const database = new BetterSqlite(join(running, DATABASE_FILE));
    database.exec("INSERT INTO message_original (place, body) VALUES (5, x'00')");
    database.close();
    await expect(move(url, { data: running })).rejects.toMatchObject({ kind: 'unreadable' });
    expect(await storages.postgres.query("SELECT to_regclass('store_move')", url)).toEqual([[null]]);
  });

  test('an empty store is moved; then no other may be', async () => {
    const url = await storages.postgres.database();
    const [empty, other] = [folders.make(), folders.make()];
    for (const directory of [empty, other]) await (await folders.open({ directory })).close();
    expect(await move(url, { data: empty })).toMatchObject({ outcome: 'moved', rows: 0 });
    await expect(move(url, { data: other })).rejects.toMatchObject({
      kind: 'in-use',
      message: 'Another store was moved into this database before.',
    });
  });

  test('of two moves at once into one database the second is refused and the first goes on', async () => {
    const url = await storages.postgres.database();
    const other = folders.make();
    await (await folders.open({ directory: other })).close();
    let second: Promise<unknown> | undefined;
    const first = await move(url, {
      batchRows: 20,
      onProgress: () => {
        second ??= move(url, { data: other }).catch((error: unknown) => error);
      },
    });
    expect(first.outcome).toBe('moved');
    expect(await second).toMatchObject({ kind: 'in-use' });
    await expectMoved(url);
  });
});

const CUT = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'fastim move'`;

function stopAfter(batches: number): () => void {
  let seen = 0;
  return () => {
    seen += 1;
    if (seen === batches) throw new Error('stopped');
  };
}

/** False: killed after so many batches. */
async function moveInProcess(url: string, killAfter: number): Promise<boolean> {
  const script = fileURLToPath(new URL('./testing/move-child.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=fastim-source', script, data, url, '1'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (text) => {
    errors += text;
  });
  let lines = 0;
  let isMoved = false;
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines += 1;
    if ('outcome' in JSON.parse(line)) isMoved = true;
    if (lines === killAfter) child.kill('SIGKILL');
  });
  const [code] = await once(child, 'close');
  if (code !== 0 && code !== null) throw new Error(`the move failed: ${errors}`);
  return isMoved;
}
