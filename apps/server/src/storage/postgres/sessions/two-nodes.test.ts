import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fixture } from '../../contract-suite/fixtures.ts';
import type { Rotation, SessionRecord } from '../../session-store.ts';
import { StorageError } from '../../storage.ts';
import type { PostgresStorage } from '../open-postgres-storage.ts';
import { postgresMissing, TestStorages } from '../testing/test-storages.ts';

const missing = await postgresMissing();
const storages = new TestStorages();
const fixture = new Fixture();
const nodes: PostgresStorage[] = [];
const CALLS = 1_000;

beforeAll(async () => {
  if (missing) return;
  await storages.start();
  const url = await storages.postgres.database();
  for (let node = 0; node < 2; node += 1) nodes.push(await storages.open({ url, poolSize: 8 }));
  fixture.storage = nodes[0]!;
});
afterAll(() => storages.remove());

function rotation(session: SessionRecord, nowMs: number, graceMs: number): Rotation {
  return {
    oldRefreshHash: session.refreshHash,
    deviceId: session.deviceId,
    accessHash: fixture.hash(),
    accessExpiresMs: nowMs + 900_000,
    refreshHash: fixture.hash(),
    refreshExpiresMs: nowMs + 2_592_000_000,
    nowMs,
    graceMs,
  };
}

function onBothNodes<Result>(count: number, act: (storage: PostgresStorage) => Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => untilThereIsRoom(() => act(nodes[index % 2]!))));
}

/** A call that waited too long for a connection had no effect, and is made again. */
async function untilThereIsRoom<Result>(act: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof StorageError) || error.kind !== 'busy') throw error;
    }
  }
}

describe.skipIf(missing)('sessions on two nodes', () => {
  test('of a thousand rotations of one token at once exactly one is the first, and one successor lives', async () => {
    const session = await fixture.session(fixture.id());
    const nowMs = fixture.later();
    const answers = await onBothNodes(CALLS, (storage) => storage.sessions.rotate(rotation(session, nowMs, 30_000)));
    expect(answers.filter(({ outcome }) => outcome === 'rotated')).toHaveLength(1);
    expect(answers.filter(({ outcome }) => outcome === 'replaced')).toHaveLength(CALLS - 1);
    const stored = await nodes[0]!.sessions.byId(session.sessionId);
    const live = answers.filter((one) => 'session' in one && sameBytes(one.session.accessHash, stored!.accessHash));
    expect(live).toHaveLength(1);
    const [next] = live;
    const again = rotation(stored!, nowMs + 1, 30_000);
    expect(next?.outcome === 'unknown' ? next : (await nodes[1]!.sessions.rotate(again)).outcome).toBe('rotated');
  });

  test('without grace a stolen token ends the session once, whoever comes first', async () => {
    const session = await fixture.session(fixture.id());
    const nowMs = fixture.later();
    const answers = await onBothNodes(200, (storage) => storage.sessions.rotate(rotation(session, nowMs, -1)));
    const count = (outcome: string) => answers.filter((one) => one.outcome === outcome).length;
    expect([count('rotated'), count('reused'), count('unknown')]).toEqual([1, 1, 198]);
    expect((await nodes[1]!.sessions.byId(session.sessionId))?.endedMs).toBe(nowMs);
  });

  test('log-ins of one device at once get every epoch once, and one of them lives', async () => {
    const userId = fixture.id();
    const made = await onBothNodes(60, (storage) => storage.sessions.create(fixture.newSession(userId)));
    expect(made.map(({ epoch }) => epoch).sort((a, b) => a - b)).toEqual(made.map((_, index) => index + 1));
    const live = await nodes[1]!.sessions.ofUser(userId);
    expect(live.map(({ epoch }) => epoch)).toEqual([60]);
  });

  test('one node sees at once what the other ended, also in the list of what ended', async () => {
    const session = await fixture.session(fixture.id());
    const endedMs = fixture.later();
    await nodes[0]!.sessions.end(session.sessionId, endedMs);
    expect((await nodes[1]!.sessions.byAccessHash(session.accessHash))?.endedMs).toBe(endedMs);
    expect((await nodes[1]!.sessions.endedSince(endedMs, 10)).map(({ sessionId }) => sessionId)).toEqual([
      session.sessionId,
    ]);
  });

  test('of two who want one name at once on two nodes one gets it', async () => {
    const user = await fixture.user();
    const wanted = { ...user, usernameKey: 'wanted-on-both' };
    const answers = await onBothNodes(20, (storage) => storage.users.create({ ...wanted, userId: fixture.id() }));
    expect(answers.filter((answer) => answer === 'created')).toHaveLength(1);
  });
});

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
