import { Crown, MessageCircle, Mic, MicOff, ShieldCheck, ShieldOff, UserMinus } from 'lucide-react';
import { useRef } from 'react';
import type { GroupView, MemberView, RoleView } from '../../bridge/contract.ts';
import { dayMs, hourMs } from '../conversation/conversation-settings.ts';
import type { Question } from '../design/dialog.tsx';
import { MenuItem, MenuLine, PlacedMenu, SubMenu } from '../design/menu.tsx';
import { forever } from '../i18n/forever.ts';
import { useText } from '../i18n/use-text.ts';
import { openDirectWith } from '../state/open-conversation.ts';
import { useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import type { GroupChange } from './use-group-change.ts';
import { nameOf } from './use-people.ts';

const rank: Readonly<Record<RoleView, number>> = { member: 1, admin: 2, owner: 3 };
const icon = { size: 16, 'aria-hidden': true } as const;

export interface MemberMenuTarget {
  member: MemberView;
  at: DOMRect;
}

/** What I may do to this member, by the same rules as the server's: only downwards. */
export function rightsOver(group: GroupView, member: MemberView, me: string) {
  const below = rank[group.myRole] > rank[member.role] && !group.left;
  return {
    message: member.user.userId !== me,
    manage: group.can.manage && below,
    own: group.can.own && below,
  };
}

export function MemberActions(props: {
  target: MemberMenuTarget | null;
  group: GroupView;
  me: string;
  title: string;
  onClose(): void;
  returnTo(): HTMLElement | null;
  change(change: GroupChange): Promise<unknown>;
  /** Does it at once and shows what went wrong. */
  attempt(action: () => Promise<unknown>): void;
  ask(question: Question): void;
}) {
  const { target, group, me, title, onClose, returnTo, change, attempt, ask } = props;
  const ui = useUi();
  const text = useText();
  // The content stays while the menu closes.
  const last = useRef<MemberMenuTarget | null>(null);
  if (target !== null) last.current = target;
  const shown = last.current;
  if (shown === null) return null;
  const { member, at } = shown;
  const { userId } = member.user;
  const name = nameOf(member.user);
  const rights = rightsOver(group, member, me);
  const now = ui.surroundings.now();
  const muted = member.mutedUntilMs > now;
  const mute = (untilMs: number) => attempt(() => change({ type: 'mute', userIds: [userId], untilMs }));
  return (
    <PlacedMenu at={at} open={target !== null} onClose={onClose} returnTo={returnTo}>
      {rights.message ? (
        <MenuItem
          icon={<MessageCircle {...icon} />}
          testId={testIds.messageMember}
          onClick={() => attempt(() => openDirectWith(ui, userId))}
        >
          {text('group.messageMember')}
        </MenuItem>
      ) : null}
      {rights.own && member.role === 'member' ? (
        <MenuItem
          icon={<ShieldCheck {...icon} />}
          testId={testIds.makeAdmin}
          onClick={() => attempt(() => change({ type: 'role', userId, role: 'admin' }))}
        >
          {text('group.makeAdmin')}
        </MenuItem>
      ) : null}
      {rights.own && member.role === 'admin' ? (
        <MenuItem
          icon={<ShieldOff {...icon} />}
          testId={testIds.removeAdmin}
          onClick={() => attempt(() => change({ type: 'role', userId, role: 'member' }))}
        >
          {text('group.removeAdmin')}
        </MenuItem>
      ) : null}
      {rights.own ? (
        <MenuItem
          icon={<Crown {...icon} />}
          testId={testIds.makeOwner}
          onClick={() =>
            ask({
              title: text('group.transferTitle', { name }),
              text: text('group.transferText', { name, title }),
              action: text('group.transfer'),
              danger: true,
              run: () => change({ type: 'transfer', userId }),
            })
          }
        >
          {text('group.makeOwner')}
        </MenuItem>
      ) : null}
      {rights.manage ? (
        <>
          {muted ? (
            <MenuItem icon={<Mic {...icon} />} testId={testIds.unmuteMember} onClick={() => mute(0)}>
              {text('group.unmuteMember')}
            </MenuItem>
          ) : (
            <SubMenu icon={<MicOff {...icon} />} label={text('group.muteMember')} testId={testIds.muteMember}>
              <MenuItem onClick={() => mute(now + 10 * 60 * 1000)}>{text('group.muteMinutes')}</MenuItem>
              <MenuItem onClick={() => mute(now + hourMs)}>{text('group.muteHour')}</MenuItem>
              <MenuItem onClick={() => mute(now + dayMs)}>{text('group.muteDay')}</MenuItem>
              <MenuItem onClick={() => mute(forever)} testId={testIds.muteMemberAlways}>
                {text('group.muteAlways')}
              </MenuItem>
            </SubMenu>
          )}
          <MenuLine />
          <MenuItem
            danger
            icon={<UserMinus {...icon} />}
            testId={testIds.removeMember}
            onClick={() =>
              ask({
                title: text('group.removeTitle', { name }),
                text: text('group.removeText', { name }),
                action: text('group.remove'),
                danger: true,
                run: () => change({ type: 'remove', userIds: [userId] }),
              })
            }
          >
            {text('group.removeMember')}
          </MenuItem>
        </>
      ) : null}
    </PlacedMenu>
  );
}
