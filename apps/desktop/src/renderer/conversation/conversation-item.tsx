import { BellOff, Pin, UsersRound } from 'lucide-react';
import { memo } from 'react';
import { useIntl } from 'react-intl';
import type { ConversationView } from '../../bridge/contract.ts';
import { join } from '../design/controls.tsx';
import { ConversationAvatar } from '../groups/conversation-avatar.tsx';
import { exactTime, listTime } from '../i18n/dates.ts';
import { useText } from '../i18n/use-text.ts';
import { useLive } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import styles from './conversation-item.module.css';
import { ConversationPreview } from './conversation-preview.tsx';
import { isSilent, standsOut } from './conversation-settings.ts';
import { MessageTick } from './message-tick.tsx';
import { oneLine } from './safe-text.ts';

interface ConversationItemProps {
  conversation: ConversationView;
  id: string;
  open: boolean;
  /** The keyboard is here. */
  active: boolean;
  tabbable: boolean;
  position: number;
  total: number;
  /** Now, by the minute. */
  today: number;
  onOpen(conversationId: string): void;
}

const small = { size: 13, strokeWidth: 2.25, 'aria-hidden': true } as const;

export const ConversationItem = memo(function ConversationItem(props: ConversationItemProps) {
  const { conversation, id, open, active, tabbable, position, total, today, onOpen } = props;
  const intl = useIntl();
  const text = useText();
  const { conversationId, kind, title, preview, lastActivityMs } = conversation;
  const timeMs = preview?.timeMs ?? lastActivityMs;
  const showTick = preview?.mine && !preview.notice && !preview.recalled && (open || conversation.draft === '');
  const silent = isSilent(conversation, today);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list handles the keys of its options
    <div
      id={id}
      role="option"
      aria-selected={open}
      aria-setsize={total}
      aria-posinset={position}
      tabIndex={tabbable ? 0 : -1}
      className={styles.item}
      data-active={active || undefined}
      onClick={() => onOpen(conversationId)}
      title={title.slice(0, 128)}
      data-testid={testIds.conversationItem}
      data-conversation-id={conversationId}
      data-pinned={conversation.pinnedMs > 0 || undefined}
      data-silent={silent || undefined}
    >
      <span className={styles.avatar}>
        <ConversationAvatar conversation={conversation} />
        {conversation.peer ? <OnlineDot userId={conversation.peer.userId} /> : null}
        {standsOut(conversation) ? (
          <span className={join(styles.dot, silent && styles.silent)} aria-hidden="true">
            {shownCount(conversation.unread)}
          </span>
        ) : null}
      </span>
      <span className={styles.lines}>
        <span className={styles.line}>
          <span className={styles.heading}>
            {kind === 'group' ? <UsersRound {...small} size={14} /> : null}
            <bdi className={styles.title}>{oneLine(title, 128)}</bdi>
            {silent ? (
              <>
                <BellOff {...small} />
                <span className="visually-hidden">{text('list.silent')}</span>
              </>
            ) : null}
          </span>
          {timeMs > 0 ? (
            <span className={styles.when}>
              {showTick ? <MessageTick status={preview.status} /> : null}
              <time dateTime={new Date(timeMs).toISOString()} title={exactTime(intl, timeMs)}>
                {listTime(intl, text, timeMs, today)}
              </time>
            </span>
          ) : null}
        </span>
        <span className={styles.line}>
          <span className={styles.preview}>
            <ConversationPreview conversation={conversation} open={open} />
          </span>
          <Marks conversation={conversation} silent={silent} />
        </span>
      </span>
    </div>
  );
});

function Marks({ conversation, silent }: { conversation: ConversationView; silent: boolean }) {
  const text = useText();
  const { unread, mentioned, markedUnread, pinnedMs } = conversation;
  return (
    <>
      {mentioned && unread > 0 ? (
        <span className={styles.mention} data-testid={testIds.mentionMark}>
          <span aria-hidden="true">@</span>
          <span className="visually-hidden">{text('list.mentioned')}</span>
        </span>
      ) : null}
      {unread > 0 ? (
        <span
          className={join(styles.badge, silent && styles.silent)}
          data-testid={testIds.unreadBadge}
          data-count={unread}
          data-silent={silent || undefined}
        >
          <span aria-hidden="true">{shownCount(unread)}</span>
          <span className="visually-hidden">{text('chats.unread', { count: unread })}</span>
        </span>
      ) : markedUnread ? (
        <span className={join(styles.mark, silent && styles.silent)} data-testid={testIds.unreadMark}>
          <span className="visually-hidden">{text('list.markedUnread')}</span>
        </span>
      ) : pinnedMs > 0 ? (
        <span className={styles.pin}>
          <Pin {...small} />
          <span className="visually-hidden">{text('list.pinned')}</span>
        </span>
      ) : null}
    </>
  );
}

/** There only while the peer is online and lets it be seen. */
export function OnlineDot({ userId }: { userId: string }) {
  const text = useText();
  const online = useLive((state) => state.presence.get(userId)?.state === 'online');
  if (!online) return null;
  return (
    <span className={styles.online} data-testid={testIds.onlineDot}>
      <span className="visually-hidden">{text('list.online')}</span>
    </span>
  );
}

function shownCount(unread: number): string {
  if (unread === 0) return '';
  return unread > 99 ? '99+' : String(unread);
}
