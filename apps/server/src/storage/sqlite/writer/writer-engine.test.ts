import { join } from 'node:path';
import BetterSqlite, { type Database } from 'better-sqlite3';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { migrate } from '../migrate.ts';
import { migrations } from '../migrations/index.ts';
import { openForReading, openForWriting } from '../open-database.ts';
import { packAppendBatch, unpackOutcomes } from '../packing/append-batch.ts';
import { TemporaryFolders } from '../testing/temporary-folders.ts';
import type { WorkerCall, WorkerNote, WorkerReply } from '../worker/worker-messages.ts';
import { WriterEngine } from './writer-engine.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

const CONVERSATION = 500n;
const [ALICE, BOB] = [1n, 2n];

/** A writer whose disk can be made to fail. */
class Bench {
  readonly path = join(folders.make(), 'fastim.db');
  readonly notes: WorkerNote[] = [];
  /** Codes that the next commits fail with. */
  readonly commitFailures: string[] = [];
  /** Codes that the next openings fail with. */
  readonly openFailures: string[] = [];
  opened = 0;
  readonly engine: WriterEngine;
  #calls = 0;

  constructor(slowQueryMs = 10_000) {
    this.engine = new WriterEngine({ open: () => this.#open(), note: (note) => this.notes.push(note), slowQueryMs });
  }

  #open(): Database {
    const failure = this.openFailures.shift();
    if (failure) throw new BetterSqlite.SqliteError('cannot open', failure);
    this.opened += 1;
    const database = openForWriting(this.path);
    database.pragma('busy_timeout = 20');
    migrate(database, migrations, 1);
    const prepare = database.prepare.bind(database);
    const failing = (sql: string) => {
      const statement = prepare(sql);
      if (sql !== 'COMMIT') return statement;
      const run = statement.run.bind(statement);
      statement.run = () => {
        const code = this.commitFailures.shift();
        if (code) throw new BetterSqlite.SqliteError('injected', code);
        return run();
      };
      return statement;
    };
    database.prepare = failing as typeof database.prepare;
    return database;
  }

  call(name: string, argument: unknown): WorkerCall {
    this.#calls += 1;
    return { id: this.#calls, name, argument };
  }

  run(...calls: WorkerCall[]): WorkerReply[] {
    return this.engine.execute(calls);
  }

  openPair(): void {
    const argument = { userId: ALICE, peerId: BOB, newId: CONVERSATION, nowMs: 1 };
    expect(this.run(this.call('openDirect', argument))).toMatchObject([{ ok: true }]);
  }

  append(...clientIds: number[]): WorkerCall {
    const batch = clientIds.map((clientId) => ({
      conversationId: CONVERSATION,
      senderId: ALICE,
      clientMsgId: new Uint8Array(16).fill(clientId),
      msgId: BigInt(clientId),
      kind: 1,
      body: Uint8Array.of(clientId),
      serverTimeMs: 5,
      action: { type: 'post', mentions: [], mentionAll: false, replySeq: 0 } as const,
    }));
    return this.call('append', packAppendBatch(batch));
  }

  /** msg_id of all stored messages, seen by another connection. */
  stored(): unknown[] {
    const database = openForReading(this.path);
    try {
      return database.prepare('SELECT msg_id FROM message ORDER BY place').pluck().all();
    } finally {
      database.close();
    }
  }
}

function outcomes(reply: WorkerReply | undefined) {
  if (!reply?.ok) throw new Error('rejected');
  return unpackOutcomes(reply.value as ArrayBuffer);
}

describe('writer', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
    bench.openPair();
  });

  test('calls that wait together share one commit, and each gets its own outcome', () => {
    bench.commitFailures.push('', 'SQLITE_FULL');
    const replies = bench.run(bench.append(1), bench.append(2, 3), bench.append(1));
    expect(replies.map(outcomes)).toMatchObject([
      [{ outcome: 'stored', convSeq: 1 }],
      [
        { outcome: 'stored', convSeq: 2 },
        { outcome: 'stored', convSeq: 3 },
      ],
      [{ outcome: 'repeated', convSeq: 1 }],
    ]);
    // The second commit is the next call's.
    expect(bench.run(bench.append(9))).toMatchObject([{ ok: false, kind: 'full' }]);
  });

  test('no space at the commit: all of it is rejected and nothing is stored; the next call is as if it never was', () => {
    bench.run(bench.append(1));
    bench.commitFailures.push('SQLITE_FULL');
    expect(bench.run(bench.append(2), bench.append(3))).toMatchObject([
      { ok: false, kind: 'full' },
      { ok: false, kind: 'full' },
    ]);
    expect(bench.stored()).toEqual([1]);
    expect(outcomes(bench.run(bench.append(5))[0])).toMatchObject([{ convSeq: 2, countNo: 2 }]);
    expect(bench.stored()).toEqual([1, 5]);
    expect(bench.opened).toBe(1);
  });

  test.each(['SQLITE_IOERR_FSYNC', 'SQLITE_IOERR_WRITE', 'SQLITE_IOERR'])(
    '%s at the commit: rejected, nothing stored, and the connection is replaced before the next write',
    (code) => {
      bench.run(bench.append(1));
      bench.commitFailures.push(code);
      expect(bench.run(bench.append(2))).toMatchObject([{ ok: false, kind: 'io' }]);
      expect(bench.stored()).toEqual([1]);
      expect(bench.opened).toBe(2);
      expect(bench.notes).toMatchObject([{ note: 'reopened', reason: expect.stringContaining(code) }]);
      expect(outcomes(bench.run(bench.append(2))[0])).toMatchObject([{ outcome: 'stored', convSeq: 2, countNo: 2 }]);
    },
  );

  test('while the disk stays broken every call is rejected, and the first after it recovers is stored', () => {
    bench.commitFailures.push('SQLITE_IOERR_FSYNC');
    bench.openFailures.push('SQLITE_IOERR', 'SQLITE_CANTOPEN', 'SQLITE_FULL');
    for (const attempt of [1, 2, 3]) {
      expect(bench.run(bench.append(attempt))).toMatchObject([{ ok: false, kind: 'io' }]);
    }
    expect(outcomes(bench.run(bench.append(1))[0])).toMatchObject([{ outcome: 'stored', convSeq: 1 }]);
    expect(bench.stored()).toEqual([1]);
  });

  test('the log that cannot be emptied yet, because a read goes on, keeps the writer closed until it can', () => {
    bench.run(bench.append(1));
    const reader = openForReading(bench.path);
    reader.exec('BEGIN');
    expect(reader.prepare('SELECT count(*) FROM message').pluck().get()).toBe(1);
    bench.commitFailures.push('SQLITE_IOERR_FSYNC');
    for (const attempt of [2, 3]) {
      expect(bench.run(bench.append(attempt))).toMatchObject([{ ok: false, kind: 'io' }]);
    }
    reader.close();
    expect(outcomes(bench.run(bench.append(2))[0])).toMatchObject([{ outcome: 'stored', convSeq: 2 }]);
    expect(bench.stored()).toEqual([1, 2]);
  });

  test('a call with a bug does not take the others of its transaction with it', () => {
    const replies = bench.run(
      bench.append(1, 3),
      bench.call('noSuchOperation', 1),
      bench.append(5),
      bench.call('append', packAppendBatch([]).slice(0, 2)),
      bench.append(7),
    );
    expect(replies.map((reply) => (reply.ok ? 'ok' : reply.kind))).toEqual(['ok', 'other', 'ok', 'other', 'ok']);
    expect(outcomes(replies[0])).toMatchObject([
      { convSeq: 1, countNo: 1 },
      { convSeq: 2, countNo: 2 },
    ]);
    expect(outcomes(replies[4])).toMatchObject([{ convSeq: 4, countNo: 4 }]);
    expect(bench.stored()).toEqual([1, 3, 5, 7]);
  });

  test('names of Object.prototype are no operations', () => {
    for (const name of ['toString', 'constructor', '__proto__', 'hasOwnProperty']) {
      expect(bench.run(bench.call(name, 1))).toMatchObject([{ ok: false, kind: 'other' }]);
    }
  });

  test('after close the folder holds one whole file, and every call is rejected', () => {
    bench.run(bench.append(1));
    bench.engine.close();
    bench.engine.close();
    const database = new BetterSqlite(bench.path, { readonly: true });
    expect(database.prepare('SELECT count(*) FROM message').pluck().get()).toBe(1);
    database.close();
  });

  test('what takes long is noted with the names of the calls', () => {
    const slow = new Bench(0);
    slow.openPair();
    slow.run(slow.append(1), slow.append(2), slow.call('probeWrite', undefined));
    expect(slow.notes).toMatchObject([
      { note: 'slow', name: 'openDirect', calls: 1 },
      { note: 'slow', name: 'append+probeWrite', calls: 3 },
    ]);
  });
});
