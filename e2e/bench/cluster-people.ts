import { createHash, randomBytes } from 'node:crypto';
import pino from 'pino';
import { openPostgresStorage } from '../../apps/server/src/storage/postgres/open-postgres-storage.ts';
import type { PreparedPerson } from './prepare-people.ts';

const AT_A_TIME = 200;
/** Longer than any run. */
const TOKEN_MS = 3_600_000;
const FIRST_USER = 1_000_000n;

/** As `preparePeople`, into the database of a cluster that runs already. */
export async function prepareClusterPeople(databaseUrl: string, count: number): Promise<PreparedPerson[]> {
  const storage = await openPostgresStorage({
    url: databaseUrl,
    poolSize: 8,
    statementTimeoutMs: 30_000,
    clock: { now: () => Date.now(), setTimer },
    logger: pino({ level: 'silent' }),
  });
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

function setTimer(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}
