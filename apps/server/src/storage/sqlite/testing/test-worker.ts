/** A worker for the tests of WorkerClient: it echoes, dies, or waits for a signal. */
import { parentPort, workerData } from 'node:worker_threads';
import BetterSqlite from 'better-sqlite3';
import { StorageRefusal } from '../../storage.ts';
import { runWorker } from '../worker/worker-loop.ts';
import type { WorkerCall, WorkerReply, WorkerStart } from '../worker/worker-messages.ts';

const { path } = workerData as WorkerStart;

runWorker(parentPort!, () => {
  if (path === 'refuse') throw new StorageRefusal('not-durable', 'refused by the test');
  const database = path === '' ? undefined : new BetterSqlite(path, { timeout: 0 });
  const answer = ({ id, name, argument }: WorkerCall): WorkerReply => {
    if (name === 'lockAndDie') {
      database?.exec('BEGIN IMMEDIATE');
      process.exit(3);
    }
    if (name === 'throw') setImmediate(() => Promise.reject(new Error('thrown by the test')));
    if (name === 'lock') {
      database?.exec('BEGIN IMMEDIATE');
      database?.exec('ROLLBACK');
    }
    if (name === 'wait') {
      const gate = argument as Int32Array;
      Atomics.store(gate, 1, 1);
      Atomics.notify(gate, 1);
      Atomics.wait(gate, 0, 0);
    }
    return { id, ok: true, value: argument };
  };
  let batch = 0;
  return {
    migrated: [],
    execute: (calls) => {
      batch = Math.max(batch, calls.length);
      return calls.map((call) =>
        call.name === 'largestBatch' ? { id: call.id, ok: true, value: batch } : answer(call),
      );
    },
    close: () => database?.close(),
  };
});
