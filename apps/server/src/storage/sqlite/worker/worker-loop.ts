import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { StorageError, StorageRefusal } from '../../storage.ts';
import type { FromWorker, ToWorker, WorkerCall, WorkerNote, WorkerReply } from './worker-messages.ts';

/** The most calls, and the most bytes of batches, taken together in one go. */
const MOST_CALLS = 256;
const MOST_BYTES = 1024 * 1024;

/** What a worker does with the calls that are waiting. */
export interface WorkerEngine {
  readonly migrated: readonly number[];
  /** One reply for each call, in any order. Must not throw. */
  execute(calls: readonly WorkerCall[]): WorkerReply[];
  close(): void;
}

/**
 * The life of a worker: open, answer, close. Calls that came in while it was busy are taken together, so that a busy
 * writer commits many of them with one flush. The thread ends by itself after 'close'.
 */
export function runWorker(port: MessagePort, open: (note: (note: WorkerNote) => void) => WorkerEngine): void {
  const post = (message: FromWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  let engine: WorkerEngine;
  try {
    engine = open((value) => post({ type: 'note', value }));
  } catch (error) {
    const kind = error instanceof StorageRefusal ? error.kind : 'unreadable';
    post({ type: 'refused', kind, message: error instanceof Error ? error.message : String(error) });
    port.close();
    return;
  }
  port.on('message', (first: ToWorker) => {
    const { calls, closing } = takeWaiting(port, first);
    if (calls.length > 0) {
      const replies = engine.execute(calls);
      post({ type: 'replies', replies }, transferable(replies));
    }
    if (closing) {
      port.close();
      engine.close();
    }
  });
  post({ type: 'ready', migrated: engine.migrated });
}

function takeWaiting(port: MessagePort, first: ToWorker): { calls: WorkerCall[]; closing: boolean } {
  const calls: WorkerCall[] = [];
  let bytes = 0;
  let next: ToWorker | undefined = first;
  while (next !== undefined) {
    if (next === 'close') return { calls, closing: true };
    calls.push(next);
    if (next.argument instanceof ArrayBuffer) bytes += next.argument.byteLength;
    if (calls.length >= MOST_CALLS || bytes >= MOST_BYTES) break;
    next = receiveMessageOnPort(port)?.message as ToWorker | undefined;
  }
  return { calls, closing: false };
}

function transferable(replies: readonly WorkerReply[]): ArrayBuffer[] {
  const list: ArrayBuffer[] = [];
  for (const reply of replies) {
    const buffer = reply.ok ? bufferOf(reply.value) : undefined;
    if (buffer) list.push(buffer);
  }
  return list;
}

/** The buffer that a reply is, or that holds the bulk of it: handed over, not copied. */
function bufferOf(value: unknown): ArrayBuffer | undefined {
  if (value instanceof ArrayBuffer) return value;
  const records = typeof value === 'object' && value !== null && 'records' in value ? value.records : undefined;
  return records instanceof ArrayBuffer ? records : undefined;
}

export function failedReply(id: number, error: StorageError): WorkerReply {
  return { id, ok: false, kind: error.kind, message: error.message };
}

/** Finds the function for a call. Names come from the typed client, so an unknown one is a bug of ours. */
export function callHandler(handlers: object, call: WorkerCall): unknown {
  const handler: unknown = Object.hasOwn(handlers, call.name) ? Reflect.get(handlers, call.name) : undefined;
  if (typeof handler !== 'function') throw new StorageError('other', `no storage operation ${call.name}`);
  return Reflect.apply(handler, handlers, [call.argument]);
}
