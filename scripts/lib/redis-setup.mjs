// Finds or installs the redis-server that a local cluster and the tests of the registry need.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** @returns {boolean} whether redis-server or valkey-server is in the path */
export function hasRedis() {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .some(
      (folder) => folder !== '' && ['redis-server', 'valkey-server'].some((name) => existsSync(join(folder, name))),
    );
}

/**
 * Installs redis-server from Debian's packages where that is possible.
 * @returns {boolean} whether it is there now
 */
export function ensureRedis() {
  if (hasRedis()) return true;
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return false;
  console.error('FastIM: installing redis-server …');
  // Debian would start a server of the system; ours is started when it is needed, and only then.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const install = () =>
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'redis-server'], { env, encoding: 'utf8' });
  let result = install();
  if (result.status !== 0) {
    spawnSync('apt-get', ['update'], { env, stdio: 'ignore' });
    result = install();
  }
  if (!hasRedis()) {
    const why = result.stderr?.trim().split('\n').at(-1) || 'apt-get failed';
    console.error(`FastIM: redis-server could not be installed: ${why}`);
  }
  return hasRedis();
}

export const redisMissing =
  'redis-server is not installed. On Debian: apt-get install redis-server (or valkey-server); on macOS: brew install redis';
