import { NoticeAction } from '@fastim/protocol';
import type { MessageContent } from './store.ts';
import type { NoticeKind, NoticeView } from './views.ts';

const kinds: Readonly<Record<number, NoticeKind>> = {
  [NoticeAction.renamed]: 'renamed',
  [NoticeAction.colored]: 'colored',
  [NoticeAction.announced]: 'announced',
  [NoticeAction.invited]: 'invited',
  [NoticeAction.removed]: 'removed',
  [NoticeAction.left]: 'left',
  [NoticeAction.roleChanged]: 'role',
  [NoticeAction.transferred]: 'transferred',
  [NoticeAction.muted]: 'muted',
  [NoticeAction.allMuted]: 'all-muted',
  [NoticeAction.approvalChanged]: 'approval',
  [NoticeAction.approved]: 'approved',
  [NoticeAction.created]: 'created',
  [NoticeAction.joined]: 'joined',
};

/** What somebody did to the group. A kind that this build does not know is 'other'. */
export function noticeView(
  actorId: string,
  notice: Extract<MessageContent, { type: 'notice' }>,
  { me, nameOf }: { readonly me: string; nameOf(userId: string): string },
): NoticeView {
  return {
    kind: kinds[notice.action] ?? 'other',
    actor: { userId: actorId, name: nameOf(actorId) },
    actorIsMe: actorId === me,
    users: notice.userIds.map((userId) => ({ userId, name: nameOf(userId) })),
    meAmong: notice.userIds.includes(me),
    text: notice.text,
    number: notice.number,
  };
}
