import { createHash, randomBytes } from 'node:crypto';
import pino from 'pino';
import { openSqliteStorage } from '../../apps/server/src/storage/sqlite/open-sqlite-storage.ts';

/** A user of the server under test; those with a token can connect. */
export interface PreparedPerson {
  readonly userId: bigint;
  readonly accessToken: string;
}

const AT_A_TIME = 500;
/** Longer than any run. */
const TOKEN_MS = 3_600_000;
const FIRST_USER = 1_000_000n;

/**
 * Puts users with live sessions into a data folder that no server runs on yet, through the store's own contract.
 * Registering them over HTTP costs a password hash each, minutes for 10,000, and is no part of what is measured.
 */
export async function preparePeople(directory: string, count: number): Promise<PreparedPerson[]> {
  const clock = { now: () => Date.now(), setTimer: noTimers };
  const storage = await openSqliteStorage({ directory, clock, logger: pino({ level: 'silent' }) });
  const nowMs = Date.now();
  const make = async (index: number): Promise<PreparedPerson> => {
    const userId = FIRST_USER + BigInt(index);
    const accessToken = randomBytes(32).toString('base64url');
    const username = `person${index}`;
    await storage.users.create({
      userId,
      username,
      usernameKey: username,
      displayName: `Person ${index}`,
      passwordHash: 'nobody logs in by password',
      createdMs: nowMs,
      showOnline: true,
    });
    await storage.sessions.create({
      sessionId: FIRST_USER * 2n + BigInt(index),
      userId,
      deviceId: randomBytes(16).toString('hex'),
      deviceName: 'bench',
      accessHash: createHash('sha256').update(accessToken).digest(),
      accessExpiresMs: nowMs + TOKEN_MS,
      refreshHash: randomBytes(32),
      refreshExpiresMs: nowMs + TOKEN_MS,
      nowMs,
    });
    return { userId, accessToken };
  };
  try {
    const people: PreparedPerson[] = [];
    for (let from = 0; from < count; from += AT_A_TIME) {
      const indexes = Array.from({ length: Math.min(AT_A_TIME, count - from) }, (_, offset) => from + offset);
      people.push(...(await Promise.all(indexes.map(make))));
    }
    return people;
  } finally {
    await storage.close();
  }
}

function noTimers(): never {
  throw new Error('the storage has no timers');
}
