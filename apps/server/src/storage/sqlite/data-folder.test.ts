import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { afterAll, describe, expect, test } from 'vitest';
import { DATABASE_FILE } from './database-file.ts';
import { AppendChild } from './testing/start-child.ts';
import { TemporaryFolders } from './testing/temporary-folders.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

describe('a data folder in use', () => {
  test('by this process: refused, saying by whom and since when', async () => {
    const directory = folders.make();
    const storage = await folders.open({ directory });
    await expect(folders.open({ directory })).rejects.toMatchObject({
      name: 'StorageRefusal',
      kind: 'in-use',
      message: expect.stringMatching(
        new RegExp(`${directory}.* process ${process.pid} on ${hostname()} since \\d{4}-\\d\\d-\\d\\dT`),
      ),
    });
    await storage.check();
    await storage.close();
    await (await folders.open({ directory })).close();
  });

  test('by another process: refused until that is killed with -9, then open at once', async () => {
    const directory = folders.make();
    const child = new AppendChild(directory, 1, 'hold');
    await child.until((lines) => lines.length > 0);
    await expect(folders.open({ directory })).rejects.toMatchObject({
      kind: 'in-use',
      message: expect.stringContaining(`process ${child.process.pid} on`),
    });
    await child.kill();
    expect(JSON.parse(readFileSync(join(directory, 'in-use.json'), 'utf8'))).toMatchObject({ pid: child.process.pid });
    const storage = await folders.open({ directory });
    expect(JSON.parse(readFileSync(join(directory, 'in-use.json'), 'utf8'))).toMatchObject({ pid: process.pid });
    await storage.close();
  });

  test('of many processes that start at once exactly one gets it', async () => {
    const directory = folders.make();
    const children = [1, 2, 3].map((label) => new AppendChild(directory, label, 'hold'));
    await Promise.all(children.map((child) => child.until((lines) => lines.length > 0)));
    const said = children.map(({ lines }) => ('refused' in lines[0]! ? lines[0].refused : 'open')).sort();
    await Promise.all(children.map((child) => child.kill()));
    expect(said).toEqual(['in-use', 'in-use', 'open']);
  });

  test('an owner file alone is no lock, whatever it says', async () => {
    const directory = folders.make();
    for (const owner of [JSON.stringify({ pid: process.pid, host: hostname(), sinceMs: 1 }), 'not json', '']) {
      writeFileSync(join(directory, 'in-use.json'), owner);
      await (await folders.open({ directory })).close();
    }
    expect(existsSync(join(directory, 'in-use.json'))).toBe(false);
  });

  test.each(['not json', '{}', '{"pid":1,"host":"h","sinceMs":1e300}', 'null'])(
    'with the owner file %s it is still refused',
    async (owner) => {
      const directory = folders.make();
      const storage = await folders.open({ directory });
      writeFileSync(join(directory, 'in-use.json'), owner);
      await expect(folders.open({ directory })).rejects.toMatchObject({
        kind: 'in-use',
        message: expect.stringContaining('another process'),
      });
      await storage.close();
    },
  );
});

describe('a data folder that cannot be used', () => {
  test('the folder is made, for its owner only', async () => {
    const directory = join(folders.make(), 'deep', 'data');
    await (await folders.open({ directory })).close();
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  test('a file in its place is refused with the path', async () => {
    const file = join(folders.make(), 'file');
    writeFileSync(file, 'x');
    for (const directory of [file, join(file, 'below')]) {
      await expect(folders.open({ directory })).rejects.toMatchObject({
        kind: 'unreadable',
        message: expect.stringContaining(directory),
      });
    }
  });

  test('a file that is no database is refused, left as it is, and the lock is given back', async () => {
    const directory = folders.make();
    const path = join(directory, DATABASE_FILE);
    writeFileSync(path, 'this is not a database, '.repeat(400));
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(folders.open({ directory })).rejects.toMatchObject({
        name: 'StorageRefusal',
        kind: 'unreadable',
        message: expect.stringContaining(path),
      });
    }
    expect(readFileSync(path, 'utf8')).toContain('this is not a database');
  });

  test('a database of another program is refused', async () => {
    const directory = folders.make();
    const other = new BetterSqlite(join(directory, DATABASE_FILE));
    other.exec('CREATE TABLE recipes (name TEXT)');
    other.close();
    await expect(folders.open({ directory })).rejects.toMatchObject({
      kind: 'unreadable',
      message: expect.stringContaining('another program'),
    });
  });

  test('a database of a newer version is refused with both versions, unchanged, and the lock is given back', async () => {
    const directory = folders.make();
    await (await folders.open({ directory })).close();
    const newer = new BetterSqlite(join(directory, DATABASE_FILE));
    newer.exec("INSERT INTO schema_migration VALUES (1002, 'from-the-future', 1)");
    newer.close();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(folders.open({ directory })).rejects.toMatchObject({
        name: 'StorageRefusal',
        kind: 'newer-version',
        message: expect.stringMatching(/format 1002.*up to 3\b/),
      });
    }
  });
});
