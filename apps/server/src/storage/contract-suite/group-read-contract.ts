import { GroupChange, GroupRole } from '@fastim/protocol';
import { describe, expect, test } from 'vitest';
import type { UserRecord } from '../user-store.ts';
import { type OpenStorage, type TestGroup, useStorage } from './fixtures.ts';

/** What GroupStore promises about the member list and who has read. */
export function groupReadContract(open: OpenStorage): void {
  describe('the member list', () => {
    const fixture = useStorage(open);

    async function allPages(conversationId: bigint, limit: number, queryKey = ''): Promise<bigint[][]> {
      const pages: bigint[][] = [];
      let after = '';
      do {
        const page = await fixture.storage.groups.members({ conversationId, queryKey, after, limit });
        pages.push(page.members.map(({ profile }) => profile.userId));
        after = page.next;
      } while (after !== '');
      return pages;
    }

    const inOrder = ({ owner, admin, members }: TestGroup) => [owner, admin, ...members].map(({ userId }) => userId);

    test('shows who is there, with role and name', async () => {
      const group = await fixture.group(1);
      const { members, next } = await fixture.storage.groups.members({
        conversationId: group.conversationId,
        queryKey: '',
        after: '',
        limit: 10,
      });
      expect(next).toBe('');
      expect(members.map(({ role }) => role)).toEqual([GroupRole.owner, GroupRole.admin, GroupRole.member]);
      const { userId, username, displayName } = group.owner;
      expect(members[0]).toMatchObject({ profile: { userId, username, displayName }, mutedUntilMs: 0 });
      expect(members[0]!.joinedMs).toBeGreaterThan(0);
    });

    test.each([1, 2, 3, 7, 8, 100])('in pages of %i everybody comes once, owner and admins first', async (limit) => {
      const group = await fixture.group(5);
      const pages = await allPages(group.conversationId, limit);
      expect(pages.flat()).toEqual(inOrder(group));
      expect(pages.slice(0, -1).every((page) => page.length === limit)).toBe(true);
      expect(pages.at(-1)!.length).toBeGreaterThan(0);
    });

    test('those who left are not in it, those who come back are', async () => {
      const group = await fixture.group(3);
      const { conversationId, owner, members } = group;
      const gone = members[1]!.userId;
      const change = (kind: number, userIds: bigint[]) =>
        fixture.storage.groups.change(fixture.change(conversationId, owner.userId, kind, userIds));
      await change(GroupChange.remove, [gone]);
      expect((await allPages(conversationId, 10)).flat()).toEqual(inOrder(group).filter((userId) => userId !== gone));
      await change(GroupChange.invite, [gone]);
      expect((await allPages(conversationId, 10)).flat()).toEqual(inOrder(group));
    });

    test('a page that goes on after somebody left misses nobody', async () => {
      const { conversationId, owner, admin, members } = await fixture.group(4);
      const first = await fixture.storage.groups.members({ conversationId, queryKey: '', after: '', limit: 3 });
      const last = first.members.at(-1)!.profile.userId;
      await fixture.storage.groups.change(fixture.change(conversationId, last, GroupChange.leave));
      const rest = await fixture.storage.groups.members({ conversationId, queryKey: '', after: first.next, limit: 10 });
      const seen = [...first.members, ...rest.members].map(({ profile }) => profile.userId);
      expect(seen).toEqual([owner, admin, ...members].map(({ userId }) => userId));
    });

    test('is searched by name as users are: folded, anywhere in it, never as a pattern', async () => {
      const group = await fixture.group(0);
      const { conversationId, owner } = group;
      const zoe = await fixture.user({ usernameKey: 'zoë-in-group', displayName: 'ＺＯË 小明' });
      const percent = await fixture.user({ displayName: '100% Ann' });
      const outside = await fixture.user({ displayName: 'ZOË outside' });
      await fixture.storage.groups.change(
        fixture.change(conversationId, owner.userId, GroupChange.invite, [zoe.userId, percent.userId]),
      );
      const found = async (query: string) => (await allPages(conversationId, 10, query)).flat();
      expect(await found('zoë')).toEqual([zoe.userId]);
      expect(await found('明')).toEqual([zoe.userId]);
      expect(await found('0% a')).toEqual([percent.userId]);
      expect(await found('%')).toEqual([percent.userId]);
      expect(await found('outside')).toEqual([]);
      expect(outside.userId).not.toBe(zoe.userId);
    });

    test.each(['nonsense', '9.1', '2.', ' '])('a place %j that was never given out is the start', async (after) => {
      const group = await fixture.group(1);
      const query = { conversationId: group.conversationId, queryKey: '', after, limit: 10 };
      const { members } = await fixture.storage.groups.members(query);
      expect(members.map(({ profile }) => profile.userId)).toEqual(inOrder(group));
    });

    test('of a conversation that is no group is empty', async () => {
      const { conversationId } = await fixture.pair();
      for (const id of [conversationId, fixture.id(), 2n ** 64n - 1n]) {
        expect(await allPages(id, 5)).toEqual([[]]);
      }
    });
  });

  describe('read by', () => {
    const fixture = useStorage(open);

    async function read(conversationId: bigint, { userId }: UserRecord, readSeq: number): Promise<void> {
      const move = { conversationId, userId, deviceId: 'd', deliveredSeq: 0, readSeq, nowMs: fixture.later() };
      await fixture.storage.conversations.raiseCursors([move]);
    }

    test('counts who has read so far, of those who were there, without the sender', async () => {
      const { conversationId, owner, admin, members } = await fixture.group(3);
      const [first, second] = (await fixture.send(conversationId, owner.userId, 2)).map(({ convSeq }) => convSeq);
      await read(conversationId, members[0]!, second!);
      await read(conversationId, members[1]!, first!);
      await read(conversationId, owner, second!);
      const counts = () => fixture.storage.groups.readCounts(conversationId, [second!, first!]);
      expect(await counts()).toEqual([
        { convSeq: second, read: 1, of: 4 },
        { convSeq: first, read: 2, of: 4 },
      ]);
      const late = await fixture.user();
      const change = (kind: number, userIds: bigint[]) =>
        fixture.storage.groups.change(fixture.change(conversationId, owner.userId, kind, userIds));
      await change(GroupChange.invite, [late.userId]);
      await read(conversationId, late, second!);
      expect(await counts()).toMatchObject([
        { read: 1, of: 4 },
        { read: 2, of: 4 },
      ]);
      await change(GroupChange.remove, [members[0]!.userId, admin.userId]);
      expect(await counts()).toMatchObject([
        { read: 0, of: 2 },
        { read: 1, of: 2 },
      ]);
    });

    test('lists both sides in pages', async () => {
      const { conversationId, owner, admin, members } = await fixture.group(4);
      const [sent] = await fixture.send(conversationId, members[0]!.userId);
      for (const member of [owner, members[1]!, members[3]!]) await read(conversationId, member, sent!.convSeq);
      const list = async (unread: boolean) => {
        const users: bigint[] = [];
        let after = '';
        do {
          const query = { conversationId, convSeq: sent!.convSeq, unread, after, limit: 2 };
          const page = await fixture.storage.groups.readers(query);
          users.push(...page.users.map(({ userId }) => userId));
          after = page.next;
        } while (after !== '');
        return users;
      };
      expect(await list(false)).toEqual([owner.userId, members[1]!.userId, members[3]!.userId]);
      expect(await list(true)).toEqual([admin.userId, members[2]!.userId]);
    });

    test('of nothing, and of a conversation that is no group, is nothing', async () => {
      const { conversationId } = await fixture.group();
      expect(await fixture.storage.groups.readCounts(conversationId, [])).toEqual([]);
      expect(await fixture.storage.groups.readCounts(fixture.id(), [1])).toEqual([]);
    });
  });
}
