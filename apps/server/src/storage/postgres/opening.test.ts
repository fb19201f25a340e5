import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fixture } from '../contract-suite/fixtures.ts';
import { migrations } from './migrations/index.ts';
import { postgresMissing, recordingLogger, TestStorages } from './testing/test-storages.ts';

const missing = await postgresMissing();
const storages = new TestStorages();

describe.skipIf(missing)('opening a PostgreSQL storage', () => {
  beforeAll(() => storages.start());
  afterAll(() => storages.remove());

  const databaseOf = (url: string) => new URL(url).pathname.slice(1);

  test('many nodes at once on an empty database: one of them makes the format, all have the same history', async () => {
    const url = await storages.postgres.database();
    const { logger, lines } = recordingLogger();
    const opened = await Promise.all(Array.from({ length: 6 }, () => storages.open({ url, logger, poolSize: 2 })));
    expect(new Set(opened.map(({ historyEpoch }) => historyEpoch)).size).toBe(1);
    expect(opened[0]!.historyEpoch).toBeGreaterThan(0n);
    expect(lines.filter(({ msg }) => msg === 'database brought to a newer format')).toHaveLength(1);
    const other = await storages.open();
    expect(other.historyEpoch).not.toBe(opened[0]!.historyEpoch);
  });

  test('a newer format is refused, and both versions are named', async () => {
    const url = await storages.postgres.database();
    await (await storages.open({ url })).close();
    await storages.postgres.query("INSERT INTO schema_migration VALUES (99, 'future', 1)", url);
    const newest = migrations.at(-1)!.version;
    await expect(storages.open({ url })).rejects.toMatchObject({
      name: 'StorageRefusal',
      kind: 'newer-version',
      message: expect.stringMatching(new RegExp(`format 99.*up to ${newest}`)),
    });
  });

  test('a database of another program is left alone', async () => {
    const url = await storages.postgres.database();
    await storages.postgres.query('CREATE TABLE invoices (id int)', url);
    await expect(storages.open({ url })).rejects.toMatchObject({ name: 'StorageRefusal', kind: 'unreadable' });
    expect(
      await storages.postgres.query("SELECT count(*)::int FROM pg_tables WHERE schemaname = 'public'", url),
    ).toEqual([[1]]);
  });

  test('a database that does not keep text in UTF-8 is refused', async () => {
    await storages.postgres.query("CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'");
    const url = storages.postgres.urlOf('ascii');
    await expect(storages.open({ url })).rejects.toMatchObject({
      kind: 'unreadable',
      message: expect.stringContaining('UTF8'),
    });
  });

  test('synchronous_commit off is refused, wherever it is set; local is made stronger', async () => {
    const url = await storages.postgres.database();
    await storages.postgres.query(`ALTER DATABASE ${databaseOf(url)} SET synchronous_commit = off`);
    await expect(storages.open({ url })).rejects.toMatchObject({
      name: 'StorageRefusal',
      kind: 'not-durable',
      message: expect.stringContaining('synchronous_commit is off'),
    });
    await storages.postgres.query(`ALTER DATABASE ${databaseOf(url)} SET synchronous_commit = local`);
    const storage = await storages.open({ url });
    await storage.check();
    await storage.close();
  });

  test.each(['fsync', 'full_page_writes'])('%s off is refused', async (name) => {
    const own = new TestStorages();
    await own.start();
    try {
      await own.postgres.stop();
      own.postgres.set(name, 'off');
      await own.postgres.run();
      await expect(own.open()).rejects.toMatchObject({
        kind: 'not-durable',
        message: expect.stringContaining(`${name} is off`),
      });
    } finally {
      await own.remove();
    }
  });

  test('a server that does not answer is an error that may be tried again, not a refusal', async () => {
    await expect(storages.open({ url: 'postgres://x@127.0.0.1:1/x' })).rejects.toMatchObject({
      name: 'StorageError',
      kind: 'io',
    });
  });

  test('what was stored is there when it is opened again', async () => {
    const url = await storages.postgres.database();
    const fixture = new Fixture();
    fixture.storage = await storages.open({ url });
    const { conversationId, first } = await fixture.pair();
    await fixture.send(conversationId, first.userId, 3);
    const epoch = fixture.storage.historyEpoch;
    await fixture.storage.close();
    fixture.storage = await storages.open({ url });
    expect(await fixture.history(conversationId)).toHaveLength(3);
    expect(fixture.storage.historyEpoch).toBe(epoch);
  });

  test('a damaged message is never given out; one in a preview does not keep a user from the list', async () => {
    const url = await storages.postgres.database();
    const fixture = new Fixture();
    const { logger, lines } = recordingLogger();
    fixture.storage = await storages.open({ url, logger });
    const { conversationId, first } = await fixture.pair();
    await fixture.send(conversationId, first.userId, 3);
    for (const damage of [
      'UPDATE message SET body = set_byte(body, 1, 255 - get_byte(body, 1)) WHERE conv_seq = 3',
      'UPDATE message SET count_no = count_no + 1 WHERE conv_seq = 3',
      'UPDATE message SET conv_seq = 4 WHERE conv_seq = 3',
      'DELETE FROM message WHERE conv_seq = 3',
    ]) {
      const saved = await storages.postgres.query('SELECT * FROM message WHERE conv_seq IN (3, 4)', url);
      expect(saved).toHaveLength(1);
      await storages.postgres.query('CREATE TABLE saved AS SELECT * FROM message', url);
      await storages.postgres.query(damage, url);
      await expect(fixture.history(conversationId)).rejects.toMatchObject({ name: 'StorageError', kind: 'corrupt' });
      expect((await fixture.state(first.userId, conversationId)).lastMessage).toBeUndefined();
      await storages.postgres.query(
        'DELETE FROM message; INSERT INTO message SELECT * FROM saved; DROP TABLE saved',
        url,
      );
      expect(await fixture.history(conversationId)).toHaveLength(3);
    }
    expect(lines.some(({ msg }) => msg === 'stored message is damaged')).toBe(true);
  });
});
