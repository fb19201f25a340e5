import { ArrowDown } from 'lucide-react';
import { type KeyboardEvent, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useIntl } from 'react-intl';
import { Virtualizer, type VirtualizerHandle } from 'virtua';
import type { ConversationView, PositionView } from '../../bridge/contract.ts';
import { join } from '../design/controls.tsx';
import { dayTitle } from '../i18n/dates.ts';
import { useText } from '../i18n/use-text.ts';
import { useNow } from '../shell/use-now.ts';
import { loadMore } from '../state/load-messages.ts';
import type { OpenMessages } from '../state/messages-store.ts';
import { loadNewest } from '../state/open-conversation.ts';
import { useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import { Announcer } from './announcer.tsx';
import styles from './message-list.module.css';
import { type MenuTarget, MessageMenu } from './message-menu.tsx';
import { MessageRow } from './message-row.tsx';
import { rowModels } from './row-models.ts';
import { footPx, useListPlace } from './use-list-place.ts';
import { useReadMarks } from './use-read-marks.ts';
import { useRowActions } from './use-row-actions.ts';
import { useSavedPosition } from './use-saved-position.ts';

/** Pages are asked for while the edge is still this many views away. */
const aheadViews = 1.5;

/** The messages of one conversation. Mounted anew (by key) whenever it has to find its place anew. */
export function MessageList({ conversation, open }: { conversation: ConversationView; open: OpenMessages }) {
  const ui = useUi();
  const intl = useIntl();
  const text = useText();
  const { window: messages, start } = open;
  const { conversationId, title } = conversation;
  const rows = useMemo(() => rowModels(messages), [messages]);
  const scroller = useRef<HTMLDivElement>(null);
  const handle = useRef<VirtualizerHandle>(null);
  const [menu, setMenu] = useState<MenuTarget | null>(null);
  const [focusedId, setFocusedId] = useState<string | null>(null);
  const [scrolledByHand, setScrolledByHand] = useState(false);
  const today = useNow(60 * 60 * 1000);
  const actions = useRowActions(setMenu);
  const savePosition = useSavedPosition(conversationId);
  const markRead = useReadMarks({ conversation, rows, scroller, handle });

  const onMoved = useCallback(
    (position: PositionView) => {
      savePosition(position);
      markRead();
      const element = scroller.current;
      if (!element) return;
      const { scrollTop, scrollHeight, clientHeight } = element;
      const ahead = clientHeight * aheadViews;
      if (scrollTop < ahead) void loadMore(ui, conversationId, 'older');
      if (scrollHeight - scrollTop - clientHeight < ahead) void loadMore(ui, conversationId, 'newer');
    },
    [ui, conversationId, savePosition, markRead],
  );

  const place = useListPlace({ rows, start, hasNewer: messages.hasNewer, scroller, handle, onMoved });
  const { onScroll } = place;

  // A page that came may still not fill the view, and what is in view may have changed.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `messages` is the reason to look again
  useEffect(() => {
    if (place.ready) onScroll();
  }, [messages, place.ready, onScroll]);

  const byHand = () => {
    place.onHand();
    setScrolledByHand(true);
  };

  const toEnd = () => {
    if (messages.hasNewer) void loadNewest(ui, conversationId);
    else place.toEnd();
  };

  const focusedIndex = focusedId === null ? -1 : rows.findIndex((row) => row.id === focusedId);
  const tabbableIndex = focusedIndex < 0 ? rows.length - 1 : focusedIndex;

  const moveFocus = (index: number): void => {
    const row = rows[index];
    if (!row) return;
    setFocusedId(row.id);
    handle.current?.scrollToIndex(index, { align: 'nearest' });
    requestAnimationFrame(() => elementOf(scroller.current, row.message.key)?.focus({ preventScroll: true }));
  };

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>): void => {
    const current = (event.target as Element).closest<HTMLElement>('[data-key]');
    if (!current) return;
    const index = rows.findIndex((row) => row.message.key === current.dataset.key);
    const target = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: rows.length - 1 }[event.key];
    if (target !== undefined && event.target === current) {
      event.preventDefault();
      moveFocus(Math.max(0, Math.min(rows.length - 1, target)));
    } else if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) {
      event.preventDefault();
      const bubble = current.querySelector('[data-testid="message-text"]') ?? current;
      if (rows[index]) actions.openMenu(rows[index].message, bubble.getBoundingClientRect());
    }
  };

  const top = rows[place.topIndex]?.message;

  return (
    <div className={styles.frame}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the keys belong to the rows inside */}
      <div
        ref={scroller}
        className={join(styles.scroller, !place.ready && styles.placing)}
        onKeyDown={onKeyDown}
        onWheel={byHand}
        onTouchMove={byHand}
        onPointerDown={byHand}
        data-testid={testIds.messageList}
        data-at-end={place.atEnd}
        data-ready={place.ready}
      >
        <div className={styles.spring} />
        {/* biome-ignore lint/a11y/useSemanticElements: the virtual list makes its own wrappers */}
        <div role="list" aria-label={text('chat.messages', { title })}>
          <Virtualizer
            ref={handle}
            data={rows}
            shift={messages.shift}
            onScroll={place.onScroll}
            onScrollEnd={place.onScroll}
            onResize={place.onResize}
            scrollRef={scroller}
            {...(focusedIndex < 0 ? {} : { keepMounted: [focusedIndex] })}
          >
            {(row, index) => (
              <MessageRow
                key={row.id}
                message={row.message}
                newDay={row.newDay}
                divider={row.divider}
                first={row.first}
                last={row.last}
                senderName={title}
                position={index + 1}
                total={messages.hasNewer || messages.hasOlder ? -1 : rows.length}
                tabbable={index === tabbableIndex}
                today={today}
                actions={actions}
              />
            )}
          </Virtualizer>
        </div>
        <div style={{ flex: 'none', height: footPx }} />
      </div>
      {top && place.ready && scrolledByHand ? (
        <StickyDay key={dayTitle(intl, text, top.timeMs, today)} moved={place.topIndex}>
          {dayTitle(intl, text, top.timeMs, today)}
        </StickyDay>
      ) : null}
      <JumpToEnd
        shown={place.ready && (!place.atEnd || messages.hasNewer)}
        unread={conversation.unread}
        onClick={toEnd}
      />
      <Announcer conversation={conversation} messages={messages} />
      <MessageMenu target={menu} onClose={() => setMenu(null)} />
    </div>
  );
}

function elementOf(scroller: Element | null, key: string): HTMLElement | null {
  return scroller?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`) ?? null;
}

/** The day of the row at the top, while the list moves and shortly after. */
function StickyDay({ children, moved }: { children: string; moved: number }) {
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

function JumpToEnd({ shown, unread, onClick }: { shown: boolean; unread: number; onClick(): void }) {
  const text = useText();
  if (!shown) return null;
  return (
    <button
      type="button"
      className={styles.jump}
      aria-label={
        unread > 0 ? `${text('chat.jumpToEnd')} (${text('chat.newCount', { count: unread })})` : text('chat.jumpToEnd')
      }
      title={text('chat.jumpToEnd')}
      onClick={onClick}
      data-testid={testIds.jumpToEnd}
    >
      {unread > 0 ? <span>{text('chat.newCount', { count: unread })}</span> : null}
      <ArrowDown size={18} aria-hidden="true" />
    </button>
  );
}
