import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Fixture, stored, TEST_SCALE } from '../contract-suite/fixtures.ts';
import type { AppendRequest } from '../message-store.ts';
import { StorageError } from '../storage.ts';
import type { PostgresStorage } from './open-postgres-storage.ts';
import { postgresMissing, TestStorages } from './testing/test-storages.ts';

const missing = await postgresMissing();

describe.skipIf(missing)('a database that goes away', () => {
  let storages: TestStorages;
  let url: string;
  let storage: PostgresStorage;
  let fixture: Fixture;

  beforeEach(async () => {
    storages = new TestStorages();
    await storages.start();
    url = await storages.postgres.database();
    storage = await storages.open({ url, statementTimeoutMs: 500 });
    fixture = new Fixture();
    fixture.storage = storage;
  });
  afterEach(() => storages.remove());

  /** Until the storage answers again; nothing of it is started anew. */
  async function recovered(): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await storage.check();
      } catch (error) {
        expect(error).toBeInstanceOf(StorageError);
        if (tries > 200) throw error;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    }
  }

  test('killed under load, again and again: no acked message is lost, doubled or out of order', {
    timeout: 120_000,
  }, async () => {
    const pairs = await Promise.all(Array.from({ length: 5 }, () => fixture.pair()));
    const acked: { request: AppendRequest; convSeq: number; msgId: bigint }[] = [];
    let stop = false;
    let failed = 0;
    const sender = async (index: number) => {
      const { conversationId, first } = pairs[index % pairs.length]!;
      while (!stop) {
        const batch = Array.from({ length: 1 + (index % 4) }, () => fixture.request(conversationId, first.userId));
        for (;;) {
          try {
            const outcomes = (await storage.messages.append(batch)).map(stored);
            for (const [at, { convSeq, msgId }] of outcomes.entries())
              acked.push({ request: batch[at]!, convSeq, msgId });
            break;
          } catch (error) {
            expect(error).toMatchObject({ name: 'StorageError', kind: 'io' });
            failed += 1;
            await new Promise((resolve) => setTimeout(resolve, 10));
          }
        }
      }
    };
    const senders = Array.from({ length: 8 }, (_, index) => sender(index));
    for (let round = 0; round < 3 * TEST_SCALE; round += 1) {
      const before = acked.length;
      while (acked.length < before + 200) await new Promise((resolve) => setTimeout(resolve, 5));
      await storages.postgres.kill();
      await storages.postgres.run();
      await recovered();
    }
    stop = true;
    await Promise.all(senders);
    expect(failed).toBeGreaterThan(0);
    for (const { conversationId } of pairs) {
      const messages = [];
      for (let fromSeq = 1; ; fromSeq += 1_000) {
        const page = await fixture.history(conversationId, 0n, { fromSeq });
        messages.push(...page);
        if (page.length < 1_000) break;
      }
      expect(messages.map(({ convSeq }) => convSeq)).toEqual(messages.map((_, index) => index + 1));
      const byClient = new Map(messages.map((one) => [Buffer.from(one.clientMsgId).toString('hex'), one]));
      expect(byClient.size).toBe(messages.length);
      for (const { request, convSeq, msgId } of acked) {
        if (request.conversationId !== conversationId) continue;
        expect(byClient.get(Buffer.from(request.clientMsgId).toString('hex'))).toMatchObject({ convSeq, msgId });
      }
    }
  });

  test('stopped: every call is told so; when it is back everything works, with nothing of ours started again', async () => {
    const { conversationId, first } = await fixture.pair();
    await storages.postgres.stop();
    const request = fixture.request(conversationId, first.userId);
    const calls = [
      () => storage.messages.append([request]),
      () => fixture.history(conversationId),
      () => storage.conversations.openDirect(first.userId, 5n, 6n, 7),
      () => storage.conversations.mark(first.userId),
      () => storage.users.byUsernameKey('x'),
      () => storage.check(),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ name: 'StorageError', kind: 'io' });
    await storages.postgres.run();
    await recovered();
    expect(stored((await storage.messages.append([request]))[0])).toMatchObject({ outcome: 'stored', convSeq: 1 });
    expect(await fixture.history(conversationId)).toHaveLength(1);
  });

  test('silent: calls end in time, and what comes after it wakes is stored once', { timeout: 60_000 }, async () => {
    const { conversationId, first } = await fixture.pair();
    await fixture.send(conversationId, first.userId);
    const request = fixture.request(conversationId, first.userId);
    storages.postgres.pause();
    const startMs = performance.now();
    await expect(storage.messages.append([request])).rejects.toMatchObject({ name: 'StorageError', kind: 'io' });
    expect(performance.now() - startMs).toBeLessThan(10_000);
    storages.postgres.resume();
    await recovered();
    expect(['stored', 'repeated']).toContain((await storage.messages.append([request]))[0]!.outcome);
    expect((await fixture.history(conversationId)).map(({ convSeq }) => convSeq)).toEqual([1, 2]);
  });

  test('started without fsync after an outage: nothing is acked', async () => {
    const { conversationId, first } = await fixture.pair();
    await storages.postgres.stop();
    storages.postgres.set('fsync', 'off');
    await storages.postgres.run();
    const append = () => storage.messages.append([fixture.request(conversationId, first.userId)]);
    await expect(append()).rejects.toMatchObject({ kind: 'io', message: expect.stringContaining('fsync is off') });
  });

  test('a row held too long: the batch ends with an error, and the next one is stored', async () => {
    const { conversationId, first } = await fixture.pair();
    const lock = storages.postgres
      .query(
        `BEGIN; SELECT 1 FROM conversation WHERE conversation_id = ${conversationId} FOR UPDATE; SELECT pg_sleep(1.5); COMMIT`,
        url,
      )
      .catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const request = fixture.request(conversationId, first.userId);
    await expect(storage.messages.append([request])).rejects.toMatchObject({ name: 'StorageError', kind: 'io' });
    await lock;
    expect(stored((await storage.messages.append([request]))[0])).toMatchObject({ convSeq: 1 });
  });
});
