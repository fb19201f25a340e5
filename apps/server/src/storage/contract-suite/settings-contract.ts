import type { SettingsRequest } from '@fastim/protocol';
import { describe, expect, test } from 'vitest';
import { type OpenStorage, useStorage } from './fixtures.ts';

const plain = { silentUntilMs: 0, pinnedMs: 0, archived: false, markedUnread: false, draft: '', hiddenVersion: 0 };

/** What ConversationStore promises about a member's own view, and UserStore about showing oneself. */
export function settingsContract(open: OpenStorage): void {
  describe('own settings', () => {
    const fixture = useStorage(open);

    async function conversation(messages = 3) {
      const made = await fixture.pair();
      if (messages > 0) await fixture.send(made.conversationId, made.first.userId, messages);
      const { conversationId, second } = made;
      const change = (patch: Partial<SettingsRequest>, userId = second.userId) =>
        fixture.storage.conversations.changeSettings(userId, { ...nothing(conversationId), ...patch }, fixture.later());
      return { ...made, change };
    }

    test('only what is given changes; the version rises by it, once', async () => {
      const { conversationId, second, change } = await conversation();
      const pinned = { ...plain, pinnedMs: 77 };
      expect(await change({ pinnedMs: 77 })).toEqual({ version: 1, settings: pinned, changed: true });
      const drafted = { ...pinned, draft: 'dear ' };
      expect(await change({ draft: 'dear ' })).toEqual({ version: 2, settings: drafted, changed: true });
      const all = { silentUntilMs: 9, pinnedMs: 0, archived: true, markedUnread: true, draft: '' };
      const expected = { ...all, hiddenVersion: 0 };
      expect(await change(all)).toEqual({ version: 3, settings: expected, changed: true });
      expect(await fixture.state(second.userId, conversationId)).toMatchObject({ version: 3, settings: expected });
    });

    test('what is so already changes nothing, and the version stays', async () => {
      const { change } = await conversation();
      await change({ archived: true, draft: 'x' });
      expect(await change({ archived: true, draft: 'x' })).toMatchObject({ version: 1, changed: false });
      expect(await change({})).toMatchObject({ version: 1, changed: false, settings: { archived: true, draft: 'x' } });
    });

    test('are each member’s own, and a change is found by since', async () => {
      const { conversationId, first, second, change } = await conversation();
      const sinceMs = fixture.later();
      await change({ markedUnread: true });
      expect(await fixture.state(first.userId, conversationId)).toMatchObject({ version: 0, settings: plain });
      const page = { sinceMs, beforeActivityMs: 0, beforeConversationId: 0n, limit: 5 };
      const { conversations } = await fixture.storage.conversations.syncPage({ ...page, userId: second.userId });
      expect(conversations).toMatchObject([{ version: 1, settings: { markedUnread: true } }]);
      expect(await fixture.storage.conversations.mark(second.userId)).toMatchObject({ versionSum: 1 });
      expect(await fixture.storage.conversations.mark(first.userId)).toMatchObject({ versionSum: 0 });
    });

    test('nobody has any in a conversation that is not his', async () => {
      const { change } = await conversation();
      const stranger = await fixture.user();
      expect(await change({ archived: true }, stranger.userId)).toBeUndefined();
      expect(await change({ conversationId: fixture.id() })).toBeUndefined();
    });

    test('reading on takes marked unread away, and the version rises by it', async () => {
      const { conversationId, second, change } = await conversation();
      await change({ markedUnread: true });
      const read = async (readSeq: number) => {
        const move = { conversationId, userId: second.userId, deviceId: 'd'.repeat(32), deliveredSeq: 3, readSeq };
        const moves = [{ ...move, nowMs: fixture.later() }];
        const { unmarked } = await fixture.storage.conversations.raiseCursors(moves);
        const { version, settings } = await fixture.state(second.userId, conversationId);
        return [version, settings.markedUnread, unmarked];
      };
      expect(await read(0)).toEqual([1, true, []]);
      expect(await read(2)).toEqual([2, false, [{ conversationId, userId: second.userId }]]);
      expect(await read(3)).toEqual([2, false, []]);
    });

    test('many changes at once: each raises the version once, and the end is one of them', async () => {
      const { conversationId, second, change } = await conversation();
      const drafts = Array.from({ length: 20 }, (_, index) => `draft ${index}`);
      const outcomes = await Promise.all(drafts.map((draft) => change({ draft })));
      expect(outcomes.map((outcome) => outcome!.version)).toEqual(drafts.map((_, index) => index + 1));
      const { settings, version } = await fixture.state(second.userId, conversationId);
      expect(version).toBe(20);
      expect(settings.draft).toBe('draft 19');
    });
  });

  describe('deleted for me', () => {
    const fixture = useStorage(open);

    test('each message once, by rising version, and only what may be seen', async () => {
      const { conversationId, first, second } = await fixture.pair();
      await fixture.send(conversationId, first.userId, 5);
      const { conversations } = fixture.storage;
      const hide = (hideSeqs: number[]) =>
        conversations.changeSettings(second.userId, { ...nothing(conversationId), hideSeqs }, fixture.later());
      expect(await hide([4, 2, 4])).toMatchObject({ changed: true, version: 1, settings: { hiddenVersion: 2 } });
      expect(await hide([2, 0, 6])).toMatchObject({ changed: false, version: 1 });
      expect(await hide([5])).toMatchObject({ version: 2, settings: { hiddenVersion: 3 } });
      const hidden = (since: number, userId = second.userId) => conversations.hidden(userId, conversationId, since);
      expect(await hidden(0)).toEqual({ convSeqs: [4, 2, 5], hiddenVersion: 3, more: false });
      expect(await hidden(2)).toEqual({ convSeqs: [5], hiddenVersion: 3, more: false });
      expect(await hidden(3)).toEqual({ convSeqs: [], hiddenVersion: 3, more: false });
      expect(await hidden(0, first.userId)).toMatchObject({ convSeqs: [], more: false });
    });

    test('more than a thousand come in pages that join without a gap', async () => {
      const { conversationId, first, second } = await fixture.pair();
      await fixture.send(conversationId, first.userId, 1_100);
      const hideSeqs = Array.from({ length: 1_050 }, (_, index) => index + 1);
      await fixture.storage.conversations.changeSettings(
        second.userId,
        { ...nothing(conversationId), hideSeqs },
        fixture.later(),
      );
      const page = await fixture.storage.conversations.hidden(second.userId, conversationId, 0);
      expect(page).toMatchObject({ hiddenVersion: 1_000, more: true });
      const rest = await fixture.storage.conversations.hidden(second.userId, conversationId, page.hiddenVersion);
      expect(rest.more).toBe(false);
      expect([...page.convSeqs, ...rest.convSeqs]).toEqual(hideSeqs);
    });
  });

  describe('showing oneself', () => {
    const fixture = useStorage(open);

    test('setShowOnline changes only that', async () => {
      const user = await fixture.user();
      await fixture.storage.users.setShowOnline(user.userId, false);
      await fixture.storage.users.setShowOnline(fixture.id(), false);
      expect(await fixture.storage.users.byIds([user.userId])).toEqual([{ ...user, showOnline: false }]);
      await fixture.storage.users.setShowOnline(user.userId, true);
      expect(await fixture.storage.users.byIds([user.userId])).toEqual([user]);
    });
  });
}

function nothing(conversationId: bigint): SettingsRequest {
  return {
    conversationId,
    silentUntilMs: undefined,
    pinnedMs: undefined,
    archived: undefined,
    markedUnread: undefined,
    draft: undefined,
    hideSeqs: [],
  };
}
