import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '@fastim/core/testing';
import type { Message } from '@fastim/protocol';
import BetterSqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fixture, TEST_SCALE, text } from '../contract-suite/fixtures.ts';
import { DATABASE_FILE } from './database-file.ts';
import { ReadMessages } from './reader/read-messages.ts';
import { toStorageError } from './sqlite-faults.ts';
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

  const range = { fromSeq: 1, toSeq: MESSAGES, limit: 1_000, newestFirst: false, viewerId: 0n };

  test('a changed row is never served as a message, whatever column it is', async () => {
    const directory = copy();
    const changes = [
      "body = cast(replace(body, 'essage', 'ESSAGE') as blob)",
      'sender_id = sender_id + 1',
      'msg_id = msg_id + 1',
      'kind = kind + 1',
      'server_time_ms = server_time_ms + 1',
      'count_no = count_no + 1',
      'checksum = checksum + 1',
      'client_msg_id = randomblob(16)',
      "client_msg_id = x'00'",
    ];
    const places = changes.map((change, index) => {
      const convSeq = 20 * (index + 1);
      edit(directory, `UPDATE message SET ${change} WHERE place & 0xffffffff = ${convSeq}`);
      return convSeq;
    });
    const { logger, lines } = recordingLogger();
    const storage = await folders.open({ directory, logger });
    for (const convSeq of places) {
      const { messages } = storage;
      for (const around of [0, 3]) {
        const page = { ...range, conversationId, fromSeq: convSeq - around, toSeq: convSeq + around };
        await expect(messages.history(page)).rejects.toMatchObject({
          name: 'StorageError',
          kind: 'corrupt',
          message: expect.stringContaining(`message ${convSeq} `),
        });
      }
      const after = { ...range, conversationId, fromSeq: convSeq + 1, toSeq: convSeq + 19 };
      expect(await messages.history(after)).toHaveLength(19);
    }
    await storage.close();
    for (const convSeq of places) {
      const line = { level: 50, convSeq, conversationId: String(conversationId) };
      expect(lines).toContainEqual(expect.objectContaining(line));
    }
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

  test('single bits flipped anywhere in the file: what is served is what was written', () => {
    const random = seededRandom(3);
    const path = join(copy(), DATABASE_FILE);
    const whole = readFileSync(path);
    const refused = { corrupt: 0, nothing: 0 };
    for (let round = 0; round < 300 * TEST_SCALE; round += 1) {
      const flipped = Buffer.from(whole);
      flipped[Math.floor(random() * whole.length)]! ^= 1 << Math.floor(random() * 8);
      writeFileSync(path, flipped);
      const outcome = readEverything(path);
      if (typeof outcome === 'string') {
        refused.corrupt += 1;
        continue;
      }
      if (outcome.length === 0) refused.nothing += 1;
      for (const message of outcome) {
        expect(text(message.body)).toBe(bodies.get(message.convSeq));
        expect(message).toMatchObject({ conversationId, senderId: userId });
      }
    }
    expect(refused.corrupt).toBeGreaterThan(0);
  });

  /** All messages, or why they cannot be had. */
  function readEverything(path: string): Message[] | string {
    let database: BetterSqlite.Database | undefined;
    try {
      database = new BetterSqlite(path);
      const reader = new ReadMessages(database, () => {});
      return reader.history({ conversationId, ...range });
    } catch (error) {
      const failure = toStorageError(error);
      // 'other': the damage is in the schema, so that not even a statement can be prepared.
      expect(failure.kind).toMatch(/^(?:corrupt|other)$/);
      return failure.kind;
    } finally {
      database?.close();
    }
  }
});
