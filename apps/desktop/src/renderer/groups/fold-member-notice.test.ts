import { describe, expect, test } from 'vitest';
import type { MemberView, NoticeView } from '../../bridge/contract.ts';
import { foldMemberNotice } from './fold-member-notice.ts';

const member = (userId: string, role: MemberView['role'] = 'member'): MemberView => ({
  user: { userId, username: `u${userId}`, displayName: `User ${userId}` },
  role,
  mutedUntilMs: 0,
  joinedMs: 1,
});

const members = [member('1', 'owner'), member('2', 'admin'), member('3'), member('4')];

function notice(kind: NoticeView['kind'], userIds: string[] = [], number = 0, actor = '1'): NoticeView {
  return {
    kind,
    actor: { userId: actor, name: '' },
    actorIsMe: false,
    users: userIds.map((userId) => ({ userId, name: '' })),
    meAmong: false,
    text: '',
    number,
  };
}

const fold = (one: NoticeView) => foldMemberNotice(members, one);
const roles = (list: readonly MemberView[] | null) => list?.map(({ user, role }) => `${user.userId} ${role}`);

describe('what a notice does to the loaded members', () => {
  test('those who were removed are gone, and so is who left', () => {
    expect(fold(notice('removed', ['3', '4', '99']))?.map(({ user }) => user.userId)).toEqual(['1', '2']);
    expect(fold(notice('left', [], 0, '2'))?.map(({ user }) => user.userId)).toEqual(['1', '3', '4']);
  });

  test('roles change, and a transfer makes the old owner an admin', () => {
    expect(roles(fold(notice('role', ['3'], 2)))).toContain('3 admin');
    expect(roles(fold(notice('role', ['2'], 1)))).toContain('2 member');
    expect(roles(fold(notice('transferred', ['3'])))).toEqual(['1 admin', '2 admin', '3 owner', '4 member']);
  });

  test('a mute and its end reach the member', () => {
    expect(fold(notice('muted', ['4'], 5000))?.at(-1)?.mutedUntilMs).toBe(5000);
    expect(fold(notice('muted', ['4'], 0))?.at(-1)?.mutedUntilMs).toBe(0);
  });

  test.each(['invited', 'approved', 'joined'] as const)('%s: somebody came who is not in the list', (kind) => {
    expect(fold(notice(kind, ['9']))).toBeNull();
  });

  test('anything else leaves the list as it is', () => {
    expect(fold(notice('renamed'))).toBe(members);
    expect(fold(notice('announced'))).toBe(members);
  });

  test.each([
    notice('removed', ['3']),
    notice('left', [], 0, '4'),
    notice('role', ['3'], 2),
    notice('transferred', ['2']),
    notice('muted', ['3'], 77),
  ])('$kind applied twice is as applied once', (one) => {
    const once = foldMemberNotice(members, one)!;
    expect(foldMemberNotice(once, one)).toEqual(once);
  });
});
