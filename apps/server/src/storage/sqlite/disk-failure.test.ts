import { execFileSync } from 'node:child_process';
import { afterAll, expect, test } from 'vitest';
import { AppendChild } from './testing/start-child.ts';
import { TemporaryFolders } from './testing/temporary-folders.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

/**
 * The operating system refuses to write past this offset of any file: the kernel answers EFBIG, which SQLite reports as
 * a failed write, not as a full disk.
 */
function limitFileSize(pid: number, bytes: string): boolean {
  try {
    execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('writes that fail: no ack while they fail, then the same process goes on, and nothing acked is missing', async ({
  skip,
}) => {
  const directory = folders.make();
  const child = new AppendChild(directory, 1);
  try {
    await child.until((lines) => lines.length > 200);
    const pid = child.process.pid!;
    if (!limitFileSize(pid, '8192')) return skip('needs prlimit');
    await child.until((lines) => lines.filter((line) => 'rejected' in line).length > 20);
    const firstRejected = child.lines.findIndex((line) => 'rejected' in line);
    const settled = child.lines.length;
    await child.until((lines) => lines.length > settled + 20);
    expect(child.lines.slice(settled, settled + 20)).toEqual(Array(20).fill({ rejected: 'io' }));
    limitFileSize(pid, 'unlimited');
    await child.until((lines) => lines.slice(settled).filter((line) => 'convSeq' in line).length > 200);
    await child.kill();

    expect(firstRejected).toBeGreaterThan(0);
    const storage = await folders.open({ directory });
    for (const conversationId of new Set(child.acks.map((ack) => ack.conversationId))) {
      const acks = child.acks.filter((ack) => ack.conversationId === conversationId);
      // Every conv_seq was given once: a rejected batch left no hole and came back nowhere.
      const seqs = acks.map(({ convSeq }) => convSeq).sort((a, b) => a - b);
      expect(seqs).toEqual(seqs.map((_, index) => index + 1));
      for (let from = 1; from <= seqs.length; from += 1_000) {
        const page = { conversationId: BigInt(conversationId), fromSeq: from, toSeq: from + 999, limit: 1_000 };
        const messages = await storage.messages.history({ ...page, newestFirst: false, viewerId: 0n });
        for (const message of messages.filter(({ convSeq }) => convSeq <= seqs.length)) {
          expect(acks.find(({ convSeq }) => convSeq === message.convSeq)?.msgId).toBe(String(message.msgId));
        }
        expect(messages.length).toBeGreaterThanOrEqual(Math.min(1_000, seqs.length - from + 1));
      }
    }
    await storage.close();
  } finally {
    await child.kill();
  }
}, 60_000);
