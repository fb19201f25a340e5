import { Ellipsis, MicOff } from 'lucide-react';
import { memo } from 'react';
import type { MemberView } from '../../bridge/contract.ts';
import { OnlineDot } from '../conversation/conversation-item.tsx';
import { oneLine } from '../conversation/safe-text.ts';
import { Avatar, join } from '../design/controls.tsx';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import styles from './member-list.module.css';
import { nameOf } from './use-people.ts';

interface MemberRowProps {
  member: MemberView;
  id: string;
  isMe: boolean;
  muted: boolean;
  position: number;
  total: number;
  tabbable: boolean;
  /** There is something to do with this member. */
  hasMenu: boolean;
  onMenu(member: MemberView, at: DOMRect): void;
}

export const MemberRow = memo(function MemberRow(props: MemberRowProps) {
  const { member, id, isMe, muted, position, total, tabbable, hasMenu, onMenu } = props;
  const text = useText();
  const { user, role } = member;
  const name = nameOf(user);
  return (
    // biome-ignore lint/a11y/useSemanticElements: the virtual list puts wrappers between a list and its items
    <div
      role="listitem"
      id={id}
      aria-setsize={total}
      aria-posinset={position}
      tabIndex={tabbable ? 0 : -1}
      className={styles.row}
      data-testid={testIds.memberRow}
      data-user-id={user.userId}
      data-role={role}
      onContextMenu={(event) => {
        if (!hasMenu) return;
        event.preventDefault();
        onMenu(member, new DOMRect(event.clientX, event.clientY, 0, 0));
      }}
    >
      <span className={styles.avatar}>
        <Avatar id={user.userId} name={name} size={36} />
        {isMe ? null : <OnlineDot userId={user.userId} />}
      </span>
      <span className={styles.names}>
        <span className={styles.name}>
          <bdi>{oneLine(name, 64)}</bdi>
          {isMe ? <span className={styles.you}>{text('group.you')}</span> : null}
          {muted ? (
            <>
              <MicOff size={13} aria-hidden="true" />
              <span className="visually-hidden">{text('group.memberMuted')}</span>
            </>
          ) : null}
        </span>
        <span className={styles.username}>@{user.username}</span>
      </span>
      {role === 'member' ? null : (
        <span className={join(styles.role, role === 'owner' && styles.owner)}>
          {text(role === 'owner' ? 'group.roleOwner' : 'group.roleAdmin')}
        </span>
      )}
      {hasMenu ? (
        <button
          type="button"
          className={styles.more}
          tabIndex={tabbable ? 0 : -1}
          aria-label={text('group.memberMenu', { name })}
          title={text('group.memberMenu', { name })}
          aria-haspopup="menu"
          data-testid={testIds.memberMenu}
          onClick={(event) => onMenu(member, event.currentTarget.getBoundingClientRect())}
        >
          <Ellipsis size={16} aria-hidden="true" />
        </button>
      ) : null}
    </div>
  );
});
