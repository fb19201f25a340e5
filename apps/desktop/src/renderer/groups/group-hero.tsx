import { Archive, ArchiveRestore, Bell, BellOff, LogOut, Pencil, Pin, PinOff } from 'lucide-react';
import type { ReactNode } from 'react';
import type { ConversationView, GroupView } from '../../bridge/contract.ts';
import { changeSettings, hourMs, isSilent } from '../conversation/conversation-settings.ts';
import { IconButton, join } from '../design/controls.tsx';
import { ButtonMenu, MenuItem } from '../design/menu.tsx';
import { forever } from '../i18n/forever.ts';
import { useText } from '../i18n/use-text.ts';
import { useNow } from '../shell/use-now.ts';
import { useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import { ConversationAvatar } from './conversation-avatar.tsx';
import styles from './group-panel.module.css';

const icon = { size: 20, 'aria-hidden': true } as const;

/** Avatar, name, and what concerns only me: mute, pin, archive, leave. */
export function GroupHero(props: {
  conversation: ConversationView & { group: GroupView };
  onEdit(): void;
  onLeave(): void;
}) {
  const { conversation, onEdit, onLeave } = props;
  const { conversationId, title, group, pinnedMs, archived } = conversation;
  const ui = useUi();
  const text = useText();
  const now = useNow(60 * 1000);
  // A change that could not be stored changes nothing: the button shows what is.
  const change = (patch: Parameters<typeof changeSettings>[2]) =>
    void changeSettings(ui, conversationId, patch).catch(() => {});
  return (
    <section className={styles.hero}>
      <ConversationAvatar conversation={conversation} size={80} />
      <div className={styles.title}>
        <h3 data-testid={testIds.groupTitle}>
          <bdi>{title.slice(0, 128)}</bdi>
        </h3>
        {group.can.edit ? (
          <IconButton label={text('group.edit')} onClick={onEdit} data-testid={testIds.editGroup}>
            <Pencil size={16} aria-hidden="true" />
          </IconButton>
        ) : null}
      </div>
      <p>{text('group.memberCount', { count: group.memberCount })}</p>
      <div className={styles.quick}>
        {isSilent(conversation, now) ? (
          <Quick icon={<Bell {...icon} />} onClick={() => change({ silentUntilMs: 0 })} testId={testIds.unmute}>
            {text('group.quickUnmute')}
          </Quick>
        ) : (
          <ButtonMenu
            align="start"
            button={
              <button type="button" className={styles['quick-button']} data-testid={testIds.mute}>
                <BellOff {...icon} />
                {text('group.quickMute')}
              </button>
            }
          >
            <MenuItem onClick={() => change({ silentUntilMs: now + hourMs })}>{text('list.muteHour')}</MenuItem>
            <MenuItem onClick={() => change({ silentUntilMs: now + 8 * hourMs })}>{text('list.muteHours')}</MenuItem>
            <MenuItem onClick={() => change({ silentUntilMs: forever })} testId={testIds.muteAlways}>
              {text('list.muteAlways')}
            </MenuItem>
          </ButtonMenu>
        )}
        <Quick
          icon={pinnedMs > 0 ? <PinOff {...icon} /> : <Pin {...icon} />}
          onClick={() => change({ pinned: pinnedMs === 0 })}
        >
          {text(pinnedMs > 0 ? 'list.unpin' : 'list.pin')}
        </Quick>
        <Quick
          icon={archived ? <ArchiveRestore {...icon} /> : <Archive {...icon} />}
          onClick={() => change({ archived: !archived })}
        >
          {text(archived ? 'group.quickUnarchive' : 'list.archive')}
        </Quick>
        {group.left ? null : (
          <Quick danger icon={<LogOut {...icon} />} onClick={onLeave} testId={testIds.leaveGroup}>
            {text('group.quickLeave')}
          </Quick>
        )}
      </div>
    </section>
  );
}

function Quick(props: { icon: ReactNode; danger?: boolean; testId?: string; children: string; onClick(): void }) {
  return (
    <button
      type="button"
      className={join(styles['quick-button'], props.danger && styles.danger)}
      onClick={props.onClick}
      data-testid={props.testId}
    >
      {props.icon}
      {props.children}
    </button>
  );
}
