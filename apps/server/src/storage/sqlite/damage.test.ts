import { closeSync, copyFileSync, openSync, readFileSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '@fastim/core/testing';
import BetterSqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fixture, TEST_SCALE, text } from '../contract-suite/fixtures.ts';
import { StorageError, StorageRefusal } from '../storage.ts';
import { DATABASE_FILE } from './database-file.ts';
import { recordingLogger, TemporaryFolders } from './testing/temporary-folders.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

const MESSAGES = 300;

describe('damaged rows', () => {
  const source = folders.make();
  let conversationId = 0n;
  let userId = 0n;
  const bodies = new Map<number, string>();

  beforeAll(async () => {
    const fixture = new Fixture();
    fixture.storage = await folders.open({ directory: source });
    const pair = await fixture.pair();
    conversationId = pair.conversationId;
    userId = pair.first.userId;
    const batch = Array.from({ length: MESSAGES }, (_, index) =>
      fixture.request(conversationId, userId, {
        body: new TextEncoder().encode(`message ${index} ${'.'.repeat(index)}`),
      }),
    );
    await fixture.storage.messages.append(batch);
    batch.forEach(({ body }, index) => void bodies.set(index + 1, text(body)));
    await fixture.storage.close();
  });

  function copy(): string {
    const directory = folders.make();
    copyFileSync(join(source, DATABASE_FILE), join(directory, DATABASE_FILE));
    return directory;
  }

  function edit(directory: string, sql: string): void {
    const database = new BetterSqlite(join(directory, DATABASE_FILE));
    expect(database.prepare(sql).run().changes).toBeGreaterThan(0);
    database.close();
  }

  const range = { fromSeq: 1, toSeq: MESSAGES, limit: 1_000, newestFirst: false };

  test.each([
    'body = cast(replace(body, "essage", "ESSAGE") as blob)',
    'sender_id = sender_id + 1',
    'msg_id = msg_id + 1',
    'kind = kind + 1',
    'server_time_ms = server_time_ms + 1',
    'count_no = count_no + 1',
    'checksum = checksum + 1',
    'client_msg_id = randomblob(16)',
    "client_msg_id = x'00'",
  ])('a changed row is never served as a message: %s', async (change) => {
    const directory = copy();
    edit(directory, `UPDATE message SET ${change.replaceAll('"', "'")} WHERE place & 0xffffffff = 20`);
    const { logger, lines } = recordingLogger();
    const storage = await folders.open({ directory, logger });
    const { messages } = storage;
    await expect(messages.history({ conversationId, ...range })).rejects.toMatchObject({
      name: 'StorageError',
      kind: 'corrupt',
      message: expect.stringContaining('message 20 '),
    });
    expect(await messages.history({ conversationId, ...range, toSeq: 19 })).toHaveLength(19);
    expect(await messages.history({ conversationId, ...range, fromSeq: 21 })).toHaveLength(MESSAGES - 20);
    await storage.close();
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 50, convSeq: 20, conversationId: String(conversationId) }),
    );
  });

  test.each([
    { where: '= 20', name: 'in the middle' },
    { where: '= 1', name: 'at the start' },
    { where: `= ${MESSAGES}`, name: 'at the head' },
  ])('a missing row $name is an error, not a shorter answer', async ({ where }) => {
    const directory = copy();
    edit(directory, `DELETE FROM message WHERE place & 0xffffffff ${where}`);
    const storage = await folders.open({ directory });
    for (const newestFirst of [true, false]) {
      const call = storage.messages.history({ conversationId, ...range, newestFirst });
      await expect(call).rejects.toMatchObject({ kind: 'corrupt' });
    }
    await storage.close();
  });

  test('a damaged head row leaves the list usable, without the preview, and is logged', async () => {
    const directory = copy();
    edit(directory, `UPDATE message SET kind = 9 WHERE place & 0xffffffff = ${MESSAGES}`);
    const { logger, lines } = recordingLogger();
    const storage = await folders.open({ directory, logger });
    const [state] = await storage.conversations.states(userId, [conversationId]);
    expect(state).toMatchObject({ headSeq: MESSAGES, lastMessage: undefined });
    await storage.close();
    expect(lines).toContainEqual(expect.objectContaining({ level: 50, convSeq: MESSAGES }));
  });

  test('single bits flipped anywhere in the file: what is served is what was written', async () => {
    const random = seededRandom(3);
    const size = statSync(join(source, DATABASE_FILE)).size;
    let detected = 0;
    for (let round = 0; round < 40 * TEST_SCALE; round += 1) {
      const directory = copy();
      flipBit(join(directory, DATABASE_FILE), Math.floor(random() * size), Math.floor(random() * 8));
      try {
        const storage = await folders.open({ directory });
        try {
          for (let from = 1; from <= MESSAGES; from += 50) {
            const page = { conversationId, fromSeq: from, toSeq: from + 49, limit: 50, newestFirst: false };
            for (const message of await storage.messages.history(page)) {
              expect(text(message.body)).toBe(bodies.get(message.convSeq));
              expect(message.senderId).toBe(userId);
            }
          }
        } finally {
          await storage.close();
        }
      } catch (error) {
        if (error instanceof StorageRefusal) expect(error.kind).toMatch(/unreadable|newer-version/);
        else if (error instanceof StorageError) expect(error.kind).toMatch(/corrupt|other/);
        else throw error;
        detected += 1;
      }
    }
    expect(detected).toBeGreaterThan(0);
  }, 60_000);
});

function flipBit(path: string, offset: number, bit: number): void {
  const before = readFileSync(path)[offset]!;
  const descriptor = openSync(path, 'r+');
  writeSync(descriptor, Uint8Array.of(before ^ (1 << bit)), 0, 1, offset);
  const after = new Uint8Array(1);
  readSync(descriptor, after, 0, 1, offset);
  closeSync(descriptor);
  expect(after[0]).not.toBe(before);
}
