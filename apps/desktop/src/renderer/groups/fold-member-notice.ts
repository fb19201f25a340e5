import type { MemberView, NoticeView } from '../../bridge/contract.ts';

/**
 * The loaded members after what a notice tells, so that nobody's action needs the list read anew. null: somebody came who
 * is not in it. Applying a notice twice does no harm.
 */
export function foldMemberNotice(members: readonly MemberView[], notice: NoticeView): readonly MemberView[] | null {
  const about = new Set(notice.users.map(({ userId }) => userId));
  switch (notice.kind) {
    case 'removed':
      return members.filter(({ user }) => !about.has(user.userId));
    case 'left':
      return members.filter(({ user }) => user.userId !== notice.actor.userId);
    case 'role':
      return members.map((one) =>
        about.has(one.user.userId) ? { ...one, role: notice.number >= 2 ? 'admin' : 'member' } : one,
      );
    case 'transferred':
      return members.map((one) => {
        if (about.has(one.user.userId)) return { ...one, role: 'owner' };
        return one.role === 'owner' ? { ...one, role: 'admin' } : one;
      });
    case 'muted':
      return members.map((one) => (about.has(one.user.userId) ? { ...one, mutedUntilMs: notice.number } : one));
    case 'invited':
    case 'approved':
    case 'joined':
      return null;
    default:
      return members;
  }
}
