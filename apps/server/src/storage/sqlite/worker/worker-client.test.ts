import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { TemporaryFolders } from '../testing/temporary-folders.ts';
import { WorkerClient, type WorkerClientOptions } from './worker-client.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

type TestOperations = {
  echo: { argument: unknown; reply: unknown };
  wait: { argument: Int32Array; reply: unknown };
  lock: { argument: undefined; reply: undefined };
  lockAndDie: { argument: undefined; reply: undefined };
  throw: { argument: undefined; reply: undefined };
  largestBatch: { argument: undefined; reply: number };
};

describe('worker client', () => {
  const started: WorkerClient<TestOperations>[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map((client) => client.close()));
  });

  async function start(overrides: Partial<WorkerClientOptions> = {}, path = '') {
    const crashes: { message: string; restarting: boolean }[] = [];
    const client = await WorkerClient.start<TestOperations>({
      name: 'test',
      entry: new URL('../testing/test-worker.ts', import.meta.url),
      start: { path, nowMs: 0, slowQueryMs: 1_000, maxPages: 0 },
      maxWaitingCalls: 100,
      maxWaitingBytes: 1_000,
      onNote: () => {},
      onCrash: ({ message }, restarting) => crashes.push({ message, restarting }),
      ...overrides,
    });
    started.push(client);
    return { client, crashes };
  }

  /** Keeps the worker busy, from when this resolves until `release` is called. */
  async function occupy(client: WorkerClient<TestOperations>) {
    const gate = new Int32Array(new SharedArrayBuffer(8));
    const call = client.call('wait', gate);
    await Atomics.waitAsync(gate, 1, 0).value;
    const release = () => {
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
    };
    return { call, release };
  }

  test('each call gets its own reply, 64-bit ids and bytes included', async () => {
    const { client } = await start();
    const values = [1, 2n ** 63n - 1n, 'text', undefined, { list: [Uint8Array.of(1, 2)] }];
    expect(await Promise.all(values.map((value) => client.call('echo', value)))).toEqual(values);
  });

  test('a buffer is handed over in both directions, not copied', async () => {
    const { client } = await start();
    const buffer = new Uint8Array([1, 2, 3]).buffer;
    const reply = (await client.call('echo', buffer)) as ArrayBuffer;
    expect(buffer.detached).toBe(true);
    expect(new Uint8Array(reply)).toEqual(Uint8Array.of(1, 2, 3));
  });

  test('calls that wait are taken together', async () => {
    const { client } = await start();
    const { call, release } = await occupy(client);
    const calls = Array.from({ length: 30 }, (_, index) => client.call('echo', index));
    release();
    await Promise.all([call, ...calls]);
    expect(await client.call('largestBatch', undefined)).toBeGreaterThanOrEqual(30);
  });

  test('past the bound of calls or bytes a call is refused as busy, and the others go on', async () => {
    const { client } = await start({ maxWaitingCalls: 3, maxWaitingBytes: 1_000 });
    const { call, release } = await occupy(client);
    const large = client.call('echo', new ArrayBuffer(900));
    await expect(client.call('echo', new ArrayBuffer(200))).rejects.toMatchObject({
      name: 'StorageError',
      kind: 'busy',
    });
    const small = client.call('echo', 'small');
    await expect(client.call('echo', 'fourth')).rejects.toMatchObject({ kind: 'busy' });
    release();
    expect(await small).toBe('small');
    await Promise.all([call, large]);
    expect(await client.call('echo', new ArrayBuffer(900))).toHaveProperty('byteLength', 900);
  });

  test('an argument that cannot be sent rejects only its own call', async () => {
    const { client } = await start();
    await expect(client.call('echo', () => {})).rejects.toMatchObject({ name: 'StorageError', kind: 'other' });
    expect(await client.call('echo', 1)).toBe(1);
  });

  test('when the thread dies all waiting calls are rejected, and a new thread takes the next ones', async () => {
    const path = join(folders.make(), 'test.db');
    const { client, crashes } = await start({}, path);
    const { call, release } = await occupy(client);
    const calls = [client.call('echo', 1), client.call('lockAndDie', undefined), client.call('echo', 2)];
    release();
    await call;
    const settled = await Promise.allSettled(calls);
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    for (const result of settled) {
      expect(result).toMatchObject({
        reason: { name: 'StorageError', kind: 'io', message: expect.stringContaining('unknown') },
      });
    }
    // The dead thread's transaction does not block the new one.
    await client.call('lock', undefined);
    expect(crashes).toEqual([{ message: 'the thread ended with code 3', restarting: true }]);
  });

  test('an error thrown in the thread is told as the reason', async () => {
    const died = Promise.withResolvers<string>();
    const { client } = await start({ onCrash: ({ message }) => died.resolve(message) });
    await client.call('throw', undefined);
    expect(await died.promise).toBe('thrown by the test');
    expect(await client.call('echo', 1)).toBe(1);
  });

  test('a thread that dies three times without an answer stays dead: calls are rejected as closed', async () => {
    const { client, crashes } = await start();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await expect(client.call('lockAndDie', undefined)).rejects.toMatchObject({ kind: 'io' });
    }
    await expect(client.call('echo', 1)).rejects.toMatchObject({ kind: 'closed' });
    expect(crashes.map(({ restarting }) => restarting)).toEqual([true, true, false]);
    await client.close();
  });

  test('close answers what waits first, refuses what comes after, and is idempotent', async () => {
    const { client } = await start();
    const { call, release } = await occupy(client);
    const waiting = client.call('echo', 'waiting');
    const closing = [client.close(), client.close()];
    await expect(client.call('echo', 'late')).rejects.toMatchObject({ kind: 'closed' });
    release();
    expect(await waiting).toBe('waiting');
    await Promise.all([call, ...closing]);
  });

  test('close ends although the thread dies meanwhile', async () => {
    const { client } = await start();
    const dying = client.call('lockAndDie', undefined);
    const closing = client.close();
    await expect(dying).rejects.toMatchObject({ kind: 'io' });
    await closing;
  });

  test('a worker that refuses to open rejects the start with the refusal', async () => {
    await expect(start({}, 'refuse')).rejects.toMatchObject({
      name: 'StorageRefusal',
      kind: 'not-durable',
      message: 'refused by the test',
    });
  });

  test('a worker whose file is not there rejects the start', async () => {
    await expect(start({ entry: new URL('./no-such-worker.js', import.meta.url) })).rejects.toMatchObject({
      name: 'StorageError',
      kind: 'other',
    });
  });
});
