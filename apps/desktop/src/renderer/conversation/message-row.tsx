import { Circle, CircleCheck, Clock3, Ellipsis, Forward, Reply, SmilePlus } from 'lucide-react';
import { type CSSProperties, type MouseEvent, memo } from 'react';
import { useIntl } from 'react-intl';
import type { MessageView } from '../../bridge/contract.ts';
import { Avatar, avatarIndex, join } from '../design/controls.tsx';
import { clockTime, dayTitle, exactTime } from '../i18n/dates.ts';
import { errorWords } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import { MessageNotice } from './message-notice.tsx';
import { MessageQuote } from './message-quote.tsx';
import { MessageReactions } from './message-reactions.tsx';
import styles from './message-row.module.css';
import { MessageText } from './message-text.tsx';
import { MessageTick } from './message-tick.tsx';
import { ReadCount } from './read-count.tsx';
import type { RowActions } from './row-actions.ts';
import { useRowLabel } from './row-label.ts';
import { isSelectable, isSystemLine, type RowModel } from './row-models.ts';
import { emojiCount } from './safe-text.ts';

interface MessageRowProps {
  row: RowModel;
  /** Names and avatars stand beside the messages of others. */
  group: boolean;
  /** I may write here now: answers and reactions are offered. */
  canWrite: boolean;
  me: string;
  /** Of the other in a direct conversation. */
  peerName: string;
  /** 0: the number of rows is not known. */
  position: number;
  total: number;
  tabbable: boolean;
  /** Just jumped to. */
  lit: boolean;
  /** Messages are being chosen: this one is, is not, or cannot be. */
  selected: boolean | null;
  /** Today, as a number that changes at midnight only. */
  today: number;
  actions: RowActions;
}

export const MessageRow = memo(function MessageRow(props: MessageRowProps) {
  const { row, group, canWrite, me, peerName, position, total, tabbable, lit, selected, today, actions } = props;
  const { message, newDay, divider, first } = row;
  const intl = useIntl();
  const text = useText();
  const choosing = selected !== null;
  const system = isSystemLine(message);
  const label = useRowLabel(message, peerName, me);

  const openMenu = (event: MouseEvent<HTMLElement>): void => {
    if (choosing) return;
    // The browser's own menu stays for links and for selected text.
    if ((event.target as Element).closest('a') || !getSelection()?.isCollapsed) return;
    event.preventDefault();
    actions.openMenu(message, new DOMRect(event.clientX, event.clientY, 0, 0));
  };

  const toggle = (): void => {
    if (choosing && isSelectable(message)) actions.toggleSelected(message);
  };

  return (
    // biome-ignore lint/a11y/useSemanticElements: the virtual list puts wrappers between a list and its items
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list handles the keys of its rows
    <div
      role="listitem"
      aria-setsize={total}
      aria-posinset={position}
      aria-label={label}
      tabIndex={tabbable ? 0 : -1}
      className={join(
        styles.row,
        system ? styles.system : message.mine ? styles.mine : styles.theirs,
        first && styles.first,
        lit && styles.lit,
        choosing && styles.choosing,
        selected === true && styles.selected,
      )}
      onClick={toggle}
      data-testid={testIds.message}
      data-key={message.key}
      data-order={message.order}
      data-mine={message.mine}
      data-status={message.mine ? message.status : undefined}
      data-selected={choosing ? selected : undefined}
      data-lit={lit || undefined}
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
      <div className={join(styles.content, group && !message.mine && !system && styles.named)}>
        {choosing ? (
          <span className={styles.check} aria-hidden="true">
            {!isSelectable(message) ? null : selected ? <CircleCheck size={22} /> : <Circle size={22} />}
          </span>
        ) : null}
        {/* biome-ignore lint/a11y/noStaticElementInteractions: a second way to the menu; the first is Shift+F10 on the row */}
        <div className={styles.body} inert={choosing} onContextMenu={openMenu}>
          {system ? (
            <MessageNotice message={message} me={me} onEditAgain={() => actions.editAgain(message)} />
          ) : (
            <>
              {group && !message.mine && first ? <Sender message={message} actions={actions} /> : null}
              <div className={styles.line}>
                <Bubble row={row} me={me} group={group} actions={actions} />
                {message.convSeq !== null && !choosing ? (
                  <HoverActions message={message} canWrite={canWrite} actions={actions} />
                ) : null}
              </div>
              {message.reactions.length > 0 ? (
                <MessageReactions
                  message={message}
                  open={canWrite}
                  onToggle={(emoji, on) => actions.react(message, emoji, on)}
                />
              ) : null}
            </>
          )}
          {message.status === 'failed' && message.mine ? <NotSent message={message} actions={actions} /> : null}
          {row.receipt && message.convSeq !== null ? (
            <ReadCount
              conversationId={message.conversationId}
              convSeq={message.convSeq}
              onOpen={() => actions.openReaders(message)}
            />
          ) : null}
        </div>
      </div>
    </div>
  );
}, sameProps);

/** The models are made anew with every change of the list; most of them say the same as before. */
function sameProps(one: MessageRowProps, next: MessageRowProps): boolean {
  const { row, ...rest } = next;
  for (const key of Object.keys(rest) as (keyof typeof rest)[]) if (one[key] !== next[key]) return false;
  const before = one.row;
  return (
    before.message === row.message &&
    before.newDay === row.newDay &&
    before.divider === row.divider &&
    before.first === row.first &&
    before.last === row.last &&
    before.receipt === row.receipt
  );
}

function Sender({ message, actions }: { message: MessageView; actions: RowActions }) {
  const text = useText();
  const name = message.senderName.slice(0, 64) || '…';
  return (
    <button
      type="button"
      tabIndex={-1}
      className={styles.avatar}
      aria-label={text('message.mentionName', { name })}
      title={text('message.mentionName', { name })}
      onClick={() => actions.mention(message)}
    >
      <Avatar id={message.senderId} name={name} size={32} />
    </button>
  );
}

function Bubble({ row, me, group, actions }: { row: RowModel; me: string; group: boolean; actions: RowActions }) {
  const { message, first, last } = row;
  const intl = useIntl();
  const text = useText();
  const { mine, reply, forwardedFrom } = message;
  const named = group && !mine && first;
  const bare = !named && !reply && !forwardedFrom;
  const emoji = bare && message.kind === 'text' && emojiCount(message.text.slice(0, 65)) > 0;
  const colour = { '--name-colour': `var(--avatar-${avatarIndex(message.senderId)})` } as CSSProperties;
  return (
    <div className={join(styles.bubble, last && styles.last, emoji && styles.emoji)}>
      {named ? (
        <bdi className={styles.sender} style={colour} data-testid={testIds.messageSender}>
          {message.senderName.slice(0, 64)}
        </bdi>
      ) : null}
      {forwardedFrom ? (
        <span className={styles.forwarded} data-testid={testIds.messageForwarded}>
          <Forward size={13} aria-hidden="true" />
          <bdi>
            {forwardedFrom.name === ''
              ? text('message.forwardedPlain')
              : text('message.forwarded', { name: forwardedFrom.name.slice(0, 64) })}
          </bdi>
        </span>
      ) : null}
      {reply ? <MessageQuote reply={reply} onOpen={() => actions.openQuote(message)} /> : null}
      {message.kind === 'unsupported' ? (
        <span className={styles.unsupported}>{text('chat.unsupported')}</span>
      ) : (
        <MessageText message={message} me={me} />
      )}
      <span className={styles.meta}>
        {message.edited ? <span data-testid={testIds.messageEdited}>{text('message.edited')}</span> : null}
        <time dateTime={new Date(message.timeMs).toISOString()} title={exactTime(intl, message.timeMs)}>
          {clockTime(intl, message.timeMs)}
        </time>
        {message.changing ? (
          <Clock3 size={12} role="img" aria-label={text('message.changing')} />
        ) : mine ? (
          <MessageTick status={message.status} />
        ) : null}
      </span>
    </div>
  );
}

/** What is done most often, beside the bubble under the pointer. The menu has all of it, for keys and fingers. */
function HoverActions(props: { message: MessageView; canWrite: boolean; actions: RowActions }) {
  const { message, canWrite, actions } = props;
  const text = useText();
  const at = (event: MouseEvent<HTMLElement>) => event.currentTarget.getBoundingClientRect();
  return (
    <span className={styles.actions} data-testid={testIds.messageActions}>
      {canWrite && message.kind === 'text' ? (
        <>
          <button
            type="button"
            tabIndex={-1}
            aria-label={text('message.react')}
            title={text('message.react')}
            onClick={(event) => actions.openReactions(message, at(event))}
            data-testid={testIds.messageReact}
          >
            <SmilePlus size={17} aria-hidden="true" />
          </button>
          <button
            type="button"
            tabIndex={-1}
            aria-label={text('message.reply')}
            title={text('message.reply')}
            onClick={() => actions.reply(message)}
            data-testid={testIds.messageReply}
          >
            <Reply size={17} aria-hidden="true" />
          </button>
        </>
      ) : null}
      <button
        type="button"
        tabIndex={-1}
        aria-label={text('chat.messageMenu')}
        title={text('chat.messageMenu')}
        aria-haspopup="menu"
        onClick={(event) => actions.openMenu(message, at(event))}
        data-testid={testIds.messageMore}
      >
        <Ellipsis size={17} aria-hidden="true" />
      </button>
    </span>
  );
}

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
