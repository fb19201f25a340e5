import { Ellipsis } from 'lucide-react';
import { type MouseEvent, memo } from 'react';
import { useIntl } from 'react-intl';
import type { MessageView } from '../../bridge/contract.ts';
import { join } from '../design/controls.tsx';
import { clockTime, dayTitle, exactTime } from '../i18n/dates.ts';
import { errorWords } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import styles from './message-row.module.css';
import { MessageText } from './message-text.tsx';
import { MessageTick, statusWords } from './message-tick.tsx';
import { emojiCount, oneLine } from './safe-text.ts';

export interface RowActions {
  retry(message: MessageView): void;
  /** Opens the menu of a message at a place on the screen. */
  openMenu(message: MessageView, at: DOMRect): void;
}

interface MessageRowProps {
  message: MessageView;
  newDay: boolean;
  divider: boolean;
  first: boolean;
  last: boolean;
  /** Of the others in a direct conversation. */
  senderName: string;
  position: number;
  total: number;
  tabbable: boolean;
  /** Today, as a number that changes at midnight only. */
  today: number;
  actions: RowActions;
}

export const MessageRow = memo(function MessageRow(props: MessageRowProps) {
  const { message, newDay, divider, first, last, senderName, position, total, tabbable, today, actions } = props;
  const intl = useIntl();
  const text = useText();
  const time = clockTime(intl, message.timeMs);
  const emoji = message.kind === 'text' && emojiCount(message.text.slice(0, 65)) > 0;
  const spoken = oneLine(shownText(message, text('chat.unsupported')), 500);
  const label = message.mine
    ? text('chat.rowLabelMine', { text: spoken, time, status: text(statusWords[message.status]) })
    : text('chat.rowLabel', { sender: senderName, text: spoken, time });

  const openMenu = (event: MouseEvent<HTMLElement>): void => {
    // The browser's own menu stays for links and for selected text.
    if ((event.target as Element).closest('a') || !getSelection()?.isCollapsed) return;
    event.preventDefault();
    actions.openMenu(message, new DOMRect(event.clientX, event.clientY, 0, 0));
  };

  return (
    // biome-ignore lint/a11y/useSemanticElements: the virtual list puts wrappers between a list and its items
    <div
      role="listitem"
      aria-setsize={total}
      aria-posinset={position}
      aria-label={label}
      tabIndex={tabbable ? 0 : -1}
      className={join(styles.row, message.mine ? styles.mine : styles.theirs, first && styles.first)}
      data-testid={testIds.message}
      data-key={message.key}
      data-order={message.order}
      data-mine={message.mine}
      data-status={message.mine ? message.status : undefined}
    >
      {newDay ? (
        <div className={styles.day}>
          <span>{dayTitle(intl, text, message.timeMs, today)}</span>
        </div>
      ) : null}
      {divider ? (
        <div className={styles.divider} data-testid={testIds.newMessagesDivider}>
          <span>{text('chat.newMessages')}</span>
        </div>
      ) : null}
      <div className={styles.line}>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: a second way to the menu; the first is Shift+F10 on the row */}
        <div className={join(styles.bubble, last && styles.last, emoji && styles.emoji)} onContextMenu={openMenu}>
          {message.kind === 'unsupported' ? (
            <span className={styles.unsupported}>{text('chat.unsupported')}</span>
          ) : (
            <MessageText text={message.text} />
          )}
          <span className={styles.meta}>
            <time dateTime={new Date(message.timeMs).toISOString()} title={exactTime(intl, message.timeMs)}>
              {time}
            </time>
            {message.mine ? <MessageTick status={message.status} /> : null}
          </span>
        </div>
      </div>
      {message.status === 'failed' && message.mine ? <NotSent message={message} actions={actions} /> : null}
    </div>
  );
});

function NotSent({ message, actions }: { message: MessageView; actions: RowActions }) {
  const text = useText();
  return (
    <p className={styles['not-sent']}>
      <span>
        {message.failure === null
          ? text('chat.notSentPlain')
          : text('chat.notSent', { words: errorWords(text, message.failure) })}
      </span>
      <button type="button" data-testid={testIds.retryMessage} onClick={() => actions.retry(message)}>
        {text('chat.retry')}
      </button>
      <button
        type="button"
        className={styles.more}
        aria-label={text('chat.messageMenu')}
        title={text('chat.messageMenu')}
        aria-haspopup="menu"
        data-testid={testIds.failedMenu}
        onClick={(event) => actions.openMenu(message, event.currentTarget.getBoundingClientRect())}
      >
        <Ellipsis size={16} aria-hidden="true" />
      </button>
    </p>
  );
}

function shownText(message: MessageView, unsupported: string): string {
  return message.kind === 'unsupported' ? unsupported : message.text;
}
