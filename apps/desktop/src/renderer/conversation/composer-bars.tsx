import { AtSign, Lock, Pencil, Reply, X } from 'lucide-react';
import { useIntl } from 'react-intl';
import type { ConversationView, MessageView } from '../../bridge/contract.ts';
import { Avatar, IconButton } from '../design/controls.tsx';
import { clockTime, dayNumber } from '../i18n/dates.ts';
import { isForever } from '../i18n/forever.ts';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import styles from './composer.module.css';
import type { Closed } from './may-write.ts';
import { plainWords } from './plain-words.ts';
import type { MentionPicker } from './use-mention-picker.ts';

/** What the next message answers. */
export function ReplyBar({ message, title, onEnd }: { message: MessageView; title: string; onEnd(): void }) {
  const text = useText();
  const name = message.mine ? text('message.you') : message.senderName.slice(0, 64) || title;
  return (
    <div className={styles.bar} data-testid={testIds.replyBar}>
      <Reply size={18} aria-hidden="true" />
      <div className={styles['bar-words']}>
        <b>{text('composer.replyingTo', { name })}</b>
        <span>{plainWords(message.text)}</span>
      </div>
      <IconButton label={text('composer.endReply')} onClick={onEnd} data-testid={testIds.endReply}>
        <X size={18} aria-hidden="true" />
      </IconButton>
    </div>
  );
}

/** My message that is being changed. */
export function EditBar({ message, onEnd }: { message: MessageView; onEnd(): void }) {
  const text = useText();
  return (
    <div className={styles.bar} data-testid={testIds.editBar}>
      <Pencil size={18} aria-hidden="true" />
      <div className={styles['bar-words']}>
        <b>{text('composer.editing')}</b>
        <span>{plainWords(message.text)}</span>
      </div>
      <IconButton label={text('composer.endEdit')} onClick={onEnd} data-testid={testIds.endEdit}>
        <X size={18} aria-hidden="true" />
      </IconButton>
    </div>
  );
}

/** The people that an @ may mean. The focus stays in the text: the arrows and Enter choose. */
export function MentionList({ id, picker }: { id: string; picker: MentionPicker }) {
  const text = useText();
  if (picker.options.length === 0) return null;
  return (
    <div
      id={id}
      role="listbox"
      tabIndex={-1}
      aria-label={text('composer.mentionList')}
      className={styles.mentions}
      data-testid={testIds.mentionList}
      onPointerDown={(event) => event.preventDefault()}
    >
      {picker.options.map((option, index) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the textarea handles the keys
        <div
          key={option.userId ?? 'all'}
          id={`${id}-${index}`}
          role="option"
          tabIndex={-1}
          aria-selected={index === picker.active}
          className={styles.mention}
          ref={index === picker.active ? (element) => element?.scrollIntoView?.({ block: 'nearest' }) : undefined}
          onClick={() => picker.choose(option)}
          data-testid={testIds.mentionOption}
          data-user-id={option.userId ?? 'all'}
        >
          {option.userId === null ? (
            <span className={styles['mention-all']}>
              <AtSign size={16} aria-hidden="true" />
            </span>
          ) : (
            <Avatar id={option.userId} name={option.name} size={28} />
          )}
          <bdi>{option.name}</bdi>
          <span>{option.userId === null ? text('composer.everybody') : option.username && `@${option.username}`}</span>
        </div>
      ))}
    </div>
  );
}

/** Stands where one cannot write, and says why. */
export function ComposerClosed({ conversation, closed }: { conversation: ConversationView; closed: Closed }) {
  const text = useText();
  const intl = useIntl();
  const now = conversation.lastActivityMs;
  const words = (): string => {
    if (closed.reason === 'left') return text('composer.left');
    if (closed.reason === 'mute-all') return text('composer.muteAll');
    const { untilMs } = closed;
    if (isForever(untilMs, now)) return text('composer.muted');
    const sameDay = dayNumber(untilMs) === dayNumber(now);
    const time = sameDay
      ? clockTime(intl, untilMs)
      : intl.formatDate(untilMs, {
          month: 'short',
          day: 'numeric',
          hour: '2-digit',
          minute: '2-digit',
          hourCycle: 'h23',
        });
    return text('composer.mutedUntil', { time });
  };
  return (
    <div className={styles.closed} role="status" data-testid={testIds.composerClosed} data-reason={closed.reason}>
      <Lock size={16} aria-hidden="true" />
      <p>{words()}</p>
    </div>
  );
}
