import { parentPort, workerData } from 'node:worker_threads';
import { migrate } from '../migrate.ts';
import { migrations } from '../migrations/index.ts';
import { openForWriting } from '../open-database.ts';
import { WriterEngine } from '../writer/writer-engine.ts';
import { runWorker } from './worker-loop.ts';
import type { WorkerStart } from './worker-messages.ts';

const { path, nowMs, slowQueryMs, maxPages } = workerData as WorkerStart;

runWorker(parentPort!, (note) => {
  let migrated: readonly number[] = [];
  const open = () => {
    const database = openForWriting(path);
    if (maxPages > 0) database.pragma(`max_page_count = ${maxPages}`);
    try {
      migrated = migrate(database, migrations, nowMs).applied;
    } catch (error) {
      database.close();
      throw error;
    }
    return database;
  };
  const engine = new WriterEngine({ open, note, slowQueryMs });
  return { migrated, execute: (calls) => engine.execute(calls), close: () => engine.close() };
});
