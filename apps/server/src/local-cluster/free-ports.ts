import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below what systems give out to outgoing connections: a member's port stays free for it while it is down, however many
 * clients connect meanwhile.
 */
const FIRST = 15_000;
const BEHIND = 32_000;
const TRIES = 200;

/** A loopback port that nobody listens on and that is not in `taken`. */
export async function freePort(taken: ReadonlySet<number>): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = randomInt(FIRST, BEHIND);
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new Error('no free port was found on loopback');
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
