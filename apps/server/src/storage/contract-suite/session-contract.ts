import { describe, expect, test } from 'vitest';
import type { Rotation, SessionRecord } from '../session-store.ts';
import { type OpenStorage, useStorage } from './fixtures.ts';

const GRACE_MS = 30_000;

/** What SessionStore promises. */
export function sessionContract(open: OpenStorage): void {
  const OTHER_DEVICE = 'e'.repeat(32);

  describe('sessions', () => {
    const fixture = useStorage(open);

    test('a session is found by its access hash and its id as it was created', async () => {
      const offered = fixture.newSession(fixture.id());
      const session = await fixture.storage.sessions.create(offered);
      const { nowMs, ...rest } = offered;
      expect(session).toEqual({ ...rest, epoch: 1, createdMs: nowMs, lastSeenMs: nowMs, endedMs: undefined });
      expect(await fixture.storage.sessions.byId(session.sessionId)).toEqual(session);
      expect(await fixture.storage.sessions.byAccessHash(offered.accessHash)).toEqual(session);
      expect(await fixture.storage.sessions.byAccessHash(offered.refreshHash)).toBeUndefined();
      expect(await fixture.storage.sessions.byAccessHash(new Uint8Array(0))).toBeUndefined();
      expect(await fixture.storage.sessions.byId(2n ** 64n - 1n)).toBeUndefined();
    });

    test('a new session of a device ends its earlier one and has the next epoch; other devices go on', async () => {
      const userId = fixture.id();
      const first = await fixture.session(userId);
      const other = await fixture.session(userId, { deviceId: OTHER_DEVICE });
      const second = await fixture.session(userId);
      expect([first.epoch, other.epoch, second.epoch]).toEqual([1, 1, 2]);
      expect((await fixture.storage.sessions.byId(first.sessionId))?.endedMs).toBe(second.createdMs);
      expect((await fixture.storage.sessions.byId(other.sessionId))?.endedMs).toBeUndefined();
      expect((await fixture.storage.sessions.ofUser(userId)).map(({ sessionId }) => sessionId)).toEqual([
        second.sessionId,
        other.sessionId,
      ]);
    });

    test('the same device of another user is untouched', async () => {
      const first = await fixture.session(fixture.id());
      const second = await fixture.session(fixture.id());
      expect(second.epoch).toBe(1);
      expect((await fixture.storage.sessions.byId(first.sessionId))?.endedMs).toBeUndefined();
    });

    test('of many sessions made at once for one device one is left, and every epoch is different', async () => {
      const userId = fixture.id();
      const made = await Promise.all(Array.from({ length: 12 }, () => fixture.session(userId)));
      expect(made.map(({ epoch }) => epoch).sort((a, b) => a - b)).toEqual(made.map((_, index) => index + 1));
      const live = await fixture.storage.sessions.ofUser(userId);
      expect(live.map(({ epoch }) => epoch)).toEqual([12]);
    });

    test('end ends once: the time of the first call stays', async () => {
      const session = await fixture.session(fixture.id());
      const endedMs = fixture.later();
      expect(await fixture.storage.sessions.end(session.sessionId, endedMs)).toEqual({ ...session, endedMs });
      expect(await fixture.storage.sessions.end(session.sessionId, fixture.later())).toEqual({ ...session, endedMs });
      expect(await fixture.storage.sessions.byAccessHash(session.accessHash)).toEqual({ ...session, endedMs });
      expect(await fixture.storage.sessions.ofUser(session.userId)).toEqual([]);
      expect(await fixture.storage.sessions.end(fixture.id(), endedMs)).toBeUndefined();
    });

    test('an epoch is never used again, also after the session ended', async () => {
      const userId = fixture.id();
      const first = await fixture.session(userId);
      await fixture.storage.sessions.end(first.sessionId, fixture.later());
      expect((await fixture.session(userId)).epoch).toBe(2);
    });

    test('touch moves last-seen forward only', async () => {
      const session = await fixture.session(fixture.id());
      const later = fixture.later();
      await fixture.storage.sessions.touch(session.sessionId, later);
      await fixture.storage.sessions.touch(session.sessionId, later - 500);
      await fixture.storage.sessions.touch(fixture.id(), later);
      expect((await fixture.storage.sessions.byId(session.sessionId))?.lastSeenMs).toBe(later);
    });
  });

  describe('sessions that ended', () => {
    const fixture = useStorage(open);

    async function ended(endedMs: number): Promise<bigint> {
      const session = await fixture.session(fixture.id());
      await fixture.storage.sessions.end(session.sessionId, endedMs);
      return session.sessionId;
    }

    const since = async (sinceMs: number, limit = 10, afterId?: bigint) =>
      (await fixture.storage.sessions.endedSince(sinceMs, limit, afterId)).map(({ sessionId }) => sessionId);

    test('are listed from a time on, in the order of their end, however they ended; live ones are not', async () => {
      const startMs = fixture.later();
      const user = fixture.id();
      const first = await fixture.session(user);
      const last = await ended(startMs + 1_000_000);
      const replacedBy = await fixture.session(user);
      expect(await since(startMs)).toEqual([first.sessionId, last]);
      const [record] = await fixture.storage.sessions.endedSince(startMs, 1);
      expect(record).toEqual({ ...first, endedMs: replacedBy.createdMs });
      expect(await since(startMs + 1_000_000)).toEqual([last]);
      expect(await since(startMs + 1_000_001)).toEqual([]);
    });

    test('are paged, also when more than a page ended in one millisecond', async () => {
      const endedMs = fixture.later() + 10_000_000;
      const all: bigint[] = [];
      for (let index = 0; index < 5; index += 1) all.push(await ended(endedMs));
      all.push(await ended(endedMs + 1));
      expect(await since(endedMs, 2)).toEqual(all.slice(0, 2));
      expect(await since(endedMs, 2, all[1])).toEqual(all.slice(2, 4));
      expect(await since(endedMs, 2, all[3])).toEqual(all.slice(4));
      expect(await since(endedMs + 1, 2, all[5])).toEqual([]);
      expect(await since(endedMs, 0)).toEqual([]);
    });
  });

  describe('rotate', () => {
    const fixture = useStorage(open);

    function rotation(session: SessionRecord, overrides: Partial<Rotation> = {}): Rotation {
      const nowMs = fixture.later();
      return {
        oldRefreshHash: session.refreshHash,
        deviceId: session.deviceId,
        accessHash: fixture.hash(),
        accessExpiresMs: nowMs + 900_000,
        refreshHash: fixture.hash(),
        refreshExpiresMs: nowMs + 2_592_000_000,
        nowMs,
        graceMs: GRACE_MS,
        ...overrides,
      };
    }

    async function rotated(session: SessionRecord, overrides: Partial<Rotation> = {}): Promise<SessionRecord> {
      const answer = await fixture.storage.sessions.rotate(rotation(session, overrides));
      if (answer.outcome !== 'rotated') throw new Error(answer.outcome);
      return answer.session;
    }

    test('puts the offered tokens in the place of the old ones', async () => {
      const session = await fixture.session(fixture.id());
      const offered = rotation(session);
      const answer = await fixture.storage.sessions.rotate(offered);
      expect(answer).toEqual({
        outcome: 'rotated',
        session: {
          ...session,
          accessHash: offered.accessHash,
          accessExpiresMs: offered.accessExpiresMs,
          refreshHash: offered.refreshHash,
          refreshExpiresMs: offered.refreshExpiresMs,
          lastSeenMs: offered.nowMs,
        },
      });
      expect(await fixture.storage.sessions.byAccessHash(session.accessHash)).toBeUndefined();
      expect((await fixture.storage.sessions.byAccessHash(offered.accessHash))?.sessionId).toBe(session.sessionId);
    });

    test('of many at once with one token exactly one is rotated, and one successor lives', async () => {
      const session = await fixture.session(fixture.id());
      const nowMs = fixture.later();
      const offers = Array.from({ length: 100 }, () => rotation(session, { nowMs }));
      const answers = await Promise.all(offers.map((offer) => fixture.storage.sessions.rotate(offer)));
      expect(answers.filter(({ outcome }) => outcome === 'rotated')).toHaveLength(1);
      expect(answers.filter(({ outcome }) => outcome === 'replaced')).toHaveLength(99);
      const live = await Promise.all(offers.map(({ accessHash }) => fixture.storage.sessions.byAccessHash(accessHash)));
      expect(live.filter((found) => found !== undefined)).toHaveLength(1);
    });

    test('without grace, of many at once one is rotated and the session is ended by the others', async () => {
      const session = await fixture.session(fixture.id());
      const nowMs = fixture.later();
      const offers = Array.from({ length: 10 }, () => rotation(session, { nowMs, graceMs: -1 }));
      const answers = await Promise.all(offers.map((offer) => fixture.storage.sessions.rotate(offer)));
      const outcomes = answers.map(({ outcome }) => outcome).sort();
      expect(outcomes).toEqual(['reused', 'rotated', ...Array(8).fill('unknown')]);
      expect((await fixture.storage.sessions.byId(session.sessionId))?.endedMs).toBe(nowMs);
    });

    test('a lost answer: the same device gets new tokens, and those lost stop working', async () => {
      const session = await fixture.session(fixture.id());
      const lost = await rotated(session);
      const again = rotation(session);
      const answer = await fixture.storage.sessions.rotate(again);
      expect(answer).toMatchObject({
        outcome: 'replaced',
        session: { accessHash: again.accessHash, endedMs: undefined },
      });
      expect(await fixture.storage.sessions.byAccessHash(lost.accessHash)).toBeUndefined();
      expect(await fixture.storage.sessions.byAccessHash(again.accessHash)).toBeDefined();
    });

    test('the grace time ends: one millisecond later it is theft, and the session is ended', async () => {
      for (const [extraMs, outcome] of [
        [0, 'replaced'],
        [1, 'reused'],
      ] as const) {
        const session = await fixture.session(fixture.id());
        const first = rotation(session);
        await fixture.storage.sessions.rotate(first);
        const answer = await fixture.storage.sessions.rotate(
          rotation(session, { nowMs: first.nowMs + GRACE_MS + extraMs }),
        );
        expect(answer.outcome).toBe(outcome);
        const ended = (await fixture.storage.sessions.byId(session.sessionId))?.endedMs;
        expect(ended).toBe(outcome === 'reused' ? first.nowMs + GRACE_MS + extraMs : undefined);
      }
    });

    test('a spent token from another device is theft, also within the grace time', async () => {
      const session = await fixture.session(fixture.id());
      await rotated(session);
      const answer = await fixture.storage.sessions.rotate(rotation(session, { deviceId: OTHER_DEVICE }));
      expect(answer.outcome).toBe('reused');
    });

    test('a spent token is theft once its successor was used', async () => {
      const session = await fixture.session(fixture.id());
      const second = await rotated(session);
      await rotated(second);
      const answer = await fixture.storage.sessions.rotate(rotation(session));
      expect(answer).toMatchObject({ outcome: 'reused', session: { sessionId: session.sessionId } });
    });

    test('a replaced successor that turns up after the grace time is theft', async () => {
      const session = await fixture.session(fixture.id());
      const lost = await rotated(session);
      await fixture.storage.sessions.rotate(rotation(session));
      const answer = await fixture.storage.sessions.rotate(rotation(lost, { nowMs: fixture.later() + GRACE_MS }));
      expect(answer.outcome).toBe('reused');
    });

    test('after theft nothing of the session works: neither spent nor live token', async () => {
      const session = await fixture.session(fixture.id());
      const second = await rotated(session);
      const third = await rotated(second);
      await fixture.storage.sessions.rotate(rotation(session));
      for (const holder of [session, second, third]) {
        expect((await fixture.storage.sessions.rotate(rotation(holder))).outcome).toBe('unknown');
      }
      expect((await fixture.storage.sessions.byAccessHash(third.accessHash))?.endedMs).toBeDefined();
    });

    test('a live token from another device is unknown and changes nothing', async () => {
      const session = await fixture.session(fixture.id());
      const answer = await fixture.storage.sessions.rotate(rotation(session, { deviceId: OTHER_DEVICE }));
      expect(answer).toEqual({ outcome: 'unknown' });
      expect(await fixture.storage.sessions.byId(session.sessionId)).toEqual(session);
    });

    test('unknown: a token that never was, one that expired, one of an ended session', async () => {
      const session = await fixture.session(fixture.id());
      const { sessions } = fixture.storage;
      expect(await sessions.rotate(rotation(session, { oldRefreshHash: fixture.hash() }))).toEqual({
        outcome: 'unknown',
      });
      expect(await sessions.rotate(rotation(session, { nowMs: session.refreshExpiresMs }))).toEqual({
        outcome: 'unknown',
      });
      await sessions.end(session.sessionId, fixture.later());
      expect(await sessions.rotate(rotation(session))).toEqual({ outcome: 'unknown' });
    });

    test('a long chain of rotations keeps working', async () => {
      let session = await fixture.session(fixture.id());
      for (let step = 0; step < 50; step += 1) session = await rotated(session);
      expect((await fixture.storage.sessions.byId(session.sessionId))?.refreshHash).toEqual(session.refreshHash);
    });
  });
}
