import { unreadCount } from '@fastim/core';
import { GroupChange, GroupRole } from '@fastim/protocol';
import { describe, expect, test } from 'vitest';
import { changed, type OpenStorage, refused, stored, useStorage, words } from './fixtures.ts';

/** What GroupStore promises about coming, going and rights of members. */
export function groupMemberContract(open: OpenStorage): void {
  describe('members of a group', () => {
    const fixture = useStorage(open);

    const change = (conversationId: bigint, actorId: bigint, kind: number, userIds: bigint[] = [], number = 0) =>
      fixture.storage.groups.change(fixture.change(conversationId, actorId, kind, userIds, number));

    test('invited ones see from the notice on, and nobody is invited twice', async () => {
      const { conversationId, owner, members } = await fixture.group();
      await fixture.send(conversationId, owner.userId, 4);
      const [a, b] = [await fixture.user(), await fixture.user()];
      const made = changed(
        await change(conversationId, members[0]!.userId, GroupChange.invite, [owner.userId, a.userId, b.userId]),
      );
      expect(made).toMatchObject({ added: [a.userId, b.userId], userIds: [a.userId, b.userId], removed: [] });
      const { convSeq } = made.notice;
      const state = await fixture.state(a.userId, conversationId);
      expect(state).toMatchObject({ joinSeq: convSeq, headSeq: convSeq, headCountNo: 4, lastMessage: { convSeq } });
      expect(unreadCount({ headCountNo: state.headCountNo, baseCountNo: state.unreadBaseCountNo })).toBe(0);
      expect(await change(conversationId, owner.userId, GroupChange.invite, [a.userId, b.userId])).toEqual(
        refused('ALREADY_MEMBER'),
      );
      await fixture.send(conversationId, owner.userId, 2);
      const later = await fixture.state(a.userId, conversationId);
      expect(unreadCount({ headCountNo: later.headCountNo, baseCountNo: later.unreadBaseCountNo })).toBe(2);
    });

    test('with join approval only admins invite', async () => {
      const { conversationId, admin, members } = await fixture.group();
      const guest = await fixture.user();
      await change(conversationId, admin.userId, GroupChange.approval, [], 1);
      const invite = (actorId: bigint) => change(conversationId, actorId, GroupChange.invite, [guest.userId]);
      expect(await invite(members[0]!.userId)).toEqual(refused('NOT_ALLOWED'));
      expect((await invite(admin.userId)).outcome).toBe('stored');
    });

    test('a full group takes all of an invitation or nobody', async () => {
      const { conversationId, owner } = await fixture.group();
      const [a, b] = [await fixture.user(), await fixture.user()];
      const invite = (userIds: bigint[]) =>
        fixture.storage.groups.change({
          ...fixture.change(conversationId, owner.userId, GroupChange.invite, userIds),
          maxMembers: 5,
        });
      expect(await invite([a.userId, b.userId])).toEqual(refused('GROUP_FULL'));
      expect(await fixture.storage.conversations.membership(conversationId, a.userId)).toBeUndefined();
      expect((await invite([a.userId])).outcome).toBe('stored');
      expect(await invite([b.userId])).toEqual(refused('GROUP_FULL'));
    });

    test('many invitations at once to the last place: one comes in', async () => {
      const { conversationId, owner } = await fixture.group();
      const guests = await Promise.all(Array.from({ length: 8 }, () => fixture.user()));
      const outcomes = await Promise.all(
        guests.map(({ userId }) =>
          fixture.storage.groups.change({
            ...fixture.change(conversationId, owner.userId, GroupChange.invite, [userId]),
            maxMembers: 5,
          }),
        ),
      );
      expect(outcomes.filter(({ outcome }) => outcome === 'stored')).toHaveLength(1);
      expect(await fixture.state(owner.userId, conversationId)).toMatchObject({ group: { memberCount: 5 } });
    });

    test('who leaves keeps what was there until then, cannot write, and gets nothing that comes after', async () => {
      const { conversationId, owner, members } = await fixture.group();
      const leaver = members[0]!.userId;
      await fixture.send(conversationId, owner.userId, 3);
      const before = await fixture.storage.conversations.mark(leaver);
      const left = changed(await change(conversationId, leaver, GroupChange.leave));
      const leaveSeq = left.notice.convSeq;
      expect(left).toMatchObject({ removed: [leaver], added: [], userIds: [leaver], removalsSeq: leaveSeq });
      const [sent] = await fixture.send(conversationId, owner.userId, 1);
      expect(sent).toMatchObject({ kind: 2, memberIds: [], removalsSeq: leaveSeq });
      expect(await fixture.state(leaver, conversationId)).toMatchObject({
        headSeq: leaveSeq,
        headCountNo: 3,
        leaveSeq,
        lastActivityMs: left.notice.serverTimeMs,
        lastMessage: { convSeq: leaveSeq },
        pendingJoins: 0,
      });
      expect(await fixture.storage.conversations.membership(conversationId, leaver)).toMatchObject({
        lastSeq: leaveSeq,
        leaveSeq,
        memberCount: 3,
      });
      const after = await fixture.storage.conversations.mark(leaver);
      expect(after).toMatchObject({ conversationCount: before.conversationCount, headSum: leaveSeq });
      expect(after.versionSum).toBeGreaterThan(before.versionSum);
      expect(await fixture.storage.conversations.groupIdsOf(leaver)).toEqual([]);
      expect(await fixture.append(fixture.request(conversationId, leaver))).toEqual(refused('NOT_A_MEMBER'));
      expect(await fixture.append(fixture.recall(conversationId, leaver, 2))).toEqual(refused('NOT_A_MEMBER'));
    });

    test('of a message taken back since, who left learns that its words are gone and nothing else that came later', async () => {
      const { conversationId, owner, admin, members } = await fixture.group();
      const leaver = members[0]!.userId;
      const convSeq = (await fixture.send(conversationId, owner.userId))[0]!.convSeq;
      await change(conversationId, leaver, GroupChange.leave);
      stored(await fixture.append(fixture.reaction(conversationId, admin.userId, convSeq)));
      const recall = stored(await fixture.append(fixture.recall(conversationId, owner.userId, convSeq)));
      const [seen] = await fixture.history(conversationId, leaver, { fromSeq: convSeq, toSeq: convSeq });
      expect(seen?.marks).toEqual({
        editedSeq: 0,
        recalledSeq: recall.convSeq,
        recalledBy: owner.userId,
        reactionsSeq: 0,
        reactions: [],
      });
    });

    test('a message that was stored before leaving gets its answer after it, too', async () => {
      const { conversationId, members } = await fixture.group();
      const leaver = members[0]!.userId;
      const request = fixture.request(conversationId, leaver);
      const first = stored(await fixture.append(request));
      await change(conversationId, leaver, GroupChange.leave);
      const again = stored(await fixture.append(request));
      expect(again).toMatchObject({ outcome: 'repeated', msgId: first.msgId, convSeq: first.convSeq });
    });

    test('who left may still read up to the end, and no further', async () => {
      const { conversationId, owner, members } = await fixture.group();
      const leaver = members[0]!.userId;
      await fixture.send(conversationId, owner.userId, 3);
      const leaveSeq = changed(await change(conversationId, leaver, GroupChange.leave)).notice.convSeq;
      await fixture.send(conversationId, owner.userId, 1);
      const read = (readSeq: number) =>
        fixture.storage.conversations.raiseCursors([
          { conversationId, userId: leaver, deviceId: 'd', deliveredSeq: 0, readSeq, nowMs: fixture.later() },
        ]);
      expect((await read(leaveSeq + 1)).refused).toMatchObject([{ reason: 'CURSOR_INVALID' }]);
      expect((await read(leaveSeq)).raised).toMatchObject([{ userId: leaver, readSeq: leaveSeq, readCountNo: 3 }]);
    });

    test('who comes back sees from then on, as a plain member, with cursor and settings as they were', async () => {
      const { conversationId, owner, admin, members } = await fixture.group();
      const userId = admin.userId;
      const read = { conversationId, userId, deviceId: 'd', deliveredSeq: 0, readSeq: 2, nowMs: 1 };
      await fixture.storage.conversations.raiseCursors([read]);
      const pinned = { silentUntilMs: undefined, archived: undefined, markedUnread: undefined, draft: undefined };
      await fixture.storage.conversations.changeSettings(
        userId,
        { conversationId, ...pinned, pinnedMs: 5, hideSeqs: [] },
        1,
      );
      await change(conversationId, userId, GroupChange.leave);
      const { version } = await fixture.state(userId, conversationId);
      await fixture.send(conversationId, owner.userId, 2);
      const back = changed(await change(conversationId, members[0]!.userId, GroupChange.invite, [userId]));
      expect(back.added).toEqual([userId]);
      const state = await fixture.state(userId, conversationId);
      expect(state).toMatchObject({
        joinSeq: back.notice.convSeq,
        leaveSeq: 0,
        role: GroupRole.member,
        readSeq: 2,
        settings: { pinnedMs: 5 },
        group: { memberCount: 4 },
      });
      expect(state.version).toBeGreaterThan(version);
      expect(unreadCount({ headCountNo: state.headCountNo, baseCountNo: state.unreadBaseCountNo })).toBe(0);
      expect(stored(await fixture.append(fixture.request(conversationId, userId))).outcome).toBe('stored');
    });

    test('the owner leaves last, or gives the group away first', async () => {
      const { conversationId, owner, admin, members } = await fixture.group();
      expect(await change(conversationId, owner.userId, GroupChange.leave)).toEqual(refused('OWNER_CANNOT_LEAVE'));
      const heir = members[0]!.userId;
      expect(await change(conversationId, admin.userId, GroupChange.transfer, [heir])).toEqual(refused('NOT_ALLOWED'));
      const stranger = await fixture.user();
      expect((await change(conversationId, owner.userId, GroupChange.transfer, [stranger.userId])).outcome).toBe(
        'refused',
      );
      const given = changed(await change(conversationId, owner.userId, GroupChange.transfer, [heir]));
      expect(given.userIds).toEqual([heir]);
      expect(await fixture.state(heir, conversationId)).toMatchObject({
        role: GroupRole.owner,
        group: { ownerId: heir },
      });
      expect((await fixture.state(owner.userId, conversationId)).role).toBe(GroupRole.admin);
      for (const userId of [owner.userId, admin.userId, members[1]!.userId, heir]) {
        expect((await change(conversationId, userId, GroupChange.leave)).outcome).toBe('stored');
      }
      expect(await fixture.storage.conversations.membership(conversationId, heir)).toMatchObject({ memberCount: 0 });
    });

    test('removing works downwards only; those above or outside are left out', async () => {
      const { conversationId, owner, admin, members } = await fixture.group();
      const [a, b] = [members[0]!.userId, members[1]!.userId];
      const stranger = await fixture.user();
      expect(await change(conversationId, a, GroupChange.remove, [b])).toEqual(refused('NOT_ALLOWED'));
      expect(await change(conversationId, admin.userId, GroupChange.remove, [owner.userId])).toEqual(
        refused('NOT_ALLOWED'),
      );
      expect((await change(conversationId, admin.userId, GroupChange.remove, [stranger.userId])).outcome).toBe(
        'refused',
      );
      const removed = changed(
        await change(conversationId, admin.userId, GroupChange.remove, [
          owner.userId,
          a,
          stranger.userId,
          admin.userId,
        ]),
      );
      expect(removed).toMatchObject({ removed: [a], userIds: [a], removalsSeq: removed.notice.convSeq });
      expect(await fixture.state(a, conversationId)).toMatchObject({ leaveSeq: removed.notice.convSeq });
      expect(await fixture.state(b, conversationId)).toMatchObject({ leaveSeq: 0, group: { memberCount: 3 } });
    });

    test('roles are the owner’s to give; each change of one’s own role raises the version', async () => {
      const { conversationId, owner, admin, members } = await fixture.group();
      const member = members[0]!.userId;
      const give = (actorId: bigint, userIds: bigint[], role: number) =>
        change(conversationId, actorId, GroupChange.role, userIds, role);
      expect(await give(admin.userId, [member], GroupRole.admin)).toEqual(refused('NOT_ALLOWED'));
      expect(await give(owner.userId, [owner.userId], GroupRole.member)).toEqual(refused('NOT_ALLOWED'));
      const { version } = await fixture.state(member, conversationId);
      const given = changed(await give(owner.userId, [member, admin.userId], GroupRole.admin));
      expect(given.userIds).toEqual([member]);
      expect(await fixture.state(member, conversationId)).toMatchObject({
        role: GroupRole.admin,
        version: version + 1,
      });
      expect(await give(owner.userId, [member], GroupRole.admin)).toMatchObject({ outcome: 'unchanged' });
      expect((await give(owner.userId, [member], GroupRole.member)).outcome).toBe('stored');
    });

    test('a muted member cannot write until then, nor edit nor react, but recall', async () => {
      const { conversationId, admin, members } = await fixture.group();
      const muted = members[0]!.userId;
      const [sent] = await fixture.send(conversationId, muted);
      const untilMs = fixture.later() + 60_000;
      changed(await change(conversationId, admin.userId, GroupChange.mute, [muted], untilMs));
      expect(await fixture.state(muted, conversationId)).toMatchObject({ mutedUntilMs: untilMs });
      const outcomes = await fixture.storage.messages.append([
        fixture.request(conversationId, muted),
        fixture.edit(conversationId, muted, sent!.convSeq),
        fixture.reaction(conversationId, muted, sent!.convSeq),
        fixture.request(conversationId, muted, { serverTimeMs: untilMs }),
        fixture.recall(conversationId, muted, sent!.convSeq),
      ]);
      expect(outcomes.map((one) => ('reason' in one ? one.reason : one.outcome))).toEqual([
        'MUTED',
        'MUTED',
        'MUTED',
        'stored',
        'stored',
      ]);
      expect(await change(conversationId, muted, GroupChange.mute, [members[1]!.userId], untilMs)).toEqual(
        refused('NOT_ALLOWED'),
      );
      changed(await change(conversationId, admin.userId, GroupChange.mute, [muted], 0));
      expect(stored(await fixture.append(fixture.request(conversationId, muted))).outcome).toBe('stored');
    });

    test('who is muted stays so when he leaves and comes back', async () => {
      const { conversationId, admin, members } = await fixture.group();
      const muted = members[0]!.userId;
      const untilMs = fixture.later() + 60_000;
      changed(await change(conversationId, admin.userId, GroupChange.mute, [muted], untilMs));
      await change(conversationId, muted, GroupChange.leave);
      changed(await change(conversationId, admin.userId, GroupChange.invite, [muted]));
      expect(await fixture.state(muted, conversationId)).toMatchObject({ mutedUntilMs: untilMs });
      expect(await fixture.append(fixture.request(conversationId, muted))).toEqual(refused('MUTED'));
    });

    test('with everybody muted only owner and admins write', async () => {
      const { conversationId, owner, admin, members } = await fixture.group();
      changed(await change(conversationId, owner.userId, GroupChange.muteAll, [], 1));
      const outcomes = await fixture.storage.messages.append(
        [owner, admin, members[0]!].map(({ userId }) => fixture.request(conversationId, userId)),
      );
      expect(outcomes.map((one) => ('reason' in one ? one.reason : one.outcome))).toEqual([
        'stored',
        'stored',
        'MUTED',
      ]);
    });

    test('delivered is not kept in groups; read is, and only upwards', async () => {
      const { conversationId, owner, members } = await fixture.group();
      const [sent] = (await fixture.send(conversationId, owner.userId, 2)).slice(-1);
      const move = { conversationId, userId: members[0]!.userId, deviceId: 'd', nowMs: fixture.later() };
      const raise = async (deliveredSeq: number, readSeq: number) =>
        (await fixture.storage.conversations.raiseCursors([{ ...move, deliveredSeq, readSeq }])).raised;
      expect(await raise(sent!.convSeq, 0)).toEqual([]);
      expect(await raise(sent!.convSeq, 2)).toMatchObject([{ readSeq: 2, deliveredSeq: 0, readCountNo: 0 }]);
      expect(await raise(sent!.convSeq, 1)).toEqual([]);
      expect((await fixture.state(owner.userId, conversationId)).peerCursor).toBeUndefined();
    });

    test('the list shows a group by its last shown message in its present form', async () => {
      const { conversationId, owner, members } = await fixture.group();
      const [sent] = await fixture.send(conversationId, owner.userId);
      await fixture.append(fixture.reaction(conversationId, members[0]!.userId, sent!.convSeq));
      await fixture.append(fixture.edit(conversationId, owner.userId, sent!.convSeq, 'better'));
      const { lastMessage, headSeq } = await fixture.state(members[0]!.userId, conversationId);
      expect(headSeq).toBe(sent!.convSeq + 2);
      expect(lastMessage).toMatchObject({ convSeq: sent!.convSeq, marks: { editedSeq: headSeq } });
      expect(lastMessage!.marks!.reactions).toMatchObject([{ count: 1, mine: true }]);
      expect(words(lastMessage)).toBe('better');
    });
  });
}
