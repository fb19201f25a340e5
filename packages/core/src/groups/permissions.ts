/**
 * Who may do what in a conversation: the same function in the server's stores (where it decides, inside the transaction)
 * and in the client (where it only says which menu items to show). Roles and kinds have the numbers of the wire.
 */
export interface MemberStanding {
  /** 1 member, 2 admin, 3 owner; 0 in direct conversations. */
  readonly role: number;
  readonly mutedUntilMs: number;
}

export interface GroupRules {
  readonly muteAll: boolean;
}

/** The message that an edit, a recall or a reaction refers to. */
export interface Target {
  /** Of kind text: notices and events cannot be changed. */
  readonly isText: boolean;
  readonly senderId: bigint;
  readonly serverTimeMs: number;
  readonly recalled: boolean;
}

/** Names of the error catalogue. */
export type Refusal =
  | 'NOT_ALLOWED'
  | 'MUTED'
  | 'TARGET_INVALID'
  | 'TOO_LATE'
  | 'ALREADY_MEMBER'
  | 'OWNER_CANNOT_LEAVE'
  | 'NOT_A_MEMBER'
  | 'GROUP_FULL';

export const MEMBER = 1;
export const ADMIN = 2;
export const OWNER = 3;

/** Undefined: allowed. `group` is undefined in direct conversations, where nobody is muted and everybody may mention all. */
export function refusePost(
  member: MemberStanding,
  group: GroupRules | undefined,
  request: { readonly mentionAll: boolean; readonly nowMs: number },
): Refusal | undefined {
  if (!group) return undefined;
  if (member.role >= ADMIN) return undefined;
  if (group.muteAll || member.mutedUntilMs > request.nowMs) return 'MUTED';
  return request.mentionAll ? 'NOT_ALLOWED' : undefined;
}

/** `notBeforeMs`: older messages are left alone; 0: any age. Who may not write may not edit either. */
export function refuseEdit(
  member: MemberStanding & { readonly userId: bigint },
  group: GroupRules | undefined,
  target: Target | undefined,
  request: { readonly mentionAll: boolean; readonly nowMs: number; readonly notBeforeMs: number },
): Refusal | undefined {
  if (!target?.isText || target.recalled) return 'TARGET_INVALID';
  if (target.senderId !== member.userId) return 'NOT_ALLOWED';
  if (target.serverTimeMs < request.notBeforeMs) return 'TOO_LATE';
  return refusePost(member, group, request);
}

/** Own ones within the window; owner and admins of a group any one at any time. Being muted does not matter. */
export function refuseRecall(
  member: MemberStanding & { readonly userId: bigint },
  group: GroupRules | undefined,
  target: Target | undefined,
  request: { readonly notBeforeMs: number },
): Refusal | undefined {
  if (!target?.isText || target.recalled) return 'TARGET_INVALID';
  if (group && member.role >= ADMIN) return undefined;
  if (target.senderId !== member.userId) return 'NOT_ALLOWED';
  return target.serverTimeMs < request.notBeforeMs ? 'TOO_LATE' : undefined;
}

export function refuseReaction(
  member: MemberStanding,
  group: GroupRules | undefined,
  target: Target | undefined,
  request: { readonly nowMs: number },
): Refusal | undefined {
  if (!target?.isText || target.recalled) return 'TARGET_INVALID';
  return refusePost(member, group, { mentionAll: false, nowMs: request.nowMs });
}

/** The least role for a change of the group as a whole, by GroupChange number. Changes of members: `refuseOnMember`. */
const leastRole: Readonly<Record<number, number>> = {
  1: ADMIN, // rename
  2: ADMIN, // color
  3: ADMIN, // announce
  4: MEMBER, // invite; with join approval: admin
  5: ADMIN, // remove
  6: MEMBER, // leave
  7: OWNER, // role
  8: OWNER, // transfer
  9: ADMIN, // mute
  10: ADMIN, // muteAll
  11: ADMIN, // approval
  12: ADMIN, // decide
};

export const INVITE = 4;
export const LEAVE = 6;

/** Whether the member may ask for this change at all. */
export function refuseChange(
  member: MemberStanding,
  group: { readonly joinApproval: boolean; readonly memberCount: number },
  change: number,
): Refusal | undefined {
  const least = change === INVITE && group.joinApproval ? ADMIN : (leastRole[change] ?? OWNER + 1);
  if (member.role < least) return 'NOT_ALLOWED';
  if (change === LEAVE && member.role === OWNER && group.memberCount > 1) return 'OWNER_CANNOT_LEAVE';
  return undefined;
}

/** Removing, muting and giving roles works only downwards: on members of a lower role than one's own. */
export function refuseOnMember(member: MemberStanding, other: { readonly role: number }): Refusal | undefined {
  return member.role > other.role ? undefined : 'NOT_ALLOWED';
}

/** Links are for owner and admins; where joining needs no approval, for everybody. */
export function refuseLinks(member: MemberStanding, group: { readonly joinApproval: boolean }): Refusal | undefined {
  return member.role >= (group.joinApproval ? ADMIN : MEMBER) ? undefined : 'NOT_ALLOWED';
}
