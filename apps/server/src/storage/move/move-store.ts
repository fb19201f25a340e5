import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { Clock } from '@fastim/core';
import type { Logger } from 'pino';
import { prepareDatabase } from '../postgres/connection/open-database.ts';
import { migrations } from '../postgres/migrations/index.ts';
import { requireSupportedNode } from '../sqlite/node-version.ts';
import { StorageError } from '../storage.ts';
import { PostgresTarget } from './postgres-target.ts';
import type { TableSum } from './row-sum.ts';
import type { SqliteSource } from './sqlite-source.ts';
import { type MovedTable, movedTables } from './tables.ts';

export interface MoveOptions {
  /** The data folder; no server may run on it. */
  readonly data: string;
  /** The database; empty, or with an earlier part of the same move. */
  readonly url: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onProgress: (progress: { table: string; rows: number; of: number }) => void;
  readonly batchRows?: number;
}

export interface MoveReport {
  /** finished-before: there was nothing left to do. */
  readonly outcome: 'moved' | 'finished-before';
  /** By PostgreSQL's names. */
  readonly tables: Readonly<Record<string, number>>;
  readonly rows: number;
  readonly historyEpoch: bigint;
}

const BATCH_ROWS = 2_000;
const PREPARE_MS = 60_000;

/**
 * Copies a whole SQLite storage to PostgreSQL: every table, in batches, each with the note of how far it came; then
 * compares rows and sums of both sides. It can be killed at any time and run again. The source is read and verified as a
 * whole before anything is written, and is not changed. Rejects with StorageRefusal or StorageError, whose messages are
 * for the operator; 'corrupt' when the two sides differ at the end: then the database has to be emptied.
 */
export async function moveStore(options: MoveOptions): Promise<MoveReport> {
  requireSupportedNode(process.versions.node);
  const { SqliteSource } = await import('./sqlite-source.ts');
  const source = await SqliteSource.open(resolve(options.data), options.clock.now());
  try {
    source.verify();
    const sums = new Map(movedTables.map((table) => [table, source.sum(table)]));
    const { url, clock, logger } = options;
    const database = { url, clock, logger, poolSize: 1, statementTimeoutMs: PREPARE_MS, slowQueryMs: PREPARE_MS };
    await prepareDatabase(database, migrations, { duringMove: true });
    const target = await PostgresTarget.open(options.url);
    try {
      return await copy(source, sums, target, options);
    } finally {
      await target.close();
    }
  } finally {
    source.close();
  }
}

async function copy(
  source: SqliteSource,
  sums: ReadonlyMap<MovedTable, TableSum>,
  target: PostgresTarget,
  { clock, onProgress, batchRows = BATCH_ROWS }: MoveOptions,
): Promise<MoveReport> {
  const begun = await target.begin(identityOf(source, sums), clock.now());
  if (begun === 'finished') return report('finished-before', source, sums);
  for (const [table, { rows: of }] of sums) {
    let { place, rows, done } = await target.progress(table);
    while (!done) {
      const batch = source.read(table, place, batchRows);
      await target.write(table, batch);
      rows += batch.rows.length;
      place = batch.next;
      done = place === undefined;
      onProgress({ table: table.name, rows, of });
    }
  }
  const differing: string[] = [];
  for (const [table, expected] of sums) {
    const found = await target.sum(table);
    if (found.rows !== expected.rows)
      differing.push(`${table.name} has ${found.rows} rows instead of ${expected.rows}`);
    else if (found.sum !== expected.sum) differing.push(`${table.name} has other contents`);
  }
  if (differing.length > 0) {
    throw new StorageError(
      'corrupt',
      `What was moved is not what is in the data folder: ${differing.join('; ')}. ` +
        'No server starts on this database; begin again with an empty one.',
    );
  }
  await target.finish(source.historyEpoch, clock.now());
  return report('moved', source, sums);
}

/** The same as long as nothing in the source has changed. */
function identityOf(source: SqliteSource, sums: ReadonlyMap<MovedTable, TableSum>): string {
  const parts = [...sums].map(([{ name }, { rows, sum }]) => `${name}:${rows}:${sum}`);
  return createHash('sha256')
    .update([String(source.historyEpoch), ...parts].join('\n'))
    .digest('hex');
}

function report(
  outcome: MoveReport['outcome'],
  source: SqliteSource,
  sums: ReadonlyMap<MovedTable, TableSum>,
): MoveReport {
  const tables = Object.fromEntries([...sums].map(([{ name }, { rows }]) => [name, rows]));
  const rows = Object.values(tables).reduce((sum, count) => sum + count, 0);
  return { outcome, tables, rows, historyEpoch: source.historyEpoch };
}
