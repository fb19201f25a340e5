import { ADMIN, MEMBER, type MemberStanding, OWNER, refuseChange, refuseOnMember } from '@fastim/core';
import { type ErrorName, GroupChange, NoticeAction, type NoticeBody } from '@fastim/protocol';
import type { GroupChangeRequest } from '../../group-store.ts';

/** A group as it is in the transaction. */
export interface GroupNow {
  readonly name: string;
  readonly avatarColor: number;
  readonly announcement: string;
  readonly memberCount: number;
  readonly muteAll: boolean;
  readonly joinApproval: boolean;
}

/** What a change is decided by, all of it read under the lock of the conversation. */
export interface ChangeContext {
  readonly group: GroupNow;
  /** Undefined: not in the group now. */
  readonly actor: MemberStanding | undefined;
  /** Of the users of the request, those who are in the group now. */
  readonly present: ReadonlyMap<bigint, MemberStanding>;
  /** Of the users of the request, those who asked to join and wait. */
  readonly waiting: ReadonlySet<bigint>;
}

/** What a change sets of the group itself. */
export type GroupColumns = Partial<{
  name: string;
  avatarColor: number;
  announcement: string;
  ownerId: bigint;
  muteAll: boolean;
  joinApproval: boolean;
}>;

/** Everything a change writes; whoever writes it asks nothing any more. */
export interface ChangePlan {
  readonly notice: NoticeBody;
  readonly set: GroupColumns;
  readonly enter: readonly bigint[];
  readonly exit: readonly bigint[];
  readonly roles: ReadonlyMap<bigint, number>;
  readonly mute: { readonly userIds: readonly bigint[]; readonly untilMs: number } | undefined;
}

export type ChangeDecision =
  | { readonly decision: 'do'; readonly plan: ChangePlan }
  | { readonly decision: 'unchanged' }
  /** The requests to join of these are turned down, and nobody is told. */
  | { readonly decision: 'turn-down'; readonly userIds: readonly bigint[] }
  | { readonly decision: 'refused'; readonly reason: ErrorName };

const unchanged: ChangeDecision = { decision: 'unchanged' };

/** Whether a change may be made, and what it writes: by core's rights and the rows as they are. */
export function decideChange(request: GroupChangeRequest, context: ChangeContext): ChangeDecision {
  const { actor, group } = context;
  if (!actor) return refused('NOT_A_MEMBER');
  const refusal = refuseChange(actor, group, request.change);
  if (refusal) return refused(refusal);
  const { text, number } = request;
  const on = number === 1;
  switch (request.change) {
    case GroupChange.rename:
      if (group.name === text) return unchanged;
      return plan(NoticeAction.renamed, [], { text, set: { name: text } });
    case GroupChange.color:
      if (group.avatarColor === number) return unchanged;
      return plan(NoticeAction.colored, [], { number, set: { avatarColor: number } });
    case GroupChange.announce:
      if (group.announcement === text) return unchanged;
      return plan(NoticeAction.announced, [], { text, set: { announcement: text } });
    case GroupChange.muteAll:
      if (group.muteAll === on) return unchanged;
      return plan(NoticeAction.allMuted, [], { number, set: { muteAll: on } });
    case GroupChange.approval:
      if (group.joinApproval === on) return unchanged;
      return plan(NoticeAction.approvalChanged, [], { number, set: { joinApproval: on } });
    default:
      return decideOnMembers(request, context, actor);
  }
}

function decideOnMembers(
  request: GroupChangeRequest,
  { group, present, waiting }: ChangeContext,
  actor: MemberStanding,
): ChangeDecision {
  const { actorId, userIds, number } = request;
  switch (request.change) {
    case GroupChange.invite: {
      const fresh = userIds.filter((userId) => !present.has(userId));
      return fresh.length === 0 ? refused('ALREADY_MEMBER') : letIn(NoticeAction.invited, fresh, group, request);
    }
    case GroupChange.decide: {
      const asked = userIds.filter((userId) => waiting.has(userId));
      if (asked.length === 0) return unchanged;
      return number === 1
        ? letIn(NoticeAction.approved, asked, group, request)
        : { decision: 'turn-down', userIds: asked };
    }
    case GroupChange.leave: {
      const set = group.memberCount === 1 ? { ownerId: 0n } : {};
      return plan(NoticeAction.left, [actorId], { exit: [actorId], set });
    }
    case GroupChange.remove:
      return onThoseBelow(actor, userIds, present, (ids) => plan(NoticeAction.removed, ids, { exit: ids }));
    case GroupChange.role:
      if (number !== MEMBER && number !== ADMIN) return refused('GROUP_INVALID');
      return onThoseBelow(actor, userIds, present, (below) => {
        const ids = below.filter((userId) => present.get(userId)?.role !== number);
        if (ids.length === 0) return unchanged;
        const roles = new Map(ids.map((userId) => [userId, number]));
        return plan(NoticeAction.roleChanged, ids, { number, roles });
      });
    case GroupChange.mute:
      return onThoseBelow(actor, userIds, present, (below) => {
        const ids = below.filter((userId) => present.get(userId)?.mutedUntilMs !== number);
        if (ids.length === 0) return unchanged;
        return plan(NoticeAction.muted, ids, { number, mute: { userIds: ids, untilMs: number } });
      });
    case GroupChange.transfer: {
      const [heirId] = userIds;
      if (heirId === undefined || !present.has(heirId)) return refused('NOT_A_MEMBER');
      if (heirId === actorId) return unchanged;
      // The owner before stays as an admin.
      const roles = new Map([
        [actorId, ADMIN],
        [heirId, OWNER],
      ]);
      return plan(NoticeAction.transferred, [heirId], { roles, set: { ownerId: heirId } });
    }
    default:
      return refused('GROUP_INVALID');
  }
}

/** All of them or nobody. */
function letIn(
  action: number,
  userIds: readonly bigint[],
  group: GroupNow,
  { maxMembers }: GroupChangeRequest,
): ChangeDecision {
  if (group.memberCount + userIds.length > maxMembers) return refused('GROUP_FULL');
  return plan(action, userIds, { enter: userIds });
}

function onThoseBelow(
  actor: MemberStanding,
  userIds: readonly bigint[],
  present: ReadonlyMap<bigint, MemberStanding>,
  decide: (below: readonly bigint[]) => ChangeDecision,
): ChangeDecision {
  const members = userIds.filter((userId) => present.has(userId));
  if (members.length === 0) return refused('NOT_A_MEMBER');
  const below = members.filter((userId) => refuseOnMember(actor, present.get(userId)!) === undefined);
  return below.length === 0 ? refused('NOT_ALLOWED') : decide(below);
}

function plan(
  action: number,
  userIds: readonly bigint[],
  parts: Partial<Omit<ChangePlan, 'notice'>> & { text?: string; number?: number },
): ChangeDecision {
  const { text = '', number = 0, set = {}, enter = [], exit = [], roles = new Map(), mute } = parts;
  const notice = { action, userIds: [...userIds], text, number };
  return { decision: 'do', plan: { notice, set, enter, exit, roles, mute } };
}

function refused(reason: ErrorName): ChangeDecision {
  return { decision: 'refused', reason };
}
