import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '@fastim/core/testing';
import BetterSqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fixture, TEST_SCALE } from '../contract-suite/fixtures.ts';
import { verifyDatabase } from './backup/verify-database.ts';
import { DATABASE_FILE } from './database-file.ts';
import { TemporaryFolders } from './testing/temporary-folders.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

/** How long the log was when the message with this conv_seq was acknowledged. */
interface Ack {
  convSeq: number;
  walLength: number;
}

describe('the log cut at any place at or after an acknowledgement, as by a power cut', () => {
  const source = folders.make();
  const database = join(source, 'copy.db');
  const acks: Ack[] = [];
  let wal = Buffer.alloc(0);
  let conversationId = 0n;

  beforeAll(async () => {
    const directory = folders.make();
    const fixture = new Fixture();
    fixture.storage = await folders.open({ directory });
    const pair = await fixture.pair();
    conversationId = pair.conversationId;
    const walPath = join(directory, `${DATABASE_FILE}-wal`);
    for (let step = 0; step < 80; step += 1) {
      const sent = await fixture.send(conversationId, pair.first.userId, 1 + (step % 4));
      acks.push({ convSeq: sent.at(-1)!.convSeq, walLength: statSync(walPath).size });
    }
    copyFileSync(join(directory, DATABASE_FILE), database);
    wal = readFileSync(walPath);
    await fixture.storage.close();
  });

  test('each acknowledgement came after the log had grown', () => {
    for (let index = 1; index < acks.length; index += 1) {
      expect(acks[index]!.walLength).toBeGreaterThan(acks[index - 1]!.walLength);
    }
    expect(acks.at(-1)!.walLength).toBe(wal.length);
  });

  test.each([
    { tail: 'nothing', fill: undefined },
    { tail: 'zeros', fill: () => 0 },
    { tail: 'garbage', fill: seededRandom(5) },
  ])('followed by $tail: no acknowledged message is missing, and the database is whole', ({ fill }) => {
    const random = seededRandom(11);
    const target = join(folders.make(), 'cut.db');
    for (let round = 0; round < 50 * TEST_SCALE; round += 1) {
      const cut = acks[0]!.walLength + Math.floor(random() * (wal.length - acks[0]!.walLength + 1));
      const kept = Buffer.from(wal.subarray(0, fill ? wal.length : cut));
      if (fill) for (let index = cut; index < kept.length; index += 1) kept[index] = fill() * 256;
      copyFileSync(database, target);
      writeFileSync(`${target}-wal`, kept);
      writeFileSync(`${target}-shm`, '');
      const opened = new BetterSqlite(target);
      const last = acks.findLast(({ walLength }) => walLength <= cut)!;
      const head = opened.prepare('SELECT head_seq FROM conversation').pluck().get() as number;
      const report = verifyDatabase(opened);
      opened.close();
      expect(report).toMatchObject({ conversations: 1, problems: [] });
      expect(head).toBeGreaterThanOrEqual(last.convSeq);
      expect(report.messages).toBe(head);
    }
  });
});
