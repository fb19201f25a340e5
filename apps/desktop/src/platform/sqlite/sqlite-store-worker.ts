import { parentPort } from 'node:worker_threads';
import type {
  AccountRow,
  MessageQuery,
  PendingLogOut,
  ProfileRow,
  SearchQuery,
  StoreBatch,
} from '../../engine/store.ts';
import { StoreError } from '../../engine/store.ts';
import { asStoreError, SqliteDatabase } from './sqlite-database.ts';
import type { StoreAnswer, StoreCall } from './store-calls.ts';

// The database lives here, off the thread that serves people; calls are done one after the other, in order.
const port = parentPort;
if (!port) throw new Error('this file runs as a worker');

let database: SqliteDatabase | undefined;

port.on('message', ({ id, method, args }: StoreCall) => {
  let answer: StoreAnswer;
  try {
    const started = performance.now();
    const value = perform(method, args);
    answer = { id, value, millis: performance.now() - started };
  } catch (error) {
    const { kind, message } = asStoreError(error);
    answer = { id, error: { kind, message } };
  }
  port.postMessage(answer);
  // Nothing follows a close; without its port the worker ends.
  if (method === 'close') port.close();
});

function perform(method: StoreCall['method'], args: readonly unknown[]): unknown {
  if (method === 'open') {
    database = new SqliteDatabase(args[0] as string);
    return database.contents();
  }
  if (method === 'close') {
    database?.close();
    database = undefined;
    return undefined;
  }
  if (!database) throw new StoreError('closed', 'the store is not open');
  switch (method) {
    case 'saveProfile':
      return database.saveProfile(args[0] as Partial<ProfileRow>);
    case 'beginAccount':
      return database.beginAccount(args[0] as AccountRow, args[1] as PendingLogOut | null);
    case 'endAccount':
      return database.endAccount(args[0] as number, args[1] as PendingLogOut | null);
    case 'putPendingLogOut':
      return database.putPendingLogOut(args[0] as PendingLogOut);
    case 'removePendingLogOut':
      return database.removePendingLogOut(args[0] as string);
    case 'load':
      return database.load(args[0] as number);
    case 'apply':
      return database.apply(args[0] as number, args[1] as StoreBatch);
    case 'messages':
      return database.messages(args[0] as number, args[1] as MessageQuery);
    case 'search':
      return database.search(args[0] as number, args[1] as SearchQuery);
  }
}
