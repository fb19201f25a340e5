import { fromHex } from '@fastim/core';
import { seededRandom } from '@fastim/core/testing';
import type { Message } from '@fastim/protocol';
import { afterAll, expect, test } from 'vitest';
import { post, TEST_SCALE } from '../contract-suite/fixtures.ts';
import type { Storage } from '../storage.ts';
import { type AckLine, AppendChild } from './testing/start-child.ts';
import { TemporaryFolders } from './testing/temporary-folders.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

test('kill -9 at random points: every acknowledged message is there, once, with its values and no hole', async () => {
  const random = seededRandom(99);
  const directory = folders.make();
  const acked: AckLine[] = [];
  for (let round = 1; round <= 6 * TEST_SCALE; round += 1) {
    const child = new AppendChild(directory, round);
    const enough = Math.floor(random() * 400);
    await child.until((lines) => lines.length > enough);
    await child.kill();
    acked.push(...child.acks);

    const storage = await folders.open({ directory });
    await checkEverything(storage, acked);
    await storage.close();
  }
  expect(acked.length).toBeGreaterThan(100);
}, 120_000);

async function checkEverything(storage: Storage, acked: readonly AckLine[]): Promise<void> {
  const stored = new Map<string, Message>();
  for (const conversationId of new Set(acked.map((line) => line.conversationId))) {
    const messages = await wholeHistory(storage, BigInt(conversationId));
    expect(messages.map(({ convSeq }) => convSeq)).toEqual(messages.map((_, index) => index + 1));
    for (const message of messages) {
      const key = keyOf(message.conversationId, message.senderId, message.clientMsgId);
      expect(stored.has(key)).toBe(false);
      stored.set(key, message);
    }
  }
  for (const line of acked) {
    const message = stored.get(keyOf(line.conversationId, line.senderId, fromHex(line.clientMsgId)));
    expect(message).toMatchObject({
      msgId: BigInt(line.msgId),
      convSeq: line.convSeq,
      countNo: line.countNo,
      serverTimeMs: line.serverTimeMs,
    });
  }
  const again = acked.slice(-200);
  const outcomes = await storage.messages.append(
    again.map((line) => ({
      conversationId: BigInt(line.conversationId),
      senderId: BigInt(line.senderId),
      clientMsgId: fromHex(line.clientMsgId),
      msgId: 1n,
      kind: 1,
      body: new Uint8Array(1),
      serverTimeMs: 1,
      action: post,
    })),
  );
  outcomes.forEach((outcome, index) => {
    const { msgId, convSeq, countNo, serverTimeMs } = again[index]!;
    expect(outcome).toMatchObject({ outcome: 'repeated', msgId: BigInt(msgId), convSeq, countNo, serverTimeMs });
  });
}

async function wholeHistory(storage: Storage, conversationId: bigint): Promise<Message[]> {
  const all: Message[] = [];
  for (;;) {
    const page = await storage.messages.history({
      conversationId,
      fromSeq: all.length + 1,
      toSeq: Number.MAX_SAFE_INTEGER,
      limit: 500,
      newestFirst: false,
      viewerId: 0n,
    });
    if (page.length === 0) return all;
    all.push(...page);
  }
}

function keyOf(conversationId: bigint | string, senderId: bigint | string, clientMsgId: Uint8Array): string {
  return `${conversationId} ${senderId} ${Buffer.from(clientMsgId).toString('hex')}`;
}
