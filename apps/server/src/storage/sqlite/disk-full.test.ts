import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { Fixture, stored } from '../contract-suite/fixtures.ts';
import type { AppendRequest } from '../message-store.ts';
import type { Storage } from '../storage.ts';
import { TemporaryFolders } from './testing/temporary-folders.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

const BODY = new Uint8Array(2_000).fill(65);

/** Appends until it is refused; returns what was stored and the batch that was not. */
async function fill(fixture: Fixture, conversationId: bigint, senderId: bigint) {
  const acked: AppendRequest[] = [];
  for (let round = 0; round < 10_000; round += 1) {
    const batch = [1, 2, 3].map(() => fixture.request(conversationId, senderId, { body: BODY }));
    try {
      await fixture.storage.messages.append(batch);
      acked.push(...batch);
    } catch (error) {
      return { acked, refused: batch, error };
    }
  }
  throw new Error('never full');
}

async function msgIds(storage: Storage, conversationId: bigint): Promise<bigint[]> {
  const found: bigint[] = [];
  for (;;) {
    const page = {
      conversationId,
      fromSeq: found.length + 1,
      toSeq: 1e9,
      limit: 1_000,
      newestFirst: false,
      viewerId: 0n,
    };
    const messages = await storage.messages.history(page);
    if (messages.length === 0) return found;
    found.push(...messages.map(({ msgId }) => msgId));
  }
}

describe('a full disk', () => {
  let mounted = '';
  afterEach(() => {
    if (mounted) execFileSync('umount', [mounted]);
    mounted = '';
  });

  /** A file system of 4 MB, where the user may mount one. */
  function smallDisk(): string | undefined {
    const directory = folders.make();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', directory], { stdio: 'ignore' });
    } catch {
      return undefined;
    }
    mounted = directory;
    return directory;
  }

  test('no ack, what was acked stays, and when space returns the same storage goes on', async ({ skip }) => {
    const disk = smallDisk();
    if (!disk) return skip('needs the right to mount a small file system');
    const fixture = new Fixture();
    const storage = await folders.open({ directory: join(disk, 'data') });
    fixture.storage = storage;
    const { conversationId, first } = await fixture.pair();
    writeFileSync(join(disk, 'ballast'), new Uint8Array(1_500_000));

    const { acked, refused, error } = await fill(fixture, conversationId, first.userId);
    expect(error).toMatchObject({ name: 'StorageError', kind: 'full' });
    expect(acked.length).toBeGreaterThan(0);
    await expect(storage.messages.append(refused)).rejects.toMatchObject({ kind: 'full' });
    expect(await msgIds(storage, conversationId)).toEqual(acked.map(({ msgId }) => msgId));
    expect(await storage.conversations.membership(conversationId, first.userId)).toMatchObject({
      lastSeq: acked.length,
    });

    rmSync(join(disk, 'ballast'));
    await storage.check();
    const outcomes = (await storage.messages.append(refused)).map(stored);
    expect(outcomes.map(({ outcome, convSeq }) => [outcome, convSeq])).toEqual(
      [1, 2, 3].map((step) => ['stored', acked.length + step]),
    );
    await storage.close();
    const again = await folders.open({ directory: join(disk, 'data') });
    expect(await msgIds(again, conversationId)).toEqual([...acked, ...refused].map(({ msgId }) => msgId));
    await again.close();
  });

  test('a database at its configured size refuses in the same way, and goes on with a larger one', async () => {
    const directory = folders.make();
    const fixture = new Fixture();
    fixture.storage = await folders.open({ directory, maxPages: 150 });
    const { conversationId, first } = await fixture.pair();
    const { acked, refused, error } = await fill(fixture, conversationId, first.userId);
    expect(error).toMatchObject({ name: 'StorageError', kind: 'full' });
    expect(await msgIds(fixture.storage, conversationId)).toEqual(acked.map(({ msgId }) => msgId));
    await fixture.storage.close();
    fixture.storage = await folders.open({ directory, maxPages: 300 });
    expect(await fixture.storage.messages.append(refused)).toMatchObject([
      { outcome: 'stored', convSeq: acked.length + 1 },
      { outcome: 'stored' },
      { outcome: 'stored' },
    ]);
    await fixture.storage.close();
  });
});
