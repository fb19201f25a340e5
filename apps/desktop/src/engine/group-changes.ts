import { GroupChange, GroupRole } from '@fastim/protocol';
import type { GroupChangeParams } from './client-api.ts';
import { wireId } from './wire-values.ts';

/** What of a ChangeGroupRequest the change is. */
export interface WireChange {
  change: number;
  userIds: bigint[];
  text: string;
  number: number;
}

/** Throws NOT_FOUND for ids that cannot be any. */
export function wireChange(change: GroupChangeParams): WireChange {
  switch (change.type) {
    case 'rename':
      return wire(GroupChange.rename, { text: change.name });
    case 'color':
      return wire(GroupChange.color, { number: change.avatarColor });
    case 'announce':
      return wire(GroupChange.announce, { text: change.text });
    case 'invite':
      return wire(GroupChange.invite, { userIds: change.userIds });
    case 'remove':
      return wire(GroupChange.remove, { userIds: change.userIds });
    case 'leave':
      return wire(GroupChange.leave, {});
    case 'role':
      return wire(GroupChange.role, {
        userIds: [change.userId],
        number: change.role === 'admin' ? GroupRole.admin : GroupRole.member,
      });
    case 'transfer':
      return wire(GroupChange.transfer, { userIds: [change.userId] });
    case 'mute':
      return wire(GroupChange.mute, { userIds: change.userIds, number: change.untilMs });
    case 'muteAll':
      return wire(GroupChange.muteAll, { number: change.on ? 1 : 0 });
    case 'approval':
      return wire(GroupChange.approval, { number: change.on ? 1 : 0 });
    case 'decide':
      return wire(GroupChange.decide, { userIds: change.userIds, number: change.approve ? 1 : 0 });
  }
}

function wire(change: number, uses: { userIds?: string[]; text?: string; number?: number }): WireChange {
  const { userIds = [], text = '', number = 0 } = uses;
  return { change, userIds: [...new Set(userIds)].map(wireId), text: text.toWellFormed(), number };
}
