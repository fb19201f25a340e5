import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { emptyRow } from '../engine/conversation-rows.ts';
import { silentLogger } from '../engine/testing/index.ts';
import { openProfileFolder } from './profile-folder.ts';
import { SqliteStore } from './sqlite/sqlite-store.ts';

const conversationId = '42';
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fastim-killed-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** Starts the writer, kills it (-9) after it has said `count` more messages, and returns the last number it said. */
async function writeUntilKilled(first: number, count: number): Promise<number> {
  const script = fileURLToPath(new URL('./testing/send-until-killed.ts', import.meta.url));
  const child = spawn(
    process.execPath,
    ['--conditions=fastim-source', script, directory, 'victim', conversationId, String(first)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    // From then on it is in the middle of something, whatever that is.
    if (said.split('\n').length > count) child.kill('SIGKILL');
  }
  await exited;
  return Number(said.trimEnd().split('\n').at(-1));
}

describe('a client that is killed while it writes', () => {
  it('has every message that it had accepted in its outbox, in order, and lets go of its profile', async () => {
    const store = new SqliteStore({ folder: openProfileFolder(directory, 'victim'), logger: silentLogger });
    await store.open();
    const session = {
      sessionId: '1',
      epoch: 1,
      accessToken: 'a',
      accessExpiresAt: 0,
      refreshToken: 'r',
      refreshExpiresAt: 0,
    };
    const user = { userId: '1', username: 'victim', displayName: 'Victim' };
    const row = {
      serverUrl: 'http://127.0.0.1:9',
      user,
      deviceId: 'd',
      session,
      sinceMs: 0,
      openConversationId: null,
      historyEpoch: '',
    };
    const generation = await store.beginAccount(row, null);
    await store.apply(generation, {
      durable: true,
      account: null,
      conversations: [emptyRow(conversationId)],
      messagesCut: [],
      messages: [],
      hide: [],
      users: [],
      outboxPut: [],
      outboxRemove: [],
    });
    await store.close();
    let next = 1;
    for (let round = 0; round < runs(3); round += 1) {
      const last = await writeUntilKilled(next, 5 + round * 37);
      expect(last).toBeGreaterThanOrEqual(next);
      await store.open();
      const { outbox } = await store.load(generation);
      await store.close();
      // One more may have been on disk that it had not said yet.
      const texts = outbox.map(({ content }) => (content.type === 'text' ? content.text : content.type));
      expect(texts.length - last).toBeGreaterThanOrEqual(0);
      expect(texts.length - last).toBeLessThanOrEqual(1);
      expect(texts).toEqual(Array.from({ length: texts.length }, (_, index) => `message ${index + 1}`));
      expect(new Set(outbox.map(({ key }) => key)).size).toBe(outbox.length);
      next = texts.length + 1;
    }
  }, 120_000);
});
