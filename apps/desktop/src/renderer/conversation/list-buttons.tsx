import { ArrowDown, ArrowUp, AtSign, CornerUpLeft } from 'lucide-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { ConversationView } from '../../bridge/contract.ts';
import { join } from '../design/controls.tsx';
import { useText } from '../i18n/use-text.ts';
import { jumpBack, jumpToMention } from '../state/jump.ts';
import { useUi, useWork } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import styles from './message-list.module.css';
import type { RowModel } from './row-models.ts';
import type { ListPlace } from './use-list-place.ts';

/** The ways out of where one stands: back, to the next mention, to the end. */
export function ListButtons(props: { conversation: ConversationView; endShown: boolean; onEnd(): void }) {
  const { conversation, endShown, onEnd } = props;
  const { conversationId, unread, mentioned } = conversation;
  const ui = useUi();
  const text = useText();
  const canGoBack = useWork((state) => state.back?.conversationId === conversationId);
  const count = text('chat.newCount', { count: unread });
  return (
    <div className={styles.buttons}>
      {canGoBack ? (
        <RoundButton label={text('message.back')} onClick={() => void jumpBack(ui)} testId={testIds.jumpBack}>
          <CornerUpLeft size={18} aria-hidden="true" />
        </RoundButton>
      ) : null}
      {mentioned ? (
        <RoundButton
          label={text('message.toMention')}
          onClick={() => void jumpToMention(ui, conversationId)}
          testId={testIds.jumpToMention}
        >
          <span>
            <AtSign size={18} aria-hidden="true" />
          </span>
        </RoundButton>
      ) : null}
      {endShown ? (
        <RoundButton
          label={text('chat.jumpToEnd')}
          name={unread > 0 ? `${text('chat.jumpToEnd')} (${count})` : text('chat.jumpToEnd')}
          onClick={onEnd}
          testId={testIds.jumpToEnd}
        >
          {unread > 0 ? <span>{count}</span> : null}
          <ArrowDown size={18} aria-hidden="true" />
        </RoundButton>
      ) : null}
    </div>
  );
}

function RoundButton(props: { label: string; name?: string; testId: string; onClick(): void; children: ReactNode }) {
  const { label, name = label, testId, onClick, children } = props;
  return (
    <button
      type="button"
      className={styles.round}
      aria-label={name}
      title={label}
      onClick={onClick}
      data-testid={testId}
    >
      {children}
    </button>
  );
}

/** The first unread message stands above the view and has not been seen since the list took its place. */
export function UnreadAbove(props: {
  conversation: ConversationView;
  rows: readonly RowModel[];
  dividerIndex: number;
  place: ListPlace;
}) {
  const { rows, dividerIndex, place } = props;
  const text = useText();
  const divider = rows[dividerIndex]?.id ?? null;
  const seen = useRef<string | null>(null);
  if (place.ready && divider !== null && place.topIndex <= dividerIndex) seen.current = divider;
  if (!place.ready || divider === null || place.topIndex <= dividerIndex || seen.current === divider) return null;
  const count = rows.slice(dividerIndex).filter(({ message }) => !message.mine && message.kind === 'text').length;
  return (
    <div className={styles.above}>
      <button
        type="button"
        className={styles.pill}
        aria-label={text('message.toUnread')}
        title={text('message.toUnread')}
        onClick={() => place.toRow(dividerIndex)}
        data-testid={testIds.jumpToUnread}
      >
        <ArrowUp size={16} aria-hidden="true" />
        {text('message.unreadAbove', { count })}
      </button>
    </div>
  );
}

/** The day of the row at the top, while the list moves and shortly after. */
export function StickyDay({ children, moved }: { children: string; moved: number }) {
  const [shown, setShown] = useState(false);
  const first = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each move shows it anew
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return undefined;
    }
    setShown(true);
    const timer = setTimeout(() => setShown(false), 1500);
    return () => clearTimeout(timer);
  }, [moved]);
  return (
    <div className={join(styles.sticky, shown && styles['sticky-shown'])} aria-hidden="true">
      <span>{children}</span>
    </div>
  );
}
