import { type KeyboardEvent, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useIntl } from 'react-intl';
import { Virtualizer, type VirtualizerHandle } from 'virtua';
import type { ConversationView, MessageView, PositionView } from '../../bridge/contract.ts';
import { join } from '../design/controls.tsx';
import { dayTitle } from '../i18n/dates.ts';
import { useText } from '../i18n/use-text.ts';
import { useNow } from '../shell/use-now.ts';
import { loadMore } from '../state/load-messages.ts';
import type { OpenMessages } from '../state/messages-store.ts';
import { loadNewest } from '../state/open-conversation.ts';
import { useApp, useUi, useWork } from '../state/ui-context.tsx';
import { toggleSelected } from '../state/work-store.ts';
import { testIds } from '../test-ids.ts';
import { Announcer } from './announcer.tsx';
import { useLongPress } from './conversation-options-press.ts';
import { ListButtons, StickyDay, UnreadAbove } from './list-buttons.tsx';
import { mayWrite } from './may-write.ts';
import styles from './message-list.module.css';
import { type MenuTarget, MessageMenu } from './message-menu.tsx';
import { MessageRow } from './message-row.tsx';
import { isSelectable, rowModels } from './row-models.ts';
import { useJumps } from './use-jumps.ts';
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
  const { conversationId, title, kind } = conversation;
  const me = useApp((state) => state.account?.user.userId ?? '');
  const group = kind === 'group';
  const rows = useMemo(() => rowModels(messages, group), [messages, group]);
  const selection = useWork((state) =>
    state.selection?.conversationId === conversationId ? state.selection.convSeqs : null,
  );
  const scroller = useRef<HTMLDivElement>(null);
  const handle = useRef<VirtualizerHandle>(null);
  const [menu, setMenu] = useState<MenuTarget | null>(null);
  const [focusedId, setFocusedId] = useState<string | null>(null);
  const [scrolledByHand, setScrolledByHand] = useState(false);
  const today = useNow(60 * 60 * 1000);
  const actions = useRowActions(setMenu);
  const savePosition = useSavedPosition(conversationId);
  const markRead = useReadMarks({ conversation, rows, scroller, handle });
  const dividerIndex = useMemo(() => rows.findIndex((row) => row.divider), [rows]);
  const canWrite = mayWrite(conversation, ui.surroundings.now());

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

  const unseen = (): number | null => {
    const divider = rows[dividerIndex]?.message.convSeq ?? 0;
    return divider > conversation.readSeq && !ui.surroundings.watched() ? dividerIndex : null;
  };

  const place = useListPlace({ rows, start, hasNewer: messages.hasNewer, scroller, handle, unseen, onMoved });
  const { onScroll } = place;
  const lit = useJumps(conversationId, rows, place);

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
    ui.work.setState({ back: null });
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
    requestAnimationFrame(() => elementOf(scroller.current, row.message)?.focus({ preventScroll: true }));
  };

  const openMenuAt = (element: Element, at?: DOMRect): void => {
    const current = element.closest<HTMLElement>('[data-key]');
    const message = rows.find((row) => row.message.key === current?.dataset.key)?.message;
    if (!current || !message || selection) return;
    const bubble = current.querySelector(`[data-testid="${testIds.messageText}"]`) ?? current;
    setFocusedId(null);
    actions.openMenu(message, at ?? bubble.getBoundingClientRect());
  };
  const press = useLongPress(openMenuAt);

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>): void => {
    // The end of the conversation, not of the part that is loaded.
    if (event.key === 'End' && !event.altKey && messages.hasNewer) {
      event.preventDefault();
      toEnd();
      return;
    }
    const current = (event.target as Element).closest<HTMLElement>('[data-key]');
    if (!current) return;
    const index = rows.findIndex((row) => row.message.key === current.dataset.key);
    const message = rows[index]?.message;
    const onRow = event.target === current;
    const target = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: rows.length - 1 }[event.key];
    if (target !== undefined && onRow && !event.altKey) {
      event.preventDefault();
      moveFocus(Math.max(0, Math.min(rows.length - 1, target)));
    } else if (selection && onRow && (event.key === ' ' || event.key === 'Enter')) {
      event.preventDefault();
      if (message && isSelectable(message)) toggleSelected(ui.work, message.convSeq!);
    } else if (
      event.key === 'ContextMenu' ||
      (event.key === 'F10' && event.shiftKey) ||
      (event.key === 'Enter' && onRow)
    ) {
      event.preventDefault();
      openMenuAt(current);
    }
  };

  const selectedIn = (message: MessageView): boolean | null =>
    selection === null ? null : message.convSeq !== null && selection.has(message.convSeq);
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
        {...press}
        onPointerDown={(event) => {
          byHand();
          press.onPointerDown(event);
        }}
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
                row={row}
                group={group}
                canWrite={canWrite}
                me={me}
                peerName={title}
                position={index + 1}
                total={messages.hasNewer || messages.hasOlder ? -1 : rows.length}
                tabbable={index === tabbableIndex}
                lit={lit === row.message.order}
                selected={selectedIn(row.message)}
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
      <UnreadAbove conversation={conversation} rows={rows} dividerIndex={dividerIndex} place={place} />
      <ListButtons
        conversation={conversation}
        endShown={place.ready && (!place.atEnd || messages.hasNewer)}
        onEnd={toEnd}
      />
      <Announcer conversation={conversation} messages={messages} />
      <MessageMenu
        target={menu}
        conversation={conversation}
        onClose={() => setMenu(null)}
        returnTo={(message) => elementOf(scroller.current, message)}
      />
    </div>
  );
}

function elementOf(scroller: Element | null, { key }: MessageView): HTMLElement | null {
  return scroller?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`) ?? null;
}
