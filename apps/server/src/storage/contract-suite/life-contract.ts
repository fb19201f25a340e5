import { describe, expect, test } from 'vitest';
import { Fixture, type OpenStorage } from './fixtures.ts';

/** What Storage itself promises. */
export function lifeContract(open: OpenStorage): void {
  describe('opening and closing', () => {
    test('check passes while it is open, again and again', async () => {
      const storage = await open();
      for (let round = 0; round < 3; round += 1) await storage.check();
      await storage.close();
      await expect(storage.check()).rejects.toMatchObject({ name: 'StorageError', kind: 'closed' });
    });

    test('the highest id is that of the newest user, session, conversation or message, whichever came last', async () => {
      const fixture = new Fixture();
      fixture.storage = await open();
      const { storage } = fixture;
      expect(await storage.highestId()).toBe(0n);
      const { userId } = await fixture.user();
      expect(await storage.highestId()).toBe(userId);
      const { sessionId } = await fixture.session(userId);
      expect(await storage.highestId()).toBe(sessionId);
      const [older, newer] = [await fixture.pair(), await fixture.pair()];
      expect(await storage.highestId()).toBe(newer.conversationId);
      for (const { conversationId, first } of [newer, older]) {
        const messages = await fixture.send(conversationId, first.userId, 3);
        expect(await storage.highestId()).toBe(messages.at(-1)?.msgId);
      }
      const last = await fixture.user();
      expect(await storage.highestId()).toBe(last.userId);
      await storage.close();
    });

    test('close waits for what is under way, and is idempotent', async () => {
      const fixture = new Fixture();
      fixture.storage = await open();
      const { conversationId, first } = await fixture.pair();
      const appends = Array.from({ length: 50 }, () =>
        fixture.storage.messages.append([fixture.request(conversationId, first.userId)]),
      );
      const reads = Array.from({ length: 20 }, () => fixture.storage.conversations.mark(first.userId));
      const closing = [fixture.storage.close(), fixture.storage.close()];
      const outcomes = (await Promise.all(appends)).flat();
      expect(outcomes.map((outcome) => ('convSeq' in outcome ? outcome.convSeq : 0))).toEqual(
        Array.from({ length: 50 }, (_, index) => index + 1),
      );
      await Promise.all([...reads, ...closing]);
      await fixture.storage.close();
    });

    test('after close every call is rejected as closed', async () => {
      const fixture = new Fixture();
      fixture.storage = await open();
      const { conversationId, first } = await fixture.pair();
      const { storage } = fixture;
      await storage.close();
      const calls = [
        storage.messages.append([fixture.request(conversationId, first.userId)]),
        fixture.history(conversationId),
        storage.messages.seqAt(conversationId, 1),
        storage.groups.change({ ...fixture.change(conversationId, first.userId, 1), text: 'x' }),
        storage.groups.members({ conversationId, queryKey: '', after: '', limit: 1 }),
        storage.conversations.mark(first.userId),
        storage.conversations.openDirect(first.userId, 5n, 6n, 7),
        storage.users.byUsernameKey('x'),
        storage.users.create(first),
        storage.sessions.byId(1n),
        storage.sessions.touch(1n, 1),
        storage.highestId(),
        storage.check(),
      ];
      for (const call of calls) await expect(call).rejects.toMatchObject({ name: 'StorageError', kind: 'closed' });
    });
  });
}
