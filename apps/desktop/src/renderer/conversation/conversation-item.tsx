import { memo } from 'react';
import { useIntl } from 'react-intl';
import type { ConversationView } from '../../bridge/contract.ts';
import { Avatar } from '../design/controls.tsx';
import { exactTime, listTime } from '../i18n/dates.ts';
import { type Text, useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import styles from './conversation-item.module.css';
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
  /** Now, by the day. */
  today: number;
  onOpen(conversationId: string): void;
}

export const ConversationItem = memo(function ConversationItem(props: ConversationItemProps) {
  const { conversation, id, open, active, tabbable, position, total, today, onOpen } = props;
  const intl = useIntl();
  const text = useText();
  const { conversationId, title, peer, preview, unread, lastActivityMs } = conversation;
  // While it is open, the draft is in sight already.
  const draft = open ? '' : oneLine(conversation.draft);
  const timeMs = preview?.timeMs ?? lastActivityMs;
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
    >
      <span className={styles.avatar}>
        <Avatar id={peer?.userId ?? conversationId} name={title} />
        {unread > 0 ? (
          <span className={styles.dot} aria-hidden="true">
            {unread > 99 ? '99+' : unread}
          </span>
        ) : null}
      </span>
      <span className={styles.lines}>
        <span className={styles.line}>
          <bdi className={styles.title}>{oneLine(title, 128)}</bdi>
          {timeMs > 0 ? (
            <span className={styles.when}>
              {preview?.mine && draft === '' ? <MessageTick status={preview.status} /> : null}
              <time dateTime={new Date(timeMs).toISOString()} title={exactTime(intl, timeMs)}>
                {listTime(intl, text, timeMs, today)}
              </time>
            </span>
          ) : null}
        </span>
        <span className={styles.line}>
          <span className={styles.preview}>
            {draft !== '' ? (
              <>
                <span className={styles.draft}>{text('chats.draft')}</span> <bdi>{draft}</bdi>
              </>
            ) : preview === null ? (
              text('chats.noPreview')
            ) : (
              <bdi>{previewWords(text, preview)}</bdi>
            )}
          </span>
          {unread > 0 ? (
            <span className={styles.badge} data-testid={testIds.unreadBadge} data-count={unread}>
              <span aria-hidden="true">{unread > 99 ? '99+' : unread}</span>
              <span className="visually-hidden">{text('chats.unread', { count: unread })}</span>
            </span>
          ) : null}
        </span>
      </span>
    </div>
  );
});

function previewWords(text: Text, preview: NonNullable<ConversationView['preview']>): string {
  const words = oneLine(preview.text) || text('chats.unsupported');
  return preview.mine ? text('chats.you', { text: words }) : words;
}
