import { parentPort, workerData } from 'node:worker_threads';
import { openForReading } from '../open-database.ts';
import { ReaderEngine } from '../reader/reader-engine.ts';
import { runWorker } from './worker-loop.ts';
import type { WorkerStart } from './worker-messages.ts';

const { path, slowQueryMs } = workerData as WorkerStart;

runWorker(parentPort!, (note) => {
  const engine = new ReaderEngine({ database: openForReading(path), note, slowQueryMs });
  return { migrated: [], execute: (calls) => engine.execute(calls), close: () => engine.close() };
});
