import { join } from 'node:path';
import { type Message, MessageKind, plainText, textBody } from '@fastim/protocol';
import BetterSqlite, { type Database } from 'better-sqlite3';
import { afterAll, describe, expect, test } from 'vitest';
import { changed, Fixture, stored, words } from '../../contract-suite/fixtures.ts';
import { verifyBackup } from '../backup/backup-sqlite.ts';
import { DATABASE_FILE } from '../database-file.ts';
import { migrate } from '../migrate.ts';
import { StoredMessages } from '../reader/stored-message.ts';
import { TemporaryFolders } from '../testing/temporary-folders.ts';
import { migrations } from './index.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

const [ALICE, BOB, CONVERSATION, SESSION] = [101n, 102n, 7_001n, 9_001n];
const MESSAGES = 5;
const START_MS = 1_700_000_000_000;

/** A data folder as the first format left it: two people who wrote to each other, cursors, a login. */
function folderOfFirstFormat(): string {
  const directory = folders.make();
  const database = new BetterSqlite(join(directory, DATABASE_FILE));
  database.pragma('journal_mode = WAL');
  migrate(database, migrations.slice(0, 1), START_MS);
  const user = database.prepare('INSERT INTO user VALUES (?, ?, ?, ?, ?, ?, ?)');
  user.run(ALICE, 'Alice', 'alice', 'Alice A', 'alice a', '$argon2id$alice', START_MS);
  user.run(BOB, 'Bob', 'bob', 'Bob B', 'bob b', '$argon2id$bob', START_MS);
  database
    .prepare('INSERT INTO session VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, 0, ?, ?, NULL)')
    .run(SESSION, ALICE, 'd'.repeat(32), 'laptop', hash(1), START_MS, hash(2), START_MS, START_MS, START_MS);
  database
    .prepare('INSERT INTO conversation VALUES (1, ?, 1, ?, ?, ?, ?)')
    .run(CONVERSATION, MESSAGES, MESSAGES, START_MS + MESSAGES, START_MS);
  database.prepare('INSERT INTO direct_pair VALUES (?, ?, 1)').run(ALICE, BOB);
  const member = database.prepare('INSERT INTO member VALUES (1, ?, 1, 0, ?, ?, ?, ?, ?, ?)');
  member.run(ALICE, 2, 2, 5, 5, 2, START_MS);
  member.run(BOB, 4, 4, 4, 4, 5, START_MS);
  database.prepare('INSERT INTO device_cursor VALUES (1, ?, ?, 5)').run(BOB, 'e'.repeat(32));
  for (let convSeq = 1; convSeq <= MESSAGES; convSeq += 1) addMessage(database, convSeq);
  database.close();
  return directory;
}

function addMessage(database: Database, convSeq: number): void {
  const message: Message = {
    msgId: 50_000n + BigInt(convSeq),
    conversationId: CONVERSATION,
    convSeq,
    senderId: convSeq % 2 === 1 ? ALICE : BOB,
    clientMsgId: clientMsgId(convSeq),
    kind: MessageKind.text,
    body: textBody.encode(plainText(`message ${convSeq}`)),
    serverTimeMs: START_MS + convSeq,
    countNo: convSeq,
  };
  database
    .prepare('INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
    .run(
      (1n << 32n) + BigInt(convSeq),
      message.msgId,
      message.senderId,
      message.clientMsgId,
      message.kind,
      message.serverTimeMs,
      message.countNo,
      new StoredMessages().checksum(message),
      message.body,
    );
}

function clientMsgId(convSeq: number): Uint8Array {
  return new Uint8Array(16).fill(convSeq);
}

function hash(value: number): Uint8Array {
  return new Uint8Array(32).fill(value);
}

describe('a database of the first format', () => {
  test('is whole as a backup of its time, and says so', async () => {
    const directory = folderOfFirstFormat();
    const report = { conversations: 1, messages: MESSAGES, problems: [] };
    expect(await verifyBackup(join(directory, DATABASE_FILE))).toEqual(report);
  });

  test('keeps everything, and is whole after the upgrade', async () => {
    const directory = folderOfFirstFormat();
    const fixture = new Fixture();
    fixture.storage = await folders.open({ directory });
    const { storage } = fixture;
    expect((await fixture.history(CONVERSATION, ALICE)).map(words)).toEqual(
      Array.from({ length: MESSAGES }, (_, index) => `message ${index + 1}`),
    );
    expect(await fixture.state(ALICE, CONVERSATION)).toMatchObject({
      headSeq: MESSAGES,
      readSeq: 2,
      unreadBaseCountNo: 5,
      leaveSeq: 0,
      version: 0,
      role: 0,
      peer: { userId: BOB, displayName: 'Bob B' },
      peerCursor: { deliveredSeq: 5, readSeq: 4 },
      lastMessage: { convSeq: MESSAGES },
      settings: { archived: false, draft: '', hiddenVersion: 0 },
    });
    expect(await storage.conversations.mark(ALICE)).toMatchObject({ conversationCount: 1, headSum: 5, peerSum: 9 });
    expect(await storage.users.byUsernameKey('alice')).toMatchObject({ userId: ALICE, showOnline: true });
    expect(await storage.sessions.byAccessHash(hash(1))).toMatchObject({ sessionId: SESSION, endedMs: undefined });
    const again = fixture.request(CONVERSATION, ALICE, { clientMsgId: clientMsgId(3) });
    expect(await fixture.append(again)).toMatchObject({ outcome: 'repeated', convSeq: 3, msgId: 50_003n });
    await storage.close();
    expect(await verifyBackup(join(directory, DATABASE_FILE))).toMatchObject({ messages: MESSAGES, problems: [] });
  });

  test('takes everything that is new: events, settings, groups', async () => {
    const fixture = new Fixture();
    fixture.storage = await folders.open({ directory: folderOfFirstFormat() });
    const { storage } = fixture;
    expect(stored(await fixture.append(fixture.edit(CONVERSATION, ALICE, 5))).convSeq).toBe(6);
    expect(words((await fixture.state(BOB, CONVERSATION)).lastMessage)).toBe('edited');
    const settings = { conversationId: CONVERSATION, hideSeqs: [1], draft: 'later', archived: true } as const;
    const rest = { silentUntilMs: undefined, pinnedMs: undefined, markedUnread: undefined };
    const change = { ...settings, ...rest, hideSeqs: [...settings.hideSeqs] };
    expect(await storage.conversations.changeSettings(BOB, change, 1)).toMatchObject({ version: 1, changed: true });
    const made = changed(await storage.groups.create(fixture.newGroup(ALICE, [BOB])));
    expect(await storage.conversations.groupIdsOf(BOB)).toEqual([made.conversationId]);
    await storage.close();
  });

  test('gets a history epoch that stays, and that no other database has', async () => {
    const directory = folderOfFirstFormat();
    const epochs: bigint[] = [];
    for (const folder of [directory, directory, folderOfFirstFormat()]) {
      const storage = await folders.open({ directory: folder });
      epochs.push(storage.historyEpoch);
      await storage.close();
    }
    expect(epochs[0]).toBeGreaterThan(0n);
    expect(epochs[1]).toBe(epochs[0]);
    expect(epochs[2]).not.toBe(epochs[0]);
  });
});
