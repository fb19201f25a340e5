import { StorageRefusal } from '../storage.ts';

const OLDEST = { major: 22, minor: 18 };

/**
 * Refuses a Node that cannot run this driver. Has to be called before better-sqlite3 is imported: under an older
 * Node-API its binary ends the process with a segmentation fault instead of an error.
 */
export function requireSupportedNode(version: string): void {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return;
  throw new StorageRefusal(
    'unreadable',
    `The SQLite storage needs Node ${OLDEST.major}.${OLDEST.minor} or newer; this is Node ${version}.`,
  );
}
