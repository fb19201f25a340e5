import type { Client } from 'pg';
import { StorageRefusal } from '../../storage.ts';

export const LEAST_VERSION = 15;
/** A transaction of ours that stands still (its process is stopped) keeps others from its rows no longer than this. */
const MOST_IDLE_MS = 5_000;

interface Found {
  readonly synchronousCommit: string;
  readonly fsync: string;
  readonly fullPageWrites: string;
  readonly encoding: string;
  readonly version: number;
}

const LOOK = `SELECT current_setting('synchronous_commit'), current_setting('fsync'),
  current_setting('full_page_writes'), current_setting('server_encoding'), current_setting('server_version_num')::int`;

/**
 * Whether this server may be used at all, by how its operator set it. Throws StorageRefusal: 'unreadable' for one that is
 * too old or keeps text otherwise than in UTF-8, 'not-durable' for one that could lose a commit.
 */
export async function requireFit(client: Client): Promise<void> {
  const found = await look(client);
  if (found.version < LEAST_VERSION * 10_000) {
    const version = Math.floor(found.version / 10_000);
    throw new StorageRefusal('unreadable', `PostgreSQL ${version} is too old: ${LEAST_VERSION} or newer is needed.`);
  }
  if (found.encoding !== 'UTF8') {
    throw new StorageRefusal(
      'unreadable',
      `The database keeps text in ${found.encoding}; it has to be made with ENCODING 'UTF8'.`,
    );
  }
  // 'local' and 'remote_write' are made stronger on our connections; who says 'off' means to trade messages for speed.
  requireDurable(found, found.synchronousCommit === 'off' ? ['on'] : [found.synchronousCommit]);
}

/** Makes a new connection fit for use, and reads back what an ack rests on. Throws StorageRefusal('not-durable'). */
export async function setUpSession(client: Client, statementTimeoutMs: number): Promise<void> {
  const { synchronousCommit } = await look(client);
  // Stronger than on: left as it is.
  const commit = synchronousCommit === 'remote_apply' ? synchronousCommit : 'on';
  const settings: [name: string, value: string][] = [
    ['synchronous_commit', commit],
    ['default_transaction_isolation', 'read committed'],
    ['default_transaction_read_only', 'off'],
    ['statement_timeout', String(statementTimeoutMs)],
    ['lock_timeout', String(statementTimeoutMs)],
    ['idle_in_transaction_session_timeout', String(Math.min(statementTimeoutMs, MOST_IDLE_MS))],
    ['bytea_output', 'hex'],
    // Every statement of ours looks up rows by keys, whatever their values: planned once, and never compiled.
    ['plan_cache_mode', 'force_generic_plan'],
    ['jit', 'off'],
    // A plan that was made while a table was small stays right when it has grown.
    ['enable_seqscan', 'off'],
  ];
  await client.query(settings.map(([name, value]) => `SET ${name} = '${value}'`).join('; '));
  requireDurable(await look(client), [commit]);
}

async function look(client: Client): Promise<Found> {
  const { rows } = await client.query<[string, string, string, string, number]>({ text: LOOK, rowMode: 'array' });
  const [synchronousCommit, fsync, fullPageWrites, encoding, version] = rows[0]!;
  return { synchronousCommit, fsync, fullPageWrites, encoding, version };
}

function requireDurable(found: Found, commits: readonly string[]): void {
  const wanted: [name: string, value: string, good: readonly string[], meaning: string][] = [
    ['synchronous_commit', found.synchronousCommit, commits, 'a flush at each commit'],
    ['fsync', found.fsync, ['on'], 'a flush to the medium'],
    ['full_page_writes', found.fullPageWrites, ['on'], 'pages that survive a crash while they are written'],
  ];
  for (const [name, value, good, meaning] of wanted) {
    if (good.includes(value)) continue;
    throw new StorageRefusal(
      'not-durable',
      `PostgreSQL does not give ${meaning} here (${name} is ${value}, not ${good.join(' or ')}): ` +
        `a message could be lost after its tick. Set ${name} = ${good[0]} for the server, the database and the role.`,
    );
  }
}
