import { refuseChange, refuseLinks, refuseOnMember } from '@fastim/core';
import {
  type ErrorName,
  GroupChange,
  GroupRole,
  MAX_GROUP_NAME,
  MAX_USERS_A_CHANGE,
  NoticeAction,
  type NoticeBody,
} from '@fastim/protocol';
import type { FakeConversation, FakeLink, FakeMember } from './fake-conversation.ts';

export interface ChangeAsked {
  readonly change: number;
  readonly userIds: readonly bigint[];
  readonly text: string;
  readonly number: number;
}

/** The notice to be stored, and who is in or out by it. */
export type Changed = { notice: NoticeBody; removed: readonly bigint[] } | 'unchanged' | { refused: ErrorName };

/** Changes the rows of a group; what it returns is to be stored as the next message. */
export function changeGroup(
  conversation: FakeConversation,
  actor: FakeMember,
  asked: ChangeAsked,
  nowMs: number,
): Changed {
  const { group } = conversation;
  if (!group) return { refused: 'NOT_A_MEMBER' };
  const invalid = refuseValues(asked);
  if (invalid) return { refused: invalid };
  const memberCount = conversation.presentMembers().length;
  const refusal = refuseChange(actor, { joinApproval: group.joinApproval, memberCount }, asked.change);
  if (refusal) return { refused: refusal };
  const on = asked.number === 1;
  switch (asked.change) {
    case GroupChange.rename:
      if (group.name === asked.text) return 'unchanged';
      group.name = asked.text;
      return done(NoticeAction.renamed, [], asked.text);
    case GroupChange.color:
      group.avatarColor = asked.number;
      return done(NoticeAction.colored, [], '', asked.number);
    case GroupChange.announce:
      group.announcement = asked.text;
      return done(NoticeAction.announced, [], asked.text);
    case GroupChange.muteAll:
      group.muteAll = on;
      return done(NoticeAction.allMuted, [], '', asked.number);
    case GroupChange.approval:
      group.joinApproval = on;
      return done(NoticeAction.approvalChanged, [], '', asked.number);
    case GroupChange.leave:
      exit(conversation, actor, nowMs);
      return { ...done(NoticeAction.left, [actor.userId]), removed: [actor.userId] };
    case GroupChange.invite: {
      const fresh = asked.userIds.filter((userId) => !conversation.present(userId));
      if (fresh.length === 0) return { refused: 'ALREADY_MEMBER' };
      for (const userId of fresh) enter(conversation, userId, nowMs);
      return done(NoticeAction.invited, fresh);
    }
    case GroupChange.decide: {
      const waiting = asked.userIds.filter((userId) => group.requests.delete(userId));
      if (waiting.length === 0) return 'unchanged';
      conversation.touchAdmins(nowMs);
      if (!on) return 'unchanged';
      for (const userId of waiting) enter(conversation, userId, nowMs);
      return done(NoticeAction.approved, waiting);
    }
    case GroupChange.transfer: {
      const heir = conversation.present(asked.userIds[0] ?? 0n);
      if (!heir || heir === actor) return { refused: 'NOT_A_MEMBER' };
      actor.role = GroupRole.admin;
      heir.role = GroupRole.owner;
      for (const member of [actor, heir]) conversation.touch(member, nowMs);
      return done(NoticeAction.transferred, [heir.userId]);
    }
    default:
      return changeMembers(conversation, actor, asked, nowMs);
  }
}

function changeMembers(
  conversation: FakeConversation,
  actor: FakeMember,
  { change, userIds, number }: ChangeAsked,
  nowMs: number,
): Changed {
  const present = userIds.flatMap((userId) => conversation.present(userId) ?? []);
  const below = present.filter((member) => refuseOnMember(actor, member) === undefined);
  if (below.length === 0) return { refused: present.length === 0 ? 'NOT_A_MEMBER' : 'NOT_ALLOWED' };
  const ids = below.map(({ userId }) => userId);
  for (const member of below) {
    if (change === GroupChange.remove) exit(conversation, member, nowMs);
    else if (change === GroupChange.role) member.role = number;
    else member.mutedUntilMs = number;
    if (change !== GroupChange.remove) conversation.touch(member, nowMs);
  }
  if (change === GroupChange.remove) return { ...done(NoticeAction.removed, ids), removed: ids };
  return done(change === GroupChange.role ? NoticeAction.roleChanged : NoticeAction.muted, ids, '', number);
}

/** By a link: a notice to be stored, or nothing while an admin has to decide. */
export function joinByLink(
  conversation: FakeConversation,
  link: FakeLink,
  userId: bigint,
  nowMs: number,
): Changed | 'requested' {
  const { group } = conversation;
  if (!group || !works(link, nowMs)) return { refused: 'LINK_INVALID' };
  if (conversation.present(userId)) return { refused: 'ALREADY_MEMBER' };
  link.uses += 1;
  if (group.joinApproval) {
    group.requests.set(userId, nowMs);
    conversation.touchAdmins(nowMs);
    return 'requested';
  }
  enter(conversation, userId, nowMs);
  return done(NoticeAction.joined, [userId]);
}

export function works(link: FakeLink, nowMs: number): boolean {
  const isOver = link.expiresMs > 0 && link.expiresMs <= nowMs;
  return !link.revoked && !isOver && (link.maxUses === 0 || link.uses < link.maxUses);
}

export function mayLink(conversation: FakeConversation, userId: bigint): ErrorName | undefined {
  const member = conversation.present(userId);
  if (!conversation.group || !member) return 'NOT_A_MEMBER';
  return refuseLinks(member, conversation.group);
}

function refuseValues({ change, userIds, text }: ChangeAsked): ErrorName | undefined {
  if (userIds.length > MAX_USERS_A_CHANGE) return 'TOO_MANY';
  const isName = change === GroupChange.rename;
  return isName && (text.trim() === '' || text.length > MAX_GROUP_NAME) ? 'GROUP_INVALID' : undefined;
}

/** The notice that is stored next is where the member begins to see. */
function enter(conversation: FakeConversation, userId: bigint, nowMs: number): void {
  conversation.group?.requests.delete(userId);
  conversation.addMember(userId, GroupRole.member, conversation.messages.length + 1, nowMs);
}

function exit(conversation: FakeConversation, member: FakeMember, nowMs: number): void {
  member.leaveSeq = conversation.messages.length + 1;
  conversation.touch(member, nowMs);
}

function done(action: number, userIds: readonly bigint[], text = '', number = 0): { notice: NoticeBody; removed: [] } {
  return { notice: { action, userIds: [...userIds], text, number }, removed: [] };
}
