import {
  ADMIN,
  INVITE,
  type MemberStanding,
  OWNER,
  type Refusal,
  refuseChange,
  refuseEdit,
  refusePost,
  refuseReaction,
  refuseRecall,
  type Target,
} from '@fastim/core';
import { GroupChange, type GroupRole } from '@fastim/protocol';
import type { ConversationRow, StoredMessage } from './store.ts';
import type { GroupView, RoleView } from './views.ts';

/** How long one's own messages can be changed; the server says it at the login. */
export interface Windows {
  readonly editMs: number;
  readonly recallMs: number;
}

export const defaultWindows: Windows = { editMs: 24 * 3_600_000, recallMs: 2 * 60_000 };

interface Viewer {
  readonly me: string;
  readonly nowMs: number;
  readonly windows: Windows;
}

/** What core's rules say of me, by what is known here: for menus, and to refuse early what the server would refuse. */
export function refusalOf(
  action: 'edit' | 'recall' | 'reaction',
  message: StoredMessage,
  row: ConversationRow,
  { me, nowMs, windows }: Viewer,
): Refusal | undefined {
  if (row.leaveSeq > 0) return 'NOT_A_MEMBER';
  const member = { ...standing(row), userId: BigInt(me) };
  const group = row.group ?? undefined;
  const target = targetOf(message);
  switch (action) {
    case 'edit':
      return refuseEdit(member, group, target, {
        mentionAll: false,
        nowMs,
        notBeforeMs: nowMs - windows.editMs,
      });
    case 'recall':
      return refuseRecall(member, group, target, { notBeforeMs: nowMs - windows.recallMs });
    case 'reaction':
      return refuseReaction(member, group, target, { nowMs });
  }
}

/** 0: I may not. */
export function editableUntil(message: StoredMessage, row: ConversationRow, viewer: Viewer): number {
  return refusalOf('edit', message, row, viewer) ? 0 : message.serverTimeMs + viewer.windows.editMs;
}

/** 0: I may not. null: at any time. */
export function recallableUntil(message: StoredMessage, row: ConversationRow, viewer: Viewer): number | null {
  if (refusalOf('recall', message, row, viewer)) return 0;
  return row.group && row.role >= ADMIN ? null : message.serverTimeMs + viewer.windows.recallMs;
}

export function groupView(row: ConversationRow, nowMs: number): GroupView | null {
  const { group, role, mutedUntilMs, pendingJoins } = row;
  if (!group) return null;
  const left = row.leaveSeq > 0;
  const member = standing(row);
  const may = (change: number) => !left && refuseChange(member, group, change) === undefined;
  const mayPost = (mentionAll: boolean) => !left && refusePost(member, group, { mentionAll, nowMs }) === undefined;
  return {
    avatarColor: group.avatarColor,
    memberCount: group.memberCount,
    announcement: group.announcement,
    ownerId: group.ownerId,
    muteAll: group.muteAll,
    joinApproval: group.joinApproval,
    myRole: roleView(role),
    mutedUntilMs,
    left,
    pendingJoins: left ? 0 : pendingJoins,
    can: {
      write: mayPost(false),
      mentionAll: mayPost(true),
      edit: may(GroupChange.rename),
      invite: may(INVITE),
      manage: !left && role >= ADMIN,
      own: !left && role >= OWNER,
    },
  };
}

const roles: Readonly<Record<GroupRole, RoleView>> = { 1: 'member', 2: 'admin', 3: 'owner' };

export function roleView(role: number): RoleView {
  return roles[role as GroupRole] ?? 'member';
}

function standing({ role, mutedUntilMs }: ConversationRow): MemberStanding {
  return { role, mutedUntilMs };
}

function targetOf({ content, senderId, serverTimeMs, marks }: StoredMessage): Target {
  return {
    isText: content.type === 'text',
    senderId: BigInt(senderId),
    serverTimeMs,
    recalled: marks.recalledSeq > 0,
  };
}
