import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { afterAll, describe, expect, test } from 'vitest';
import { Fixture } from '../../contract-suite/fixtures.ts';
import { TemporaryFolders } from '../testing/temporary-folders.ts';
import { backupSqlite, restoreSqlite, verifyBackup } from './backup-sqlite.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

async function running() {
  const directory = folders.make();
  const fixture = new Fixture();
  fixture.storage = await folders.open({ directory });
  const pair = await fixture.pair();
  await fixture.send(pair.conversationId, pair.first.userId, 40);
  const session = await fixture.session(pair.first.userId);
  return { directory, fixture, session, target: join(folders.make(), 'deep', 'backup.db'), ...pair };
}

describe('backup', () => {
  test('of a server that goes on: what was acknowledged before is in it, and restores into a new folder', async () => {
    const { directory, fixture, session, target, conversationId, first } = await running();
    expect(await backupSqlite(directory, target)).toEqual({ conversations: 1, messages: 40, problems: [] });
    await fixture.send(conversationId, first.userId, 5);
    await fixture.storage.close();

    const restored = folders.make();
    expect(await restoreSqlite(target, restored, 1)).toEqual({ conversations: 1, messages: 40, problems: [] });
    const storage = await folders.open({ directory: restored });
    const range = { conversationId, fromSeq: 1, toSeq: 100, limit: 100, newestFirst: false, viewerId: 0n };
    expect(await storage.messages.history(range)).toHaveLength(40);
    expect(await storage.sessions.byId(session.sessionId)).toEqual(session);
    expect(await storage.users.byIds([first.userId])).toEqual([first]);
    await storage.close();
  });

  test('keeps its history epoch while it is one history; each restored one gets another', async () => {
    const { directory, fixture, target } = await running();
    const epochs = [fixture.storage.historyEpoch];
    await backupSqlite(directory, target);
    await fixture.storage.close();
    const [first, second] = [folders.make(), folders.make()];
    for (const folder of [first, second]) await restoreSqlite(target, folder, 1);
    for (const folder of [directory, first, second, first]) {
      const storage = await folders.open({ directory: folder });
      epochs.push(storage.historyEpoch);
      await storage.close();
    }
    expect(epochs[1]).toBe(epochs[0]);
    expect(epochs[4]).toBe(epochs[2]);
    expect(new Set(epochs).size).toBe(3);
  });

  test('taken while messages are being stored it is one whole moment', async () => {
    const { directory, fixture, target, conversationId, first, second } = await running();
    let going = true;
    const writer = async (userId: bigint) => {
      while (going) await fixture.send(conversationId, userId, 3);
    };
    const writers = [writer(first.userId), writer(second.userId)];
    const reports = [];
    for (let round = 0; round < 3; round += 1) {
      await fixture.send(conversationId, first.userId);
      reports.push(await backupSqlite(directory, `${target}-${round}`));
    }
    going = false;
    await Promise.all(writers);
    await fixture.storage.close();
    expect(reports.every(({ problems }) => problems.length === 0)).toBe(true);
    expect(reports[2]!.messages).toBeGreaterThan(reports[0]!.messages);
  });

  test('never writes over a file, neither a backup nor a database', async () => {
    const { directory, fixture, target } = await running();
    await backupSqlite(directory, target);
    const before = readFileSync(target);
    await expect(backupSqlite(directory, target)).rejects.toMatchObject({ name: 'StorageRefusal' });
    expect(readFileSync(target).equals(before)).toBe(true);
    await expect(restoreSqlite(target, directory, 1)).rejects.toMatchObject({ kind: 'in-use' });
    await fixture.storage.close();
    await expect(restoreSqlite(target, directory, 1)).rejects.toMatchObject({
      message: expect.stringContaining('not overwritten'),
    });
  });

  test('that is not there cannot be restored, and nothing is written', async () => {
    const folder = folders.make();
    const missing = join(folders.make(), 'missing.db');
    await expect(restoreSqlite(missing, folder, 1)).rejects.toMatchObject({
      kind: 'unreadable',
      message: expect.stringContaining(missing),
    });
    expect(existsSync(join(folder, 'fastim.db'))).toBe(false);
  });

  test('of a folder without a database: refused, and nothing is written', async () => {
    const target = join(folders.make(), 'backup.db');
    await expect(backupSqlite(folders.make(), target)).rejects.toMatchObject({ kind: 'unreadable' });
    expect(existsSync(target)).toBe(false);
  });
});

describe('verify', () => {
  test.each([
    { sql: "UPDATE message SET body = x'00' WHERE place & 0xffffffff = 3", says: 'message 3 ' },
    { sql: 'DELETE FROM message WHERE place & 0xffffffff = 7', says: 'no message 7' },
    { sql: 'DELETE FROM message WHERE place & 0xffffffff = 40', says: 'ends at 39' },
    { sql: 'UPDATE conversation SET head_seq = 41', says: 'its head says 41' },
    { sql: 'UPDATE conversation SET head_count_no = 1', says: 'its head says' },
    {
      sql: 'INSERT INTO message SELECT place + (5 << 32), 1, 1, randomblob(16), 1, 1, 1, 1, body FROM message LIMIT 1',
      says: 'belong to no conversation',
    },
  ])('finds $sql, and a restore of it is refused', async ({ sql, says }) => {
    const { directory, fixture, target } = await running();
    await fixture.storage.close();
    await backupSqlite(directory, target);
    const database = new BetterSqlite(target);
    database.pragma('foreign_keys = OFF');
    expect(database.prepare(sql).run().changes).toBeGreaterThan(0);
    database.close();
    expect((await verifyBackup(target)).problems.join('; ')).toContain(says);
    const empty = folders.make();
    await expect(restoreSqlite(target, empty, 1)).rejects.toMatchObject({ kind: 'unreadable' });
    expect(existsSync(join(empty, 'fastim.db'))).toBe(false);
  });

  test.each([
    { sql: 'UPDATE chat_group SET member_count = 9', says: 'as many members' },
    { sql: 'UPDATE member SET role = 3 WHERE role = 1', says: 'exactly the one owner' },
    { sql: 'UPDATE chat_group SET pending_joins = 1', says: 'as many requests to join' },
    { sql: 'UPDATE conversation SET kind = 1 WHERE kind = 2', says: 'is a group by its kind' },
    { sql: 'UPDATE conversation SET last_shown_seq = 1 WHERE kind = 2', says: 'another last message' },
    { sql: 'UPDATE member SET read_seq = 99 WHERE role = 3', says: 'behind its head' },
    { sql: 'DELETE FROM message_event', says: 'by an event that is not there' },
    { sql: 'UPDATE message_state SET place = place + 90', says: 'a message that is not there' },
    { sql: 'UPDATE reaction_tally SET count = 7', says: 'counts reactions' },
    { sql: 'UPDATE message_state SET recalled_seq = edited_seq WHERE edited_seq > 0', says: 'still says something' },
  ])('finds $sql', async ({ sql, says }) => {
    const { fixture, directory, target } = await running();
    const { conversationId, owner, members } = await fixture.group();
    const [sent] = await fixture.send(conversationId, owner.userId);
    await fixture.append(fixture.edit(conversationId, owner.userId, sent!.convSeq));
    await fixture.append(fixture.reaction(conversationId, members[0]!.userId, sent!.convSeq));
    await fixture.storage.close();
    expect(await backupSqlite(directory, target)).toMatchObject({ problems: [] });
    const database = new BetterSqlite(target);
    database.pragma('foreign_keys = OFF');
    expect(database.prepare(sql).run().changes).toBeGreaterThan(0);
    database.close();
    expect((await verifyBackup(target)).problems.join('; ')).toContain(says);
  });

  test('a file that is no database, or not there, is a problem and no crash', async () => {
    const path = join(folders.make(), 'x.db');
    expect((await verifyBackup(path)).problems).toHaveLength(1);
    writeFileSync(path, 'no database '.repeat(1_000));
    expect((await verifyBackup(path)).problems[0]).toContain('cannot be read');
  });
});
