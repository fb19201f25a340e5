import { GroupChange, GroupRole, MessageKind, NoticeAction, noticeBody } from '@fastim/protocol';
import { describe, expect, test } from 'vitest';
import { changed, type OpenStorage, refused, sorted, useStorage } from './fixtures.ts';

/** What GroupStore promises about making and changing groups; members are in group-member-contract.ts, reading is in group-read-contract.ts. */
export function groupContract(open: OpenStorage): void {
  describe('making a group', () => {
    const fixture = useStorage(open);

    test('is one notice that everybody sees and that does not count', async () => {
      const [owner, a, b] = [await fixture.user(), await fixture.user(), await fixture.user()];
      const request = fixture.newGroup(owner.userId, [a.userId, b.userId]);
      const made = changed(await fixture.storage.groups.create(request));
      const { conversationId } = request;
      expect(made).toMatchObject({ outcome: 'stored', conversationId, removed: [], removalsSeq: 0 });
      expect(sorted(made.added)).toEqual(sorted([owner.userId, a.userId, b.userId]));
      expect(made.notice).toMatchObject({
        conversationId,
        msgId: request.msgId,
        convSeq: 1,
        senderId: owner.userId,
        kind: MessageKind.notice,
        serverTimeMs: request.nowMs,
        countNo: 0,
      });
      expect(noticeBody.decode(made.notice.body)).toMatchObject({
        action: NoticeAction.created,
        userIds: [a.userId, b.userId],
        text: 'Walkers',
      });
      const roles = [GroupRole.owner, GroupRole.member, GroupRole.member];
      for (const [index, { userId }] of [owner, a, b].entries()) {
        expect(await fixture.state(userId, conversationId)).toMatchObject({
          kind: 2,
          headSeq: 1,
          headCountNo: 0,
          joinSeq: 1,
          leaveSeq: 0,
          unreadBaseCountNo: 0,
          role: roles[index],
          peer: undefined,
          peerCursor: undefined,
          lastMessage: { convSeq: 1 },
          group: { name: 'Walkers', avatarColor: 3, announcement: '', ownerId: owner.userId, memberCount: 3 },
        });
        expect(await fixture.storage.conversations.groupIdsOf(userId)).toEqual([conversationId]);
      }
      expect(await fixture.storage.conversations.directMembers(conversationId)).toEqual([]);
    });

    test('again under the same id gives the first group, also many times at once', async () => {
      const [owner, a] = [await fixture.user(), await fixture.user()];
      const request = fixture.newGroup(owner.userId, [a.userId]);
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, () =>
          fixture.storage.groups.create({ ...request, conversationId: fixture.id(), msgId: fixture.id() }),
        ),
      );
      expect(outcomes.filter(({ outcome }) => outcome === 'stored')).toHaveLength(1);
      expect(new Set(outcomes.map((outcome) => changed(outcome).conversationId)).size).toBe(1);
      expect(await fixture.storage.conversations.groupIdsOf(a.userId)).toHaveLength(1);
      const other = await fixture.storage.groups.create({ ...request, creatorId: a.userId, memberIds: [] });
      expect(other.outcome).toBe('stored');
    });
  });

  describe('changing a group', () => {
    const fixture = useStorage(open);

    const change = (
      conversationId: bigint,
      actorId: bigint,
      kind: number,
      { userIds = [] as bigint[], number = 0, text = '' } = {},
    ) => fixture.storage.groups.change({ ...fixture.change(conversationId, actorId, kind, userIds, number), text });

    test.each([
      { kind: GroupChange.rename, with: { text: 'Runners' }, shows: { name: 'Runners' } },
      { kind: GroupChange.color, with: { number: 11 }, shows: { avatarColor: 11 } },
      { kind: GroupChange.announce, with: { text: 'Tuesday at 6' }, shows: { announcement: 'Tuesday at 6' } },
      { kind: GroupChange.muteAll, with: { number: 1 }, shows: { muteAll: true } },
      { kind: GroupChange.approval, with: { number: 1 }, shows: { joinApproval: true } },
    ])('change $kind is for admins, is told, and the second time changes nothing', async ({ kind, shows, ...use }) => {
      const { conversationId, admin, members } = await fixture.group();
      const member = members[0]!.userId;
      expect(await change(conversationId, member, kind, use.with)).toEqual(refused('NOT_ALLOWED'));
      const before = await fixture.state(member, conversationId);
      const made = changed(await change(conversationId, admin.userId, kind, use.with));
      expect(made.notice).toMatchObject({ convSeq: before.headSeq + 1, senderId: admin.userId, countNo: 0 });
      expect(noticeBody.decode(made.notice.body)).toMatchObject({ action: kind, ...use.with });
      expect(await fixture.state(member, conversationId)).toMatchObject({ headSeq: before.headSeq + 1, group: shows });
      expect(await change(conversationId, admin.userId, kind, use.with)).toEqual({
        outcome: 'unchanged',
        conversationId,
        adminIds: [],
      });
    });

    test('strangers, those who left and users of another conversation cannot', async () => {
      const { conversationId, members } = await fixture.group();
      const [stranger, pair] = [await fixture.user(), await fixture.pair()];
      await change(conversationId, members[0]!.userId, GroupChange.leave);
      for (const [id, actorId] of [
        [conversationId, stranger.userId],
        [conversationId, members[0]!.userId],
        [fixture.id(), stranger.userId],
        [pair.conversationId, pair.first.userId],
      ] as const) {
        expect(await change(id, actorId, GroupChange.leave)).toEqual(refused('NOT_A_MEMBER'));
      }
    });

    test('a change that there is not is refused', async () => {
      const { conversationId, owner } = await fixture.group();
      expect((await change(conversationId, owner.userId, 99)).outcome).toBe('refused');
    });

    test('a repeat gives the first notice, whatever was done since, and changes nothing', async () => {
      const { conversationId, owner, admin, members } = await fixture.group();
      const request = { ...fixture.change(conversationId, admin.userId, GroupChange.rename), text: 'One' };
      const first = changed(await fixture.storage.groups.change(request));
      await change(conversationId, owner.userId, GroupChange.remove, { userIds: [admin.userId] });
      const again = changed(await fixture.storage.groups.change({ ...request, msgId: fixture.id(), text: 'Two' }));
      expect(again).toMatchObject({ outcome: 'repeated', added: [], removed: [], notice: first.notice });
      expect(await fixture.state(members[0]!.userId, conversationId)).toMatchObject({ group: { name: 'One' } });
    });

    test('one request many times at once has one effect and one notice', async () => {
      const { conversationId, admin } = await fixture.group();
      const request = { ...fixture.change(conversationId, admin.userId, GroupChange.announce), text: 'once' };
      const outcomes = await Promise.all(Array.from({ length: 12 }, () => fixture.storage.groups.change(request)));
      expect(outcomes.filter(({ outcome }) => outcome === 'stored')).toHaveLength(1);
      expect(new Set(outcomes.map((outcome) => changed(outcome).notice.convSeq)).size).toBe(1);
    });

    test('messages and changes at once: conv_seq without a hole or a double, and the count is right', async () => {
      const { conversationId, owner, admin, members } = await fixture.group(3);
      const calls: Promise<unknown>[] = [];
      const newcomers = await Promise.all(Array.from({ length: 10 }, () => fixture.user()));
      for (let round = 0; round < 10; round += 1) {
        calls.push(fixture.send(conversationId, members[round % 3]!.userId, 3));
        calls.push(change(conversationId, admin.userId, GroupChange.rename, { text: `name ${round}` }));
        calls.push(change(conversationId, owner.userId, GroupChange.invite, { userIds: [newcomers[round]!.userId] }));
        calls.push(
          fixture.storage.conversations.raiseCursors([
            { conversationId, userId: owner.userId, deviceId: '', deliveredSeq: 0, readSeq: 2, nowMs: fixture.later() },
          ]),
        );
      }
      await Promise.all(calls);
      const messages = await fixture.history(conversationId, owner.userId);
      expect(messages.map(({ convSeq }) => convSeq)).toEqual(messages.map((_, index) => index + 1));
      expect(messages.at(-1)!.countNo).toBe(30);
      const state = await fixture.state(owner.userId, conversationId);
      expect(state).toMatchObject({
        headSeq: messages.length,
        headCountNo: 30,
        readSeq: 2,
        group: { memberCount: 15, name: 'name 9' },
      });
    });
  });
}
