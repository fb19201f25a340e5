import { GroupChange, NoticeAction, noticeBody } from '@fastim/protocol';
import { describe, expect, test } from 'vitest';
import { changed, type OpenStorage, type TestGroup, useStorage } from './fixtures.ts';

/** What GroupStore promises about links and requests to join. */
export function linkContract(open: OpenStorage): void {
  describe('links', () => {
    const fixture = useStorage(open);

    async function link(group: TestGroup, overrides: { maxUses?: number; expiresMs?: number } = {}): Promise<string> {
      const request = { ...fixture.newLink(group.conversationId, group.owner.userId), ...overrides };
      const made = await fixture.storage.groups.makeLink(request);
      if (made.outcome === 'refused') throw new Error(made.reason);
      return made.link.token;
    }

    const join = async (token: string, userId: bigint) =>
      fixture.storage.groups.joinByLink(fixture.join(token, userId));

    const tokens = async ({ conversationId, owner }: TestGroup, nowMs = fixture.later()) => {
      const read = await fixture.storage.groups.links(conversationId, owner.userId, nowMs);
      return read.outcome === 'read' ? read.links.map(({ token }) => token) : read.reason;
    };

    test('made once for each id, listed newest first, up to so many', async () => {
      const group = await fixture.group();
      const request = { ...fixture.newLink(group.conversationId, group.owner.userId), maxUses: 3, maxLinks: 2 };
      const made = await fixture.storage.groups.makeLink(request);
      expect(made).toEqual({
        outcome: 'made',
        link: {
          token: request.token,
          creatorId: group.owner.userId,
          expiresMs: 0,
          maxUses: 3,
          uses: 0,
          createdMs: request.nowMs,
        },
      });
      expect(await fixture.storage.groups.makeLink({ ...request, token: 'another' })).toEqual(made);
      const second = await link(group);
      const third = { ...fixture.newLink(group.conversationId, group.owner.userId), maxLinks: 2 };
      expect(await fixture.storage.groups.makeLink(third)).toEqual({ outcome: 'refused', reason: 'TOO_MANY' });
      expect(await tokens(group)).toEqual([second, request.token]);
    });

    test('are for members, and with approval for admins', async () => {
      const { conversationId, admin, members } = await fixture.group();
      const stranger = await fixture.user();
      const make = async (userId: bigint) => {
        const made = await fixture.storage.groups.makeLink(fixture.newLink(conversationId, userId));
        return made.outcome === 'made' ? 'made' : made.reason;
      };
      const member = members[0]!.userId;
      expect(await make(stranger.userId)).toBe('NOT_A_MEMBER');
      expect(await make(member)).toBe('made');
      await fixture.storage.groups.change(fixture.change(conversationId, admin.userId, GroupChange.approval, [], 1));
      expect(await make(member)).toBe('NOT_ALLOWED');
      expect(await fixture.storage.groups.links(conversationId, member, fixture.later())).toMatchObject({
        reason: 'NOT_ALLOWED',
      });
      expect(await fixture.storage.groups.revokeLink(conversationId, member, 'x', fixture.later())).toBe('NOT_ALLOWED');
      expect(await make(admin.userId)).toBe('made');
    });

    test('let somebody in who sees the group before; joining twice is refused, a repeat is not', async () => {
      const group = await fixture.group();
      const token = await link(group);
      const guest = await fixture.user();
      const look = () => fixture.storage.groups.lookAtLink(token, guest.userId, fixture.later());
      const { userId, username, displayName } = group.owner;
      expect(await look()).toMatchObject({
        conversationId: group.conversationId,
        group: { name: 'Walkers', memberCount: 4, announcement: '' },
        member: false,
        requested: false,
        inviter: { userId, username, displayName },
      });
      const request = fixture.join(token, guest.userId);
      const joined = changed(await fixture.storage.groups.joinByLink(request));
      expect(joined).toMatchObject({ outcome: 'stored', added: [guest.userId], conversationId: group.conversationId });
      expect(joined.notice.senderId).toBe(guest.userId);
      expect(noticeBody.decode(joined.notice.body)).toMatchObject({ action: NoticeAction.joined });
      expect(await look()).toMatchObject({ member: true });
      expect(await join(token, guest.userId)).toEqual({ outcome: 'refused', reason: 'ALREADY_MEMBER' });
      expect(changed(await fixture.storage.groups.joinByLink(request))).toMatchObject({
        outcome: 'repeated',
        notice: joined.notice,
      });
    });

    test('work so often and not more, also with everybody at once', async () => {
      const group = await fixture.group();
      const token = await link(group, { maxUses: 3 });
      const guests = await Promise.all(Array.from({ length: 9 }, () => fixture.user()));
      const outcomes = await Promise.all(guests.map(({ userId }) => join(token, userId)));
      expect(outcomes.filter(({ outcome }) => outcome === 'stored')).toHaveLength(3);
      expect(outcomes.filter((one) => 'reason' in one && one.reason === 'LINK_INVALID')).toHaveLength(6);
      expect(await tokens(group)).toEqual([]);
      expect(await fixture.state(group.owner.userId, group.conversationId)).toMatchObject({
        group: { memberCount: 7 },
      });
    });

    test.each(['unknown', 'expired', 'revoked', 'of one who is out', 'of one who may not any more'])(
      'one that is %s does not work',
      async (why) => {
        const group = await fixture.group();
        const { conversationId, owner, members } = group;
        const guest = await fixture.user();
        const maker = members[0]!.userId;
        const request = fixture.newLink(conversationId, maker);
        await fixture.storage.groups.makeLink({ ...request, expiresMs: why === 'expired' ? request.nowMs + 1 : 0 });
        const change = (kind: number, userIds: bigint[], number = 0) =>
          fixture.storage.groups.change(fixture.change(conversationId, owner.userId, kind, userIds, number));
        const token = why === 'unknown' ? 'unknown' : request.token;
        if (why === 'revoked') {
          const revoke = () => fixture.storage.groups.revokeLink(conversationId, maker, token, fixture.later());
          expect([await revoke(), await revoke()]).toEqual([undefined, undefined]);
        }
        if (why === 'of one who is out') await change(GroupChange.remove, [maker]);
        if (why === 'of one who may not any more') await change(GroupChange.approval, [], 1);
        expect(await join(token, guest.userId)).toEqual({ outcome: 'refused', reason: 'LINK_INVALID' });
        expect(await fixture.storage.groups.lookAtLink(token, guest.userId, fixture.later())).toBeUndefined();
        expect(await tokens(group)).toEqual(why === 'unknown' ? [request.token] : []);
      },
    );

    test('revoking one that is not of this group is an error', async () => {
      const [group, other] = [await fixture.group(), await fixture.group()];
      const token = await link(other);
      const { conversationId, owner } = group;
      expect(await fixture.storage.groups.revokeLink(conversationId, owner.userId, token, fixture.later())).toBe(
        'LINK_INVALID',
      );
      expect(await tokens(other)).toEqual([token]);
    });

    test('do not let anybody into a full or an empty group', async () => {
      const group = await fixture.group(0);
      const token = await link(group);
      const guest = await fixture.user();
      const request = fixture.join(token, guest.userId);
      expect(await fixture.storage.groups.joinByLink({ ...request, maxMembers: 2 })).toEqual({
        outcome: 'refused',
        reason: 'GROUP_FULL',
      });
      for (const { userId } of [group.admin, group.owner]) {
        await fixture.storage.groups.change(fixture.change(group.conversationId, userId, GroupChange.leave));
      }
      expect(await join(token, guest.userId)).toEqual({ outcome: 'refused', reason: 'LINK_INVALID' });
    });
  });

  describe('requests to join', () => {
    const fixture = useStorage(open);

    async function withApproval() {
      const group = await fixture.group();
      const { conversationId, owner } = group;
      const request = fixture.newLink(conversationId, owner.userId);
      await fixture.storage.groups.makeLink(request);
      const change = (actorId: bigint, kind: number, userIds: bigint[] = [], number = 0) =>
        fixture.storage.groups.change(fixture.change(conversationId, actorId, kind, userIds, number));
      await change(owner.userId, GroupChange.approval, [], 1);
      const ask = (userId: bigint) => fixture.storage.groups.joinByLink(fixture.join(request.token, userId));
      const pending = async (userId: bigint) => (await fixture.state(userId, conversationId)).pendingJoins;
      return { ...group, token: request.token, change, ask, pending };
    }

    test('wait until an admin decides; admins see how many, others do not', async () => {
      const { conversationId, owner, admin, members, token, ask, pending, change } = await withApproval();
      const [a, b] = [await fixture.user(), await fixture.user()];
      const { version } = await fixture.state(admin.userId, conversationId);
      const asked = await ask(a.userId);
      expect(asked).toMatchObject({ outcome: 'requested', conversationId });
      const adminIds = asked.outcome === 'requested' ? asked.adminIds : [];
      expect(new Set(adminIds)).toEqual(new Set([owner.userId, admin.userId]));
      expect(await ask(a.userId)).toEqual({ outcome: 'requested', conversationId, adminIds: [] });
      await ask(b.userId);
      expect(await fixture.storage.groups.lookAtLink(token, a.userId, fixture.later())).toMatchObject({
        requested: true,
        member: false,
      });
      expect([await pending(owner.userId), await pending(admin.userId), await pending(members[0]!.userId)]).toEqual([
        2, 2, 0,
      ]);
      expect((await fixture.state(admin.userId, conversationId)).version).toBe(version + 2);
      const list = await fixture.storage.groups.pendingJoins(conversationId, admin.userId);
      expect(list.outcome === 'read' && list.joins.map(({ profile }) => profile.userId)).toEqual([a.userId, b.userId]);
      expect(await fixture.storage.groups.pendingJoins(conversationId, members[0]!.userId)).toEqual({
        outcome: 'refused',
        reason: 'NOT_ALLOWED',
      });

      expect(await change(members[0]!.userId, GroupChange.decide, [a.userId], 1)).toMatchObject({
        reason: 'NOT_ALLOWED',
      });
      const approved = changed(await change(admin.userId, GroupChange.decide, [a.userId, fixture.id()], 1));
      expect(approved).toMatchObject({ added: [a.userId], userIds: [a.userId] });
      expect(noticeBody.decode(approved.notice.body)).toMatchObject({ action: NoticeAction.approved });
      expect(await pending(owner.userId)).toBe(1);
      const { headSeq } = await fixture.state(owner.userId, conversationId);
      const turnedDown = await change(owner.userId, GroupChange.decide, [b.userId], 0);
      expect(turnedDown).toMatchObject({ outcome: 'unchanged' });
      expect(new Set(turnedDown.outcome === 'unchanged' ? turnedDown.adminIds : [])).toEqual(new Set(adminIds));
      expect(await fixture.state(owner.userId, conversationId)).toMatchObject({ headSeq, pendingJoins: 0 });
      expect(await fixture.storage.conversations.membership(conversationId, b.userId)).toBeUndefined();
      expect(await change(owner.userId, GroupChange.decide, [b.userId], 1)).toEqual({
        outcome: 'unchanged',
        conversationId,
        adminIds: [],
      });
    });

    test('one who is invited meanwhile does not wait any more', async () => {
      const { admin, ask, pending, change } = await withApproval();
      const guest = await fixture.user();
      await ask(guest.userId);
      changed(await change(admin.userId, GroupChange.invite, [guest.userId]));
      expect(await pending(admin.userId)).toBe(0);
    });

    test('decided by two admins at once somebody comes in once', async () => {
      const { owner, admin, ask, change, conversationId } = await withApproval();
      const guest = await fixture.user();
      await ask(guest.userId);
      const outcomes = await Promise.all(
        [owner, admin, owner, admin].map(({ userId }) => change(userId, GroupChange.decide, [guest.userId], 1)),
      );
      expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['stored', 'unchanged', 'unchanged', 'unchanged']);
      expect(await fixture.state(owner.userId, conversationId)).toMatchObject({ group: { memberCount: 5 } });
    });
  });
}
