import { numberLock } from './connection/advisory-locks.ts';
import type { Database } from './connection/database.ts';

const LOCK = `SELECT pg_advisory_xact_lock(${numberLock('$1::int')})`;
const TAKE = `INSERT INTO node_number (number, fence, holder, since_ms)
  VALUES ($1, 1, $2, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
  ON CONFLICT (number) DO UPDATE SET fence = node_number.fence + 1, holder = excluded.holder, since_ms = excluded.since_ms
  RETURNING fence`;

/** Waits for the appends of the holder before that are on their way, and raises the fence before others come. */
export function takeNumber(database: Database, number: number, holder: string): Promise<bigint> {
  if (!Number.isInteger(number) || number < 0 || number > 1_023) throw new RangeError(`${number} is no node number`);
  return database.transaction(async (queries) => {
    await queries.arrays(LOCK, [number]);
    const [row] = await queries.arrays<readonly [bigint]>(TAKE, [number, holder]);
    return row![0];
  });
}
