import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MemberName } from './contract.ts';
import { freePort, isFree } from './free-ports.ts';

/** What stays the same from one start of a local cluster to the next: secrets and ports. */
export interface KeptSettings {
  readonly secret: string;
  readonly postgresPassword: string;
  readonly redisPassword: string;
  /** By member, then by what the port is for. */
  readonly ports: { readonly [member: MemberName]: { readonly [use: string]: number } };
}

const FILE = 'cluster.json';

/**
 * Reads them, makes what is missing, and chooses others for ports that somebody else has taken since. `uses`: which
 * ports each member needs.
 */
export async function keptSettings(
  directory: string,
  uses: ReadonlyMap<MemberName, readonly string[]>,
): Promise<KeptSettings> {
  const file = join(directory, FILE);
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<KeptSettings>) : {};
  const taken = new Set(Object.values(before.ports ?? {}).flatMap((ports) => Object.values(ports)));
  const ports: { [member: MemberName]: { [use: string]: number } } = { ...before.ports };
  for (const [member, names] of uses) {
    const chosen: { [use: string]: number } = {};
    for (const use of names) {
      const kept = before.ports?.[member]?.[use];
      chosen[use] = kept !== undefined && (await isFree(kept)) ? kept : await freePort(taken);
      taken.add(chosen[use]);
    }
    ports[member] = chosen;
  }
  const makeSecret = () => randomBytes(32).toString('hex');
  return {
    secret: before.secret ?? makeSecret(),
    postgresPassword: before.postgresPassword ?? makeSecret(),
    redisPassword: before.redisPassword ?? makeSecret(),
    ports,
  };
}

/** Whole or not at all. */
export function writeKeptSettings(directory: string, settings: KeptSettings): void {
  const file = join(directory, FILE);
  writeFileSync(`${file}.new`, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
