import { type KeyboardEvent, type MouseEvent, type ReactNode, useCallback, useRef, useState } from 'react';
import { Virtualizer, type VirtualizerHandle } from 'virtua';
import { useText } from '../i18n/use-text.ts';
import { useNow } from '../shell/use-now.ts';
import { useApp, useConversations } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import { ConversationItem } from './conversation-item.tsx';
import styles from './conversation-list.module.css';
import { ConversationMenu, type ConversationMenuTarget } from './conversation-options-menu.tsx';
import { useWatchedPeers } from './conversation-options-presence.ts';
import { useLongPress } from './conversation-options-press.ts';
import { useSteadyOrder } from './use-steady-order.ts';

interface ConversationOptionsProps {
  listId: string;
  /** In the order in which they stand. */
  ids: readonly string[];
  onOpen(id: string): void;
  /** A row above the first one, and its height. */
  above?: { row: ReactNode; height: number } | undefined;
}

/** Conversations, one below the other. One of them is in the tab order; arrows move, Enter opens, Shift+F10 has more. */
export function ConversationOptions({ listId, ids, onOpen, above }: ConversationOptionsProps) {
  const text = useText();
  const byId = useConversations((state) => state.byId);
  const openId = useApp((state) => state.openConversationId);
  const { order, ...pointer } = useSteadyOrder(ids);
  const [focusedId, setFocusedId] = useState<string | null>(null);
  const [menu, setMenu] = useState<ConversationMenuTarget | null>(null);
  const today = useNow(60 * 1000);
  const scroller = useRef<HTMLDivElement>(null);
  const handle = useRef<VirtualizerHandle>(null);
  const focusedIndex = order.indexOf(focusedId ?? openId ?? '');
  const tabbableIndex = Math.max(0, focusedIndex);
  const watchVisible = useWatchedPeers(order, handle);

  const rowOf = (id: string) =>
    scroller.current?.querySelector<HTMLElement>(`[data-conversation-id="${CSS.escape(id)}"]`) ?? null;

  const openMenu = useCallback((row: Element, at: DOMRect): void => {
    const conversationId = row.closest<HTMLElement>('[data-conversation-id]')?.dataset.conversationId;
    if (conversationId === undefined) return;
    setFocusedId(conversationId);
    setMenu({ conversationId, at });
  }, []);

  const press = useLongPress(openMenu);

  const onContextMenu = (event: MouseEvent<HTMLDivElement>): void => {
    const row = (event.target as Element).closest('[data-conversation-id]');
    if (!row) return;
    event.preventDefault();
    // From the keyboard it comes without a place.
    const byKeyboard = event.clientX === 0 && event.clientY === 0;
    openMenu(row, byKeyboard ? startOf(row) : new DOMRect(event.clientX, event.clientY, 0, 0));
  };

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>): void => {
    const current = (event.target as Element).closest<HTMLElement>('[data-conversation-id]');
    const index = order.indexOf(current?.dataset.conversationId ?? '');
    if (index < 0 || current === null || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      onOpen(order[index]!);
      return;
    }
    if (event.key === 'ContextMenu' || (event.shiftKey && event.key === 'F10')) {
      event.preventDefault();
      openMenu(current, startOf(current));
      return;
    }
    const target = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: order.length - 1 }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(order.length - 1, target));
    setFocusedId(order[next]!);
    handle.current?.scrollToIndex(next, { align: 'nearest' });
    requestAnimationFrame(() => rowOf(order[next]!)?.focus());
  };

  return (
    <>
      <div ref={scroller} className={styles.scroller} data-testid={testIds.conversationList} {...pointer}>
        {above?.row}
        {/* biome-ignore lint/a11y/noStaticElementInteractions: a second way to the menu; the first is Shift+F10 on a row */}
        <div onContextMenu={onContextMenu} {...press}>
          <div id={listId} role="listbox" aria-label={text('chats.list')} onKeyDown={onKeyDown}>
            <Virtualizer
              ref={handle}
              data={order}
              scrollRef={scroller}
              startMargin={above?.height ?? 0}
              itemSize={64}
              keepMounted={[tabbableIndex]}
              onScrollEnd={watchVisible}
            >
              {(id, index) => {
                const conversation = byId.get(id)!;
                return (
                  <ConversationItem
                    key={id}
                    id={`${listId}-${index}`}
                    conversation={conversation}
                    open={id === openId}
                    active={false}
                    tabbable={index === tabbableIndex}
                    position={index + 1}
                    total={order.length}
                    today={today}
                    onOpen={onOpen}
                  />
                );
              }}
            </Virtualizer>
          </div>
        </div>
      </div>
      {/* Not in the scroller: a pointer over the menu is not over the list. */}
      <ConversationMenu
        target={menu}
        onClose={() => setMenu(null)}
        returnTo={() => (menu === null ? null : rowOf(menu.conversationId))}
      />
    </>
  );
}

function startOf(row: Element): DOMRect {
  const { left, bottom } = row.getBoundingClientRect();
  return new DOMRect(left + 56, bottom - 12, 0, 0);
}
